package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/inventory"
)

type checkoutPage struct {
	OrderID      string
	Contact      shop.Contact
	Errors       map[string]string
	Lines        []cartLine
	TotalCents   int64
	HoldMinutes  string
	Short        []string // what is no longer there
	Alternatives []card
}

func (s *Server) checkout(w http.ResponseWriter, r *http.Request) error {
	account, err := s.shopper(r)
	if err != nil {
		return err
	}
	return s.showCheckout(w, r, http.StatusOK, checkoutPage{
		OrderID: shop.NewOrderID(),
		Contact: shop.Contact{Name: account.Name, Email: account.Email, Address: account.Address},
	})
}

func (s *Server) showCheckout(w http.ResponseWriter, r *http.Request, status int, page checkoutPage) error {
	lang := i18nOf(r)
	lines, total, err := s.cartLines(r.Context(), lang, s.cartOwner(r), false)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return see(w, r, "/cart")
	}
	page.Lines, page.TotalCents, page.HoldMinutes = lines, total, s.holdText(lang)
	return s.show(w, r, status, "checkout", lang.T("checkout.title"), page)
}

// placeOrder holds the stock of the cart and goes on to the payment. The form
// carries the order's id, so that a second click finds the first one's order.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	ctx, lang := r.Context(), i18nOf(r)
	user, _ := s.sessions.User(ctx)
	page := checkoutPage{
		OrderID: r.PostFormValue("order"),
		Contact: shop.Contact{Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Address: r.PostFormValue("address")},
	}
	order, err := s.shop.Place(ctx, shop.Placement{OrderID: page.OrderID, AccountID: user.ID, Language: lang, Contact: page.Contact})
	if short, ok := errors.AsType[*inventory.InsufficientError](err); ok {
		if page.Short, page.Alternatives, err = s.fasterShopper(ctx, lang, short); err != nil {
			return err
		}
		page.OrderID = shop.NewOrderID()
		return s.showCheckout(w, r, http.StatusConflict, page)
	}
	if invalid, ok := errors.AsType[*shop.InvalidError](err); ok && (invalid.Field == "name" || invalid.Field == "email" || invalid.Field == "address") {
		page.Errors = map[string]string{invalid.Field: lang.T(invalid.Reason)}
		return s.showCheckout(w, r, http.StatusUnprocessableEntity, page)
	}
	switch {
	case errors.Is(err, shop.ErrEmptyCart):
		return see(w, r, "/cart")
	case err != nil:
		return err
	}
	return see(w, r, "/order/"+order.ID)
}

// fasterShopper says what somebody else bought first, and what is close to it.
func (s *Server) fasterShopper(ctx context.Context, lang i18n.Language, short *inventory.InsufficientError) ([]string, []card, error) {
	products, err := s.products.BySKUs(ctx, []string{short.SKU})
	if err != nil {
		return nil, nil, err
	}
	title := short.SKU
	if len(products) > 0 {
		title = products[0].Title.In(catalogue.Language(lang))
	}
	text := lang.T("checkout.short.gone", title)
	if short.Available > 0 {
		text = lang.T("checkout.short.line", title, short.Want, short.Available)
	}
	similar, err := s.similar(ctx, products, 4)
	if err != nil {
		return nil, nil, err
	}
	alternatives, err := s.cards(ctx, lang, similar)
	return []string{text}, alternatives, err
}
