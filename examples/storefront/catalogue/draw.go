package catalogue

import (
	"image"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue/art"
)

// Views is the number of pictures that Draw makes of a product.
const Views = art.Views

// Draw draws picture number view (0 to Views-1) of a product, 1200 by 1200
// pixels and opaque. A product whose catalogue does not say how it looks is
// drawn as something of its category.
func Draw(p Product, view int) image.Image {
	shape := p.Drawing.Shape
	if shape == "" {
		shape = shapeOf(p.Category)
	}
	colours := p.Drawing.Colours
	if len(colours) == 0 {
		if values := p.Values("colour"); len(values) > 0 {
			if hex := swatches[strings.ToLower(values[0])]; hex != "" {
				colours = []string{hex}
			}
		}
	}
	return art.Draw(shape, colours, p.Brand, view)
}

// categoryShapes say what stands for a category and for all below it; the
// longest path that matches decides.
var categoryShapes = map[string]string{
	"tea": "tin", "tableware": "cup", "kitchen": "pot", "stationery": "notebook", "electronics": "phone", "home": "cushion", "outdoor": "backpack",
	"computers": "drive", "computers/notebooks": "laptop", "computers/desktops": "monitor", "computers/monitors": "monitor",
	"computers/processors": "chip", "computers/memory": "chip", "computers/graphics": "chip", "computers/input": "keyboard", "computers/bags": "backpack",
	"printing": "printer", "printing/ink": "cartridge", "printing/toner": "cartridge", "printing/paper": "labels",
	"cables": "cable", "network": "powerbank", "power": "powerbank", "power/batteries": "charger",
	"audio-video": "speaker", "audio-video/headphones": "headphones", "audio-video/cameras": "camera", "audio-video/televisions": "monitor", "audio-video/projectors": "lantern",
	"office/labels": "labels", "office/supplies": "pens", "appliances": "kettle",
}

func shapeOf(category string) string {
	for category != "" {
		if shape, ok := categoryShapes[category]; ok {
			return shape
		}
		category = Category{Path: category}.Parent()
	}
	return "box"
}

// swatches are the colours that catalogues name.
var swatches = map[string]string{
	"black": "#2b2d31", "white": "#eeeeea", "gray": "#8b9096", "grey": "#8b9096", "silver": "#c3c8cd", "blue": "#34548a", "red": "#b23a32",
	"green": "#4d7a58", "yellow": "#e0b23c", "orange": "#d9773f", "brown": "#75503a", "beige": "#d6c4a2", "gold": "#c9a24a", "pink": "#d98fa6",
	"purple": "#6d5087", "violet": "#6d5087", "cyan": "#2f9fb8", "magenta": "#b83a86", "light cyan": "#7cc6d4", "light magenta": "#d68abb",
	"transparent": "#dfe7ec", "multicolour": "#d9785a", "celadon": "#a9c7b4", "ivory": "#ece6d4", "turquoise": "#3f9c94",
}
