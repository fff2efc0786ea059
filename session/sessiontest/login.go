package sessiontest

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/seed82d84382/commerce/session"
)

// Login logs a user in to sessions, as the host's login page would have, and
// gives client the cookie for site. A client without a cookie jar is a failure.
// http.Client sends a secure cookie over https only: use httptest.NewTLSServer,
// or CookieOptions.Insecure.
func Login(t testing.TB, sessions *session.Manager, client *http.Client, site string, user session.User, options *session.LoginOptions) {
	t.Helper()
	if client.Jar == nil {
		t.Fatal("sessiontest: the client has no cookie jar")
	}
	u, err := url.Parse(site)
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	cookie, err := sessions.Cookie(Context(t, sessions, user, options))
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	client.Jar.SetCookies(u, []*http.Cookie{cookie})
	if !jarHas(client.Jar, u, cookie) {
		t.Fatalf("sessiontest: the jar does not send %s to %s; is the cookie secure and the site not https?", cookie.Name, site)
	}
}

// Context returns a context in which a user is logged in to sessions, to call
// code under test without HTTP. An empty user id means that nobody is.
func Context(t testing.TB, sessions *session.Manager, user session.User, options *session.LoginOptions) context.Context {
	t.Helper()
	ctx := sessions.Attach(t.Context(), "")
	if user.ID == "" {
		return ctx
	}
	if err := sessions.Login(ctx, user, options); err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return ctx
}

func jarHas(jar http.CookieJar, u *url.URL, cookie *http.Cookie) bool {
	for _, c := range jar.Cookies(u) {
		if c.Name == cookie.Name && c.Value == cookie.Value {
			return true
		}
	}
	return false
}
