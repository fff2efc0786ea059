// Package web is the shop's pages: server-rendered, in two languages, complete
// without JavaScript.
package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/outbox"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/session"
)

// Options wire a Server. Everything but the last group is required.
type Options struct {
	Shop     *shop.Shop
	Products *catalogue.Table
	Pictures *shop.Pictures
	Indexer  *shop.Indexer

	Sessions      *session.Manager // of shoppers
	AdminSessions *session.Manager // of /admin
	Search        *search.Index
	Images        *media.Store
	Queue         *notify.Queue

	Outbox     *outbox.Outbox // nil outside development
	HTTPS      bool           // browsers reach the shop by https
	TrustProxy bool
	LoginLimit int // attempts a minute and address
	Hold       time.Duration
	Log        *slog.Logger
	Now        func() time.Time
}

// Server serves the shop.
type Server struct {
	shop     *shop.Shop
	products *catalogue.Table
	pictures *shop.Pictures
	indexer  *shop.Indexer
	sessions *session.Manager
	admins   *session.Manager
	search   *search.Index
	images   *media.Store
	queue    *notify.Queue
	outbox   *outbox.Outbox

	development bool
	https       bool
	trustProxy  bool
	hold        time.Duration
	log         *slog.Logger
	now         func() time.Time

	pages     pages
	byAddress *limiter // log-ins and codes, of an address
	byPhone   *limiter // passwords, of an account, however many addresses try it
	handler   http.Handler
}

// passwordsPerPhone is how many passwords a minute may be tried against one account.
const passwordsPerPhone = 10

// New parses the pages and wires the routes.
func New(o *Options) (*Server, error) {
	assets, err := assetURLs()
	if err != nil {
		return nil, fmt.Errorf("web: static files: %w", err)
	}
	pages, err := parsePages(assets)
	if err != nil {
		return nil, err
	}
	if o.LoginLimit < 1 {
		return nil, errors.New("web: LoginLimit must be positive")
	}
	s := &Server{
		shop: o.Shop, products: o.Products, pictures: o.Pictures, indexer: o.Indexer, sessions: o.Sessions, admins: o.AdminSessions,
		search: o.Search, images: o.Images, queue: o.Queue, outbox: o.Outbox,
		development: o.Outbox != nil, https: o.HTTPS, trustProxy: o.TrustProxy, hold: o.Hold, log: o.Log, now: o.Now,
		pages: pages, byAddress: newLimiter(o.LoginLimit, o.Now), byPhone: newLimiter(passwordsPerPhone, o.Now),
	}
	s.handler = s.logged(s.secure(localized(bounded(s.sameOrigin(s.routes())))))
	return s, nil
}

// ServeHTTP serves the shop.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// routes is the map of the shop.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /static/{name}", serveAssets)
	mux.HandleFunc("GET /favicon.ico", serveIcon)
	mux.Handle("GET "+mediaPath, http.StripPrefix(mediaPath, s.mediaFiles()))
	mux.Handle("GET /picture/{id}", s.page(s.picture))
	mux.Handle("GET /suggest", s.page(s.suggest))
	mux.Handle("GET /product/{id}/stock", s.page(s.stockLevel))

	shopper := func(pattern string, h handler) { mux.Handle(pattern, s.sessions.Middleware(s.page(h))) }
	loggedIn := s.sessions.RequireLogin("/login")
	account := func(pattern string, h handler) { mux.Handle(pattern, s.sessions.Middleware(loggedIn(s.page(h)))) }

	shopper("GET /{$}", s.home)
	shopper("GET /search", s.searchPage)
	shopper("GET /category/{path...}", s.searchPage)
	shopper("GET /product/{id}", s.product)
	shopper("POST /language", s.chooseLanguage)

	shopper("GET /cart", s.cart)
	shopper("POST /cart/add", s.cartAdd)
	shopper("POST /cart/update", s.cartUpdate)
	account("GET /checkout", s.checkout)
	account("POST /checkout", s.placeOrder)
	account("GET /order/{id}", s.order)
	account("POST /order/{id}/pay", s.payOrder)
	account("POST /order/{id}/cancel", s.cancelOrder)
	account("POST /order/{id}/again", s.orderAgain)

	shopper("GET /login", s.login)
	shopper("POST /login/code", s.sendCode)
	shopper("GET /login/verify", s.verifyPage)
	shopper("POST /login/verify", s.verifyCode)
	shopper("POST /login/password", s.passwordLogin)
	shopper("POST /logout", s.logout)
	account("GET /account", s.account)
	account("POST /account/password", s.setPassword)
	account("POST /account/devices/revoke", s.revokeDevice)
	account("POST /account/logout-others", s.logoutOthers)
	account("POST /account/logout-all", s.logoutAll)

	if s.outbox != nil {
		shopper("GET /dev/outbox", s.outboxPage)
	}
	s.adminRoutes(mux)
	shopper("/", func(http.ResponseWriter, *http.Request) error { return shop.ErrNotFound })
	return mux
}

// health answers whether the shop can serve: its database answers.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := s.shop.Ping(r.Context()); err != nil {
		s.log.Error("health check failed", "error", err)
		http.Error(w, "database unavailable", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
