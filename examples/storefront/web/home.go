package web

import (
	"net/http"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
)

type homePage struct {
	Hero       *card
	Categories []categoryCard
	Featured   []card
}

type categoryCard struct {
	Name, URL string
	Count     int
	Picture   picture
}

const featured = 12

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	popular, err := s.products.List(ctx, "", 0, featured+1)
	if err != nil {
		return err
	}
	cards, err := s.cards(ctx, lang, popular)
	if err != nil {
		return err
	}
	var page homePage
	if len(cards) > 0 {
		page.Hero, page.Featured = &cards[0], cards[1:]
		page.Hero.Picture.Sizes, page.Hero.Picture.Lazy = largeSizes, false
	}
	stocked, err := s.shop.TopCategories(ctx)
	if err != nil {
		return err
	}
	var faces []catalogue.Product
	for _, c := range stocked {
		face, err := s.products.List(ctx, c.Path, 0, 1)
		if err != nil {
			return err
		}
		faces = append(faces, face...)
		page.Categories = append(page.Categories, categoryCard{Name: c.Label.In(catalogue.Language(lang)), URL: categoryURL(c.Path), Count: c.Products})
	}
	pictures, err := s.picturesOf(ctx, lang, faces, cardSizes)
	if err != nil {
		return err
	}
	for i := range pictures {
		page.Categories[i].Picture = pictures[i]
		page.Categories[i].Picture.Alt = "" // its name stands beside it
	}
	return s.show(w, r, http.StatusOK, "home", "", page)
}
