package session

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// RequireLogin lets only logged-in users through. Others are redirected to
// loginURL (303), with the page they wanted as the query parameter "next" if
// they asked by GET or HEAD; an empty loginURL answers 401. Put it inside Middleware.
func (m *Manager) RequireLogin(loginURL string) func(http.Handler) http.Handler {
	return m.require(loginURL, func(ctx context.Context) bool { _, ok := m.User(ctx); return ok })
}

// RequireFresh lets only users through who logged in, or passed Confirm, within
// maxAge: put it before changing a password, paying, deleting an account.
// Others are sent to confirmURL, as RequireLogin sends them.
func (m *Manager) RequireFresh(maxAge time.Duration, confirmURL string) func(http.Handler) http.Handler {
	return m.require(confirmURL, func(ctx context.Context) bool { return m.Fresh(ctx, maxAge) })
}

func (m *Manager) require(url string, allowed func(context.Context) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			if !allowed(r.Context()) {
				m.refuse(w, r, url)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// ReturnTo returns where to go after a login: the page RequireLogin noted in
// the query or form field "next" if it is a path of this site, or else fallback.
func ReturnTo(r *http.Request, fallback string) string {
	next := r.FormValue("next")
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !localPath(next) {
		return fallback
	}
	return next
}

// localPath refuses what browsers take for another host: they read "\" as "/"
// and drop control characters.
func localPath(target string) bool {
	if len(target) == 0 || target[0] != '/' || len(target) > 1 && target[1] == '/' {
		return false
	}
	return !strings.ContainsFunc(target, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f })
}

func (m *Manager) refuse(w http.ResponseWriter, r *http.Request, target string) {
	if target == "" {
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if u, err := url.Parse(target); err == nil {
			query := u.Query()
			query.Set("next", r.URL.RequestURI())
			u.RawQuery = query.Encode()
			target = u.String()
		}
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}
