package web

import (
	"net/http"
	"net/url"

	"github.com/seed82d84382/commerce/media"
)

const mediaPath = "/img/"

// mediaFiles serves stored pictures in the sizes of the shop.
func (s *Server) mediaFiles() http.Handler {
	return media.Handler(s.images, &media.HandlerOptions{Variants: media.Shop})
}

func drawnURL(id, variant string) string {
	return "/picture/" + url.PathEscape(id) + "?v=" + variant
}

// picture shows a product that nobody has photographed: it is drawn on the first
// request, and from then on it is a stored picture as any other.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) error {
	p, err := s.products.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	file, err := s.pictures.OrDrawn(r.Context(), &p)
	if err != nil {
		return err
	}
	http.Redirect(w, r, media.VariantURL(s.images.URL(file.Name), file, variantName(r)), http.StatusFound)
	return nil
}

// variantName is the size that a request asks for.
func variantName(r *http.Request) string {
	if v, ok := media.Shop.Find(r.URL.Query().Get("v")); ok {
		return v.Name
	}
	return "card"
}
