package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

type orderPage struct {
	ID, Number      string
	Status          shop.Status
	Contact         shop.Contact
	Lines           []cartLine
	TotalCents      int64
	HeldUntilISO    string
	HeldUntilMillis int64
	HeldUntilClock  string
	Left            string
}

func (s *Server) order(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	user, _ := s.sessions.User(ctx)
	o, err := s.shop.Order(ctx, user.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	left := o.HeldUntil.Sub(s.now())
	page := orderPage{
		ID: o.ID, Number: o.Number(), Status: o.Status, Contact: o.Contact, TotalCents: o.TotalCents,
		HeldUntilISO: o.HeldUntil.UTC().Format(time.RFC3339), HeldUntilMillis: o.HeldUntil.UnixMilli(),
		HeldUntilClock: o.HeldUntil.Local().Format("15:04:05"), Left: clockText(left),
	}
	if o.Status == shop.Held && left <= 0 {
		page.Status = shop.Expired // the sweep that says so is seconds away
	}
	for _, line := range o.Lines {
		page.Lines = append(page.Lines, cartLine{
			SKU: line.SKU, Title: line.Title, Quantity: line.Quantity, PriceCents: line.PriceCents, SumCents: line.PriceCents * int64(line.Quantity),
		})
	}
	bySKU, pictures, err := s.productsOf(ctx, lang, page.Lines)
	if err != nil {
		return err
	}
	for i := range page.Lines {
		line := &page.Lines[i]
		if p, ok := bySKU[line.SKU]; ok {
			line.URL, line.Picture = productURL(p.ID), pictures[line.SKU]
		}
	}
	return s.show(w, r, http.StatusOK, "order", lang.T("order.title", o.Number()), page)
}

func clockText(left time.Duration) string {
	seconds := max(0, int((left+time.Second-1)/time.Second))
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// payOrder takes the test payment. Whatever became of the order, its page says so.
func (s *Server) payOrder(w http.ResponseWriter, r *http.Request) error {
	user, _ := s.sessions.User(r.Context())
	o, err := s.shop.Pay(r.Context(), user.ID, r.PathValue("id"))
	if err != nil && !errors.Is(err, shop.ErrExpired) {
		return err
	}
	if err == nil {
		s.log.Info("order paid", "order", o.ID, "total_cents", o.TotalCents)
	}
	return see(w, r, "/order/"+r.PathValue("id"))
}

func (s *Server) cancelOrder(w http.ResponseWriter, r *http.Request) error {
	user, _ := s.sessions.User(r.Context())
	if err := s.shop.Cancel(r.Context(), user.ID, r.PathValue("id")); err != nil {
		return err
	}
	return see(w, r, "/order/"+r.PathValue("id"))
}

func (s *Server) orderAgain(w http.ResponseWriter, r *http.Request) error {
	user, _ := s.sessions.User(r.Context())
	if err := s.shop.Again(r.Context(), user.ID, r.PathValue("id")); err != nil {
		return err
	}
	return see(w, r, "/cart")
}
