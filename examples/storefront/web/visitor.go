package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/session"
)

// Values kept in a shopper's session.
const (
	guestCartValue = "cart"  // id of the cart of someone who is not logged in
	flashValue     = "flash" // a message for the next page
	phoneValue     = "login.phone"
	nextValue      = "login.next"
)

// cartOwner names whose cart a request sees: the account's, the guest's, or ""
// for a visitor who never put anything in one.
func (s *Server) cartOwner(r *http.Request) string {
	if user, ok := s.sessions.User(r.Context()); ok {
		return user.ID
	}
	return s.sessions.GetString(r.Context(), guestCartValue)
}

// needCartOwner is cartOwner that gives a new guest a cart. Two first clicks at
// once get the same one.
func (s *Server) needCartOwner(r *http.Request) (string, error) {
	if owner := s.cartOwner(r); owner != "" {
		return owner, nil
	}
	var owner string
	err := s.sessions.Update(r.Context(), func(v *session.Values) error {
		if owner = v.String(guestCartValue); owner == "" {
			owner = shop.GuestPrefix + rand.Text()
			v.Set(guestCartValue, owner)
		}
		return nil
	})
	return owner, err
}

// shopper returns the account of a request that RequireLogin let through.
func (s *Server) shopper(r *http.Request) (*shop.Account, error) {
	user, ok := s.sessions.User(r.Context())
	if !ok {
		return nil, shop.ErrNotFound
	}
	return s.shop.Account(r.Context(), user.ID)
}

// flash keeps a message for the next page.
func (s *Server) flash(r *http.Request, text string) error {
	return s.sessions.Put(r.Context(), flashValue, text)
}

// newView is what every shopper's page begins with.
func (s *Server) newView(r *http.Request, title string, page any) (*view, error) {
	v := &view{Lang: i18nOf(r), Title: title, Path: r.URL.RequestURI(), Development: s.development, Page: page}
	if r.Method != http.MethodGet {
		v.Path = "/" // a form's address is not one to come back to
	}
	ctx := r.Context()
	_, v.Account = s.sessions.User(ctx)
	v.Flash, _ = session.Pop[string](ctx, s.sessions, flashValue)
	if owner := s.cartOwner(r); owner != "" {
		count, err := s.shop.CartCount(ctx, owner)
		if err != nil {
			return nil, err
		}
		v.CartCount = count
	}
	stocked, err := s.shop.TopCategories(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range stocked {
		url := categoryURL(c.Path)
		v.Categories = append(v.Categories, categoryLink{
			Name: c.Label.In(catalogue.Language(v.Lang)), URL: url,
			Current: r.URL.Path == url || strings.HasPrefix(r.URL.Path, url+"/"),
		})
	}
	return v, nil
}

// show renders a shopper's page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name, title string, page any) error {
	v, err := s.newView(r, title, page)
	if err != nil {
		return err
	}
	if name == "search" {
		v.Query = r.URL.Query().Get("q")
	}
	s.write(w, r, status, name, v)
	return nil
}

// chooseLanguage keeps the visitor's choice for a year and goes back to the page.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request) error {
	lang, ok := i18n.Parse(r.PostFormValue("language"))
	if !ok {
		return errBadRequest
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: string(lang), Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: s.https, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, localPath(r.PostFormValue("back"), "/"), http.StatusSeeOther)
	return nil
}

// localPath returns target when it is a page of this shop, and otherwise the
// fallback: no form can send a visitor elsewhere.
func localPath(target, fallback string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n") || len(target) > 2000 {
		return fallback
	}
	return u.RequestURI()
}

func categoryURL(path string) string {
	return (&url.URL{Path: "/category/" + path}).EscapedPath()
}

func productURL(id string) string { return "/product/" + url.PathEscape(id) }

// see redirects after a form, so that a reload never sends it again.
func see(w http.ResponseWriter, r *http.Request, target string) error {
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}
