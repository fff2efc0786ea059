package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/media"
)

type adminStockPage struct {
	Heading              string
	Searchable           bool
	Query                string
	Rows                 []stockRow
	Empty                string
	PreviousURL, NextURL string
}

type stockRow struct {
	SKU, Title                  string
	OnHand, Reserved, Available int64
	Low                         bool
}

const stockPageSize = 50

// adminStock lists the stock of the catalogue, or of what a search finds.
func (s *Server) adminStock(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	page := adminStockPage{Heading: lang.T("admin.stock"), Searchable: true, Query: r.URL.Query().Get("q"), Empty: lang.T("admin.none")}
	number := pageNumber(r)
	var products []catalogue.Product
	var more bool
	var err error
	if page.Query != "" {
		products, more, err = s.findProducts(ctx, page.Query, number, stockPageSize)
	} else {
		products, err = s.products.List(ctx, "", (number-1)*stockPageSize, stockPageSize+1)
		if more = len(products) > stockPageSize; more {
			products = products[:stockPageSize]
		}
	}
	if err != nil {
		return err
	}
	levels, err := s.shop.Levels(ctx, skusOf(products))
	if err != nil {
		return err
	}
	for i := range products {
		page.Rows = append(page.Rows, stockRowOf(lang, &products[i], levels[products[i].SKU]))
	}
	link := func(n int) string {
		q := url.Values{"page": {strconv.Itoa(n)}}
		if page.Query != "" {
			q.Set("q", page.Query)
		}
		return "/admin/stock?" + q.Encode()
	}
	if number > 1 {
		page.PreviousURL = link(number - 1)
	}
	if more {
		page.NextURL = link(number + 1)
	}
	return s.showAdmin(w, r, http.StatusOK, "admin_stock", "stock", page.Heading, page)
}

func stockRowOf(lang i18n.Language, p *catalogue.Product, level inventory.Level) stockRow {
	return stockRow{
		SKU: p.SKU, Title: p.Title.In(catalogue.Language(lang)), OnHand: level.OnHand, Reserved: level.Reserved,
		Available: level.Available(), Low: level.Low(),
	}
}

// pageNumber is the page that a request asks for, 1 when it names none that could be.
func pageNumber(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n >= 1 && n <= 100_000 {
		return n
	}
	return 1
}

// adminLow lists what is running low.
func (s *Server) adminLow(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	low, err := s.shop.Low(ctx, r.URL.Query().Get("after"))
	if errors.Is(err, inventory.ErrInvalid) {
		return errBadRequest
	}
	if err != nil {
		return err
	}
	skus := make([]string, len(low.Levels))
	bySKU := map[string]inventory.Level{}
	for i, level := range low.Levels {
		skus[i] = level.SKU
		bySKU[level.SKU] = level
	}
	products, err := s.products.BySKUs(ctx, skus)
	if err != nil {
		return err
	}
	page := adminStockPage{Heading: lang.T("admin.low"), Empty: lang.T("admin.low-none")}
	for i := range products {
		page.Rows = append(page.Rows, stockRowOf(lang, &products[i], bySKU[products[i].SKU]))
	}
	if low.Next != "" {
		page.NextURL = "/admin/low?" + url.Values{"after": {low.Next}}.Encode()
	}
	return s.showAdmin(w, r, http.StatusOK, "admin_stock", "low", page.Heading, page)
}

type adminItemPage struct {
	stockRow
	URL       string
	Picture   picture
	Forms     []stockForm
	Movements []movementRow
	Errors    map[string]string
}

// stockForm changes the stock by hand.
type stockForm struct {
	Name                               string // of the change: the last part of the form's address
	Key                                string // makes a second click the same change
	Heading, Quantity, Example, Submit string
	Least                              int
	Error                              string
}

type movementRow struct {
	Time, Kind, Reason string
	OnHand, Reserved   string // signed changes
}

func (s *Server) adminItem(w http.ResponseWriter, r *http.Request) error {
	return s.showItem(w, r, http.StatusOK, nil)
}

func (s *Server) showItem(w http.ResponseWriter, r *http.Request, status int, errs map[string]string) error {
	ctx, lang := r.Context(), i18nOf(r)
	p, err := s.adminProduct(r)
	if err != nil {
		return err
	}
	levels, err := s.shop.Levels(ctx, []string{p.SKU})
	if err != nil {
		return err
	}
	pictures, err := s.picturesOf(ctx, lang, []catalogue.Product{p}, thumbSizes)
	if err != nil {
		return err
	}
	page := adminItemPage{
		stockRow: stockRowOf(lang, &p, levels[p.SKU]), URL: productURL(p.ID), Picture: pictures[0],
		Errors: errs, Forms: []stockForm{{
			Name: "receive", Key: rand.Text(), Least: 1, Error: errs["receive"],
			Heading: lang.T("admin.receive"), Quantity: lang.T("admin.quantity"), Example: lang.T("admin.receive-example"), Submit: lang.T("admin.receive-submit"),
		}, {
			Name: "adjust", Key: rand.Text(), Least: -1_000_000, Error: errs["adjust"],
			Heading: lang.T("admin.adjust"), Quantity: lang.T("admin.delta"), Example: lang.T("admin.adjust-example"), Submit: lang.T("admin.adjust-submit"),
		}},
	}
	movements, err := s.shop.Movements(ctx, p.SKU)
	if err != nil {
		return err
	}
	for _, m := range movements {
		reason := m.Reason
		if reason == "" && m.Reservation != "" {
			reason = lang.T("order.title", shop.OrderNumber(m.Reservation))
		}
		page.Movements = append(page.Movements, movementRow{
			Time: lang.Time(m.At.Local()), Kind: lang.T("movement." + string(m.Kind)), Reason: reason, OnHand: signed(m.OnHand), Reserved: signed(m.Reserved),
		})
	}
	return s.showAdmin(w, r, status, "admin_item", "stock", page.Title, page)
}

func signed(n int64) string {
	if n == 0 {
		return ""
	}
	if n > 0 {
		return "+" + strconv.FormatInt(n, 10)
	}
	return "−" + strconv.FormatInt(n, 10)[1:]
}

func (s *Server) adminProduct(r *http.Request) (catalogue.Product, error) {
	products, err := s.products.BySKUs(r.Context(), []string{r.PathValue("sku")})
	if err != nil {
		return catalogue.Product{}, err
	}
	if len(products) == 0 {
		return catalogue.Product{}, shop.ErrNotFound
	}
	return products[0], nil
}

func (s *Server) adminReceive(w http.ResponseWriter, r *http.Request) error {
	return s.changeStock(w, r, "receive", "admin.received", s.shop.Receive)
}

func (s *Server) adminAdjust(w http.ResponseWriter, r *http.Request) error {
	return s.changeStock(w, r, "adjust", "admin.adjusted", s.shop.Adjust)
}

// changeStock reads a stock form and makes its change. What is wrong with the
// form stands beside it.
func (s *Server) changeStock(w http.ResponseWriter, r *http.Request, form, doneKey string, change shop.StockChange) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	ctx, lang := r.Context(), i18nOf(r)
	p, err := s.adminProduct(r)
	if err != nil {
		return err
	}
	wrong := func(text string) error {
		return s.showItem(w, r, http.StatusUnprocessableEntity, map[string]string{form: text})
	}
	quantity, err := strconv.ParseInt(strings.TrimSpace(r.PostFormValue("quantity")), 10, 64)
	if err != nil {
		return wrong(lang.T("error.stock.quantity"))
	}
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" || len(reason) > 600 || utf8.RuneCountInString(reason) > 200 || !utf8.ValidString(reason) {
		return wrong(lang.T("error.reason"))
	}
	key := r.PostFormValue("key")
	if len(key) != len(rand.Text()) {
		return errBadRequest
	}
	err = change(ctx, p.SKU, quantity, reason, form+"-"+key)
	short, insufficient := errors.AsType[*inventory.InsufficientError](err)
	switch {
	case insufficient:
		return wrong(lang.T("error.stock.short", short.Available))
	case errors.Is(err, inventory.ErrConflict):
		return wrong(lang.T("error.stock.key"))
	case errors.Is(err, inventory.ErrInvalid):
		return wrong(lang.T("error.stock.quantity"))
	case err != nil:
		return err
	}
	s.log.Info("stock changed by admin", "change", form, "sku", p.SKU, "quantity", quantity)
	return s.adminFlash(w, r, lang.T(doneKey), "/admin/stock/"+url.PathEscape(p.SKU))
}

// adminImage takes a product's picture. The media store checks that it is one.
func (s *Server) adminImage(w http.ResponseWriter, r *http.Request) error {
	lang := i18nOf(r)
	p, err := s.adminProduct(r)
	if err != nil {
		return err
	}
	wrong := func(key string) error {
		return s.showItem(w, r, http.StatusUnprocessableEntity, map[string]string{"image": lang.T(key)})
	}
	form, err := r.MultipartReader()
	if err != nil {
		return formError(err)
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return formError(err) // no part of the form is the picture
		}
		if part.FormName() != "image" {
			continue
		}
		_, err = s.pictures.SetPhoto(r.Context(), p.SKU, part)
		_, large := errors.AsType[*http.MaxBytesError](err)
		switch {
		case large || errors.Is(err, media.ErrTooLarge):
			return wrong("error.image.size")
		case errors.Is(err, media.ErrType):
			return wrong("error.image.type")
		case errors.Is(err, media.ErrInvalid):
			return wrong("error.image.broken")
		case err != nil:
			return err
		}
		break
	}
	s.log.Info("picture uploaded by admin", "sku", p.SKU)
	return s.adminFlash(w, r, lang.T("admin.image-saved"), "/admin/stock/"+url.PathEscape(p.SKU))
}
