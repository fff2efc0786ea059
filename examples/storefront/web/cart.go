package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

// cartLine is a line of a cart, or of an order.
type cartLine struct {
	SKU        string
	URL        string
	Title      string
	Quantity   int
	PriceCents int64
	SumCents   int64
	Picture    picture
	Problem    string // why it cannot be bought as it is
	Editable   bool
}

type cartPage struct {
	Lines      []cartLine
	TotalCents int64
}

func (s *Server) cart(w http.ResponseWriter, r *http.Request) error {
	var page cartPage
	if owner := s.cartOwner(r); owner != "" {
		var err error
		if page.Lines, page.TotalCents, err = s.cartLines(r.Context(), i18nOf(r), owner, true); err != nil {
			return err
		}
	}
	return s.show(w, r, http.StatusOK, "cart", i18nOf(r).T("cart.title"), page)
}

// cartLines dresses the lines of a cart, and says of each what keeps it from
// being bought. A product that is gone counts nothing.
func (s *Server) cartLines(ctx context.Context, lang i18n.Language, owner string, editable bool) ([]cartLine, int64, error) {
	inCart, err := s.shop.Cart(ctx, owner)
	if err != nil {
		return nil, 0, err
	}
	lines := make([]cartLine, len(inCart))
	for i, line := range inCart {
		lines[i] = cartLine{SKU: line.SKU, Quantity: line.Quantity, Title: line.SKU, Problem: lang.T("cart.gone"), Editable: editable}
	}
	bySKU, pictures, err := s.productsOf(ctx, lang, lines)
	if err != nil {
		return nil, 0, err
	}
	available, err := s.shop.Available(ctx, linesSKUs(lines))
	if err != nil {
		return nil, 0, err
	}
	var total int64
	for i := range lines {
		line := &lines[i]
		p, ok := bySKU[line.SKU]
		if !ok {
			continue
		}
		line.Title, line.URL, line.Picture = p.Title.In(catalogue.Language(lang)), productURL(p.ID), pictures[p.SKU]
		line.PriceCents, line.SumCents = p.PriceCents, p.PriceCents*int64(line.Quantity)
		total += line.SumCents
		switch left := available[line.SKU]; {
		case left <= 0:
			line.Problem = lang.T("stock.out")
		case left < line.Quantity:
			line.Problem = lang.T("cart.short", left)
		default:
			line.Problem = ""
		}
	}
	return lines, total, nil
}

// productsOf returns the products that lines are of, and their pictures, by SKU.
func (s *Server) productsOf(ctx context.Context, lang i18n.Language, lines []cartLine) (map[string]catalogue.Product, map[string]picture, error) {
	products, err := s.products.BySKUs(ctx, linesSKUs(lines))
	if err != nil {
		return nil, nil, err
	}
	list, err := s.picturesOf(ctx, lang, products, thumbSizes)
	if err != nil {
		return nil, nil, err
	}
	bySKU, pictures := map[string]catalogue.Product{}, map[string]picture{}
	for i, p := range products {
		bySKU[p.SKU], pictures[p.SKU] = p, list[i]
	}
	return bySKU, pictures, nil
}

func linesSKUs(lines []cartLine) []string {
	skus := make([]string, len(lines))
	for i := range lines {
		skus[i] = lines[i].SKU
	}
	return skus
}

func (s *Server) cartAdd(w http.ResponseWriter, r *http.Request) error {
	quantity, err := formQuantity(r, 1)
	if err != nil {
		return err
	}
	products, err := s.products.BySKUs(r.Context(), []string{r.PostFormValue("sku")})
	if err != nil {
		return err
	}
	if len(products) == 0 {
		return shop.ErrNotFound
	}
	owner, err := s.needCartOwner(r)
	if err != nil {
		return err
	}
	if err := s.shop.AddToCart(r.Context(), owner, products[0].SKU, quantity); err != nil {
		return err
	}
	lang := i18nOf(r)
	if err := s.flash(r, lang.T("cart.added", products[0].Title.In(catalogue.Language(lang)))); err != nil {
		return err
	}
	return see(w, r, "/cart")
}

func (s *Server) cartUpdate(w http.ResponseWriter, r *http.Request) error {
	quantity := 0
	if r.PostFormValue("remove") == "" {
		var err error
		if quantity, err = formQuantity(r, 0); err != nil {
			return err
		}
	}
	if owner := s.cartOwner(r); owner != "" {
		if err := s.shop.SetCartQuantity(r.Context(), owner, r.PostFormValue("sku"), quantity); err != nil {
			return err
		}
	}
	return see(w, r, "/cart")
}

// formQuantity reads the number of pieces of a form.
func formQuantity(r *http.Request, least int) (int, error) {
	if err := r.ParseForm(); err != nil {
		return 0, formError(err)
	}
	quantity, err := strconv.Atoi(r.PostFormValue("quantity"))
	if err != nil || quantity < least || quantity > shop.MaxQuantity {
		return 0, &shop.InvalidError{Field: "quantity", Reason: "error.quantity"}
	}
	return quantity, nil
}
