package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
)

type productPage struct {
	SKU         string
	URL         string
	Title       string
	Brand       string
	BrandURL    string
	Trail       []categoryLink // from the top category down
	Picture     picture
	Views       []viewLink // none of a product that has a photo
	PriceCents  int64
	Stock       availability
	Description string
	Attributes  []attribute
	Similar     []card
}

type viewLink struct {
	URL     string
	Number  int // from 1
	Current bool
	Picture picture
}

type attribute struct{ Name, Value string }

func (s *Server) product(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	p, err := s.products.Get(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	tongue := catalogue.Language(lang)
	available, err := s.shop.Available(ctx, []string{p.SKU})
	if err != nil {
		return err
	}
	page := productPage{
		SKU: p.SKU, URL: productURL(p.ID), Title: p.Title.In(tongue), PriceCents: p.PriceCents,
		Stock: availabilityOf(lang, available[p.SKU]), Description: p.Description.In(tongue),
	}
	if page.Picture, page.Views, err = s.gallery(r, &p); err != nil {
		return err
	}
	if p.Brand != "" {
		page.Brand = catalogue.ValueLabel(p.Brand).In(tongue)
		page.BrandURL = "/search?" + url.Values{"brand": {p.Brand}}.Encode()
	}
	for _, c := range catalogue.CategoryTrail(p.Category) {
		page.Trail = append(page.Trail, categoryLink{Name: c.Label.In(tongue), URL: categoryURL(c.Path)})
	}
	for _, line := range p.Specifications() {
		page.Attributes = append(page.Attributes, attribute{line.Name.In(tongue), line.Value.In(tongue)})
	}
	similar, err := s.similar(ctx, []catalogue.Product{p}, 4)
	if err != nil {
		return err
	}
	if page.Similar, err = s.cards(ctx, lang, similar); err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, "product", page.Title, page)
}

// gallery is the picture of the view that is asked for, and the links to all of
// them: a page each, so that it works without JavaScript.
func (s *Server) gallery(r *http.Request, p *catalogue.Product) (picture, []viewLink, error) {
	ctx, lang, current := r.Context(), i18nOf(r), viewNumber(r)
	photo, err := s.pictures.HasPhoto(ctx, p.SKU)
	if err != nil {
		return picture{}, nil, err
	}
	views := catalogue.Views
	if photo {
		views, current = 1, 0
	}
	links := make([]viewLink, views)
	var shown picture
	for view := range links {
		kept, err := s.pictures.Of(ctx, []catalogue.Product{*p}, view)
		if err != nil {
			return picture{}, nil, err
		}
		links[view] = viewLink{URL: productURL(p.ID), Number: view + 1, Current: view == current, Picture: s.pictureOf(lang, p, view, thumbSizes, kept)}
		links[view].Picture.Alt = "" // the link says what it is
		if view > 0 {
			links[view].URL += "?view=" + strconv.Itoa(view)
		}
		if view == current {
			shown = s.pictureOf(lang, p, view, largeSizes, kept)
		}
	}
	if photo {
		links = nil
	}
	return shown, links, nil
}

// similar returns up to limit products that are in stock and like those given:
// by their words first, then from the same shelf and the ones beside it.
func (s *Server) similar(ctx context.Context, products []catalogue.Product, limit int) ([]catalogue.Product, error) {
	seen := map[string]bool{}
	for _, p := range products {
		seen[p.SKU] = true
	}
	var found []catalogue.Product
	take := func(candidates []catalogue.Product) error {
		available, err := s.shop.Available(ctx, skusOf(candidates))
		for _, p := range candidates {
			if len(found) < limit && !seen[p.SKU] && available[p.SKU] > 0 {
				seen[p.SKU] = true
				found = append(found, p)
			}
		}
		return err
	}
	for i := range products {
		alike, err := s.similarTo(ctx, &products[i], 2*limit)
		if err == nil {
			err = take(alike)
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range products {
		for category := products[i].Category; len(found) < limit; category = category[:max(strings.LastIndexByte(category, '/'), 0)] {
			shelf, err := s.products.List(ctx, category, 0, limit+len(seen)+8)
			if err == nil {
				err = take(shelf)
			}
			if err != nil {
				return nil, err
			}
			if category == "" {
				break
			}
		}
	}
	return found, nil
}

// stockLevel answers the product page's question how much is left by now.
func (s *Server) stockLevel(w http.ResponseWriter, r *http.Request) error {
	p, err := s.products.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	available, err := s.shop.Available(r.Context(), []string{p.SKU})
	if err != nil {
		return err
	}
	return writeJSON(w, availabilityOf(i18nOf(r), available[p.SKU]))
}

func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(body)
	return err
}

// holdText says how long a checkout holds its stock.
func (s *Server) holdText(lang i18n.Language) string { return waitText(lang, s.hold) }
