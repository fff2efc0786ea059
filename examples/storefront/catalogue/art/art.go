// Package art draws products that nobody has photographed: a shape from a small
// set, in the product's own colours, lit from the upper left in a studio. All
// of it is computed; there are no picture files.
package art

import (
	"hash/fnv"
	"image"
	"maps"
	"slices"
	"strconv"
)

// Size is the width and the height of a picture, in pixels.
const Size = 1200

// Views is the number of pictures of a product: in the studio, close up, and
// on a table at home.
const Views = 3

// palette is what a product is made of.
type palette struct{ body, accent, detail colour }

// shapes by name; each stands on the table in the middle of the scene, which
// is 1000 by 1000.
var shapes = map[string]func(*canvas, palette){
	"tin": tin, "pouch": pouch, "teacake": teacake,
	"cup": cup, "mug": mug, "gaiwan": gaiwan, "teapot": teapot, "bowl": bowl, "plate": plate,
	"wok": wok, "pot": pot, "cleaver": cleaver, "knife": knife, "board": board, "grinder": grinder, "kettle": kettle, "chopsticks": chopsticks,
	"notebook": notebook, "pen": pen, "pens": pens, "ink": ink, "tape": tape, "lamp": lamp, "labels": labels,
	"phone": phone, "case": phoneCase, "reader": reader, "watch": watch, "laptop": laptop, "monitor": monitor, "keyboard": keyboard, "camera": camera,
	"earbuds": earbuds, "headphones": headphones, "speaker": speaker, "charger": charger, "powerbank": powerbank, "cable": cable,
	"printer": printer, "cartridge": cartridge, "chip": chip, "drive": drive, "box": box,
	"towel": towel, "throw": throw, "cushion": cushion, "bedding": bedding, "apron": apron,
	"bottle": bottle, "backpack": backpack, "tent": tent, "lantern": lantern, "chair": chair,
}

// Shapes returns the names that Draw knows, sorted.
func Shapes() []string { return slices.Sorted(maps.Keys(shapes)) }

// Draw returns picture number view (from 0, below Views) of a product: a shape
// in up to three colours (#rrggbb: body, accent, detail). An unknown shape is a
// box, and colours that are missing are chosen by seed, always the same. The
// picture is opaque, and Size by Size pixels.
func Draw(shape string, colours []string, seed string, view int) image.Image {
	return render(Size, shape, colours, seed, view)
}

func render(size int, shape string, colours []string, seed string, view int) *image.RGBA {
	draw, ok := shapes[shape]
	if !ok {
		draw = box
	}
	c := newCanvas(size)
	p := choose(colours, seed)
	switch view {
	case 1:
		c.closeUp(p, draw)
	case 2:
		if slices.Contains(flat, shape) {
			c.tableTop(p, draw)
		} else {
			c.table(p, draw)
		}
	default:
		c.studio(p, draw)
	}
	return c.img
}

// flat are the shapes that lie on a table.
var flat = []string{
	"apron", "board", "cable", "case", "chip", "chopsticks", "cleaver", "cushion", "drive", "headphones", "keyboard", "knife", "labels",
	"notebook", "pen", "pens", "phone", "plate", "powerbank", "reader", "teacake", "watch",
}

// spare are the palettes of products whose colours nobody chose.
var spare = [][3]string{
	{"#3d5a73", "#e8c65a", "#eef1f4"}, {"#6b7f5e", "#f0e3c8", "#c46b45"}, {"#8a4f4a", "#efd9c3", "#d9a441"},
	{"#4a4f5a", "#d9785a", "#cfd5da"}, {"#5d7f86", "#f3ead8", "#2f3f46"}, {"#7a6a86", "#e9dff0", "#e0b15c"},
}

func choose(colours []string, seed string) palette {
	h := fnv.New32a()
	h.Write([]byte(seed))
	from := spare[int(h.Sum32()%uint32(len(spare)))]
	copy(from[:], colours)
	return palette{parse(from[0]), parse(from[1]), parse(from[2])}
}

// parse reads #rrggbb; anything else is a warm grey.
func parse(s string) colour {
	if len(s) == 7 && s[0] == '#' {
		if n, err := strconv.ParseUint(s[1:], 16, 32); err == nil {
			return colour{float64(n>>16&255) / 255, float64(n>>8&255) / 255, float64(n&255) / 255, 1}
		}
	}
	return colour{0.62, 0.60, 0.57, 1}
}
