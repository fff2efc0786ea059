package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/media"
)

const mediaPath = "/img/"

// mediaFiles serves stored pictures in the sizes of the shop.
func (s *Server) mediaFiles() http.Handler {
	return media.Handler(s.images, &media.HandlerOptions{Variants: media.Shop})
}

// drawnURL is the address that draws a view of a product.
func drawnURL(id, variant string, view int) string {
	return fmt.Sprintf("/picture/%s?v=%s&view=%d", url.PathEscape(id), variant, view)
}

// picture shows a product that nobody has photographed: it is drawn on the first
// request, and from then on it is a stored picture as any other.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) error {
	p, err := s.products.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	file, err := s.pictures.Draw(r.Context(), &p, viewNumber(r))
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

// viewNumber is the view that a request asks for: 0 when it names none that there is.
func viewNumber(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("view")); err == nil && n > 0 && n < catalogue.Views {
		return n
	}
	return 0
}
