package web

import (
	"errors"
	"net/http"

	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/notify/dashboard"
	"github.com/seed82d84382/commerce/session"
)

// AdminUser is the one user of the admin's sessions.
const AdminUser = "admin"

// adminRoutes are behind a log-in and a session of their own: a shopper's
// cookie opens nothing here.
func (s *Server) adminRoutes(mux *http.ServeMux) {
	open := func(pattern string, h handler) { mux.Handle(pattern, s.admins.Middleware(s.page(h))) }
	guarded := func(pattern string, h http.Handler) { mux.Handle(pattern, s.admins.Middleware(s.requireAdmin(h))) }
	admin := func(pattern string, h handler) { guarded(pattern, s.page(h)) }

	open("GET /admin/login", s.adminLoginPage)
	open("POST /admin/login", s.adminLogin)
	admin("GET /admin", func(w http.ResponseWriter, r *http.Request) error { return see(w, r, "/admin/stock") })
	admin("POST /admin/logout", s.adminLogout)
	admin("GET /admin/stock", s.adminStock)
	admin("GET /admin/low", s.adminLow)
	admin("GET /admin/stock/{sku}", s.adminItem)
	admin("POST /admin/stock/{sku}/receive", s.adminReceive)
	admin("POST /admin/stock/{sku}/adjust", s.adminAdjust)
	admin("POST /admin/stock/{sku}/image", s.adminImage)
	admin("GET /admin/search", s.adminSearch)
	admin("POST /admin/search/reindex", s.adminReindex)
	admin("GET /admin/search/progress", s.adminProgress)
	guarded("/admin/queues/", dashboard.New(s.queue, &dashboard.Options{
		Prefix: "/admin/queues", Back: "/admin", Logger: s.log, Now: s.now,
		Allow:    func(*http.Request) bool { return true }, // behind requireAdmin
		Language: func(r *http.Request) string { return string(i18nOf(r)) },
	}))
	admin("/admin/", func(http.ResponseWriter, *http.Request) error { return shop.ErrNotFound })
}

func (s *Server) requireAdmin(next http.Handler) http.Handler {
	return s.admins.RequireLogin("/admin/login")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, ok := s.admins.User(r.Context()); !ok || user.ID != AdminUser {
			s.failed(w, r, shop.ErrNotFound)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// showAdmin renders a page of the administration.
func (s *Server) showAdmin(w http.ResponseWriter, r *http.Request, status int, name, section, title string, page any) error {
	ctx := r.Context()
	v := &view{Lang: i18nOf(r), Title: title, Section: section, Path: r.URL.RequestURI(), Page: page}
	if r.Method != http.MethodGet {
		v.Path = "/admin"
	}
	user, ok := s.admins.User(ctx)
	v.Admin = ok && user.ID == AdminUser
	v.Flash, _ = session.Pop[string](ctx, s.admins, flashValue)
	s.write(w, r, status, name, v)
	return nil
}

// adminFlash keeps a message for the next page and goes there.
func (s *Server) adminFlash(w http.ResponseWriter, r *http.Request, text, target string) error {
	if err := s.admins.Put(r.Context(), flashValue, text); err != nil {
		return err
	}
	return see(w, r, target)
}

type adminLoginPage struct{ Errors map[string]string }

func (s *Server) adminLoginPage(w http.ResponseWriter, r *http.Request) error {
	return s.showAdmin(w, r, http.StatusOK, "admin_login", "", i18nOf(r).T("admin.login"), adminLoginPage{})
}

func (s *Server) adminLogin(w http.ResponseWriter, r *http.Request) error {
	if err := s.ration(s.byAddress, addressKey(s.clientAddress(r))); err != nil {
		return err
	}
	hash, err := s.shop.CheckAdmin(r.Context(), r.PostFormValue("password"))
	if errors.Is(err, shop.ErrWrongPassword) {
		s.log.Warn("admin log-in refused", "address", s.clientAddress(r))
		return s.showAdmin(w, r, http.StatusUnprocessableEntity, "admin_login", "", i18nOf(r).T("admin.login"),
			adminLoginPage{map[string]string{"password": i18nOf(r).T("error.password.admin")}})
	}
	if err != nil {
		return err
	}
	err = s.admins.Login(r.Context(), session.User{ID: AdminUser, AuthHash: hash}, &session.LoginOptions{
		Flush: true, Device: deviceName(r.UserAgent()), IP: s.clientAddress(r),
	})
	if err != nil {
		return err
	}
	s.log.Info("admin logged in", "address", s.clientAddress(r))
	return see(w, r, "/admin/stock")
}

func (s *Server) adminLogout(w http.ResponseWriter, r *http.Request) error {
	if err := s.admins.Logout(r.Context()); err != nil {
		return err
	}
	return see(w, r, "/admin/login")
}
