package session

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// RequireFresh lets only users through who logged in, or passed Confirm, within
// maxAge: put it before changing a password, paying, deleting an account.
// Others are sent to confirmURL, as RequireLogin sends them.
func (m *Manager) RequireFresh(maxAge time.Duration, confirmURL string) func(http.Handler) http.Handler {
	return m.require(confirmURL, func(ctx context.Context) bool { return m.Fresh(ctx, maxAge) })
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
