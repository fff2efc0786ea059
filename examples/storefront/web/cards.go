package web

import (
	"context"
	"fmt"
	"html/template"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/media"
)

// card is a product in a grid.
type card struct {
	URL        string
	Brand      string
	Title      template.HTML // escaped; words that were searched for are marked
	PriceCents int64
	Picture    picture
	Stock      availability
}

// picture is an image in the sizes a browser may choose from.
type picture struct {
	Src, Srcset, Sizes string
	Width, Height      int
	Alt                string
	Lazy               bool
}

// availability is how a shopper is told the stock.
type availability struct {
	Text  string `json:"text"`
	Class string `json:"class"` // plenty, few or out
	Out   bool   `json:"out"`
}

func availabilityOf(lang i18n.Language, available int) availability {
	switch {
	case available <= 0:
		return availability{Text: lang.T("stock.out"), Class: "out", Out: true}
	case available <= shop.LowStock:
		return availability{Text: lang.Count("stock.few", available), Class: "few"}
	}
	return availability{Text: lang.T("stock.plenty"), Class: "plenty"}
}

// Sizes of the places where pictures stand, for the browser's choice of file.
const (
	cardSizes  = "(max-width: 34rem) 46vw, (max-width: 56rem) 30vw, 14rem"
	thumbSizes = "5rem"
	largeSizes = "(max-width: 56rem) 92vw, 38rem"
)

// cards dresses products for a grid: stock and pictures of all in one query each.
func (s *Server) cards(ctx context.Context, lang i18n.Language, products []catalogue.Product) ([]card, error) {
	available, err := s.shop.Available(ctx, skusOf(products))
	if err != nil {
		return nil, err
	}
	pictures, err := s.picturesOf(ctx, lang, products, cardSizes)
	if err != nil {
		return nil, err
	}
	cards := make([]card, len(products))
	for i := range products {
		p := &products[i]
		cards[i] = card{
			URL: productURL(p.ID), Brand: catalogue.ValueLabel(p.Brand).In(catalogue.Language(lang)),
			Title: escaped(p.Title.In(catalogue.Language(lang))), PriceCents: p.PriceCents,
			Picture: pictures[i], Stock: availabilityOf(lang, available[p.SKU]),
		}
		cards[i].Picture.Lazy = i >= 4
	}
	return cards, nil
}

func escaped(text string) template.HTML { return template.HTML(template.HTMLEscapeString(text)) }

func skusOf(products []catalogue.Product) []string {
	skus := make([]string, len(products))
	for i := range products {
		skus[i] = products[i].SKU
	}
	return skus
}

// picturesOf finds the pictures of products. One that was never asked for has
// the address that draws it.
func (s *Server) picturesOf(ctx context.Context, lang i18n.Language, products []catalogue.Product, sizes string) ([]picture, error) {
	kept, err := s.pictures.Of(ctx, products, 0)
	if err != nil {
		return nil, err
	}
	pictures := make([]picture, len(products))
	for i := range products {
		pictures[i] = s.pictureOf(lang, &products[i], 0, sizes, kept)
	}
	return pictures, nil
}

func (s *Server) pictureOf(lang i18n.Language, p *catalogue.Product, view int, sizes string, kept map[string]media.File) picture {
	pic := picture{Sizes: sizes, Alt: p.Title.In(catalogue.Language(lang)), Width: 800, Height: 800}
	if file, ok := kept[p.SKU]; ok {
		base := s.images.URL(file.Name)
		pic.Src = media.VariantURL(base, file, "card")
		pic.Srcset = media.Shop.Srcset(base, file)
		pic.Width, pic.Height = file.Width, file.Height
		return pic
	}
	pic.Src = drawnURL(p.ID, "card", view)
	var sizesOf []string
	for _, variant := range media.Shop[:3] {
		sizesOf = append(sizesOf, fmt.Sprintf("%s %dw", drawnURL(p.ID, variant.Name, view), variant.Width))
	}
	pic.Srcset = strings.Join(sizesOf, ", ")
	return pic
}
