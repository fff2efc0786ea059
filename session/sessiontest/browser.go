package sessiontest

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// clock only goes forward, as those of servers do.
type clock struct {
	start time.Time
	ahead atomic.Int64
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// site is a Manager under test, with its clock.
type site struct {
	*session.Manager
	clock *clock
}

// open makes a site over a driver. Changes of the options are optional.
func open(t *testing.T, d session.Driver, change func(*session.Options)) *site {
	t.Helper()
	return openAt(t, d, newClock(), change)
}

func openAt(t *testing.T, d session.Driver, c *clock, change func(*session.Options)) *site {
	t.Helper()
	o := &session.Options{Now: c.now, SweepEvery: -1, MaxAttempts: 1000, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if change != nil {
		change(o)
	}
	m, err := session.New(d, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return &site{Manager: m, clock: c}
}

// browser keeps cookies as a browser would, without a network in between.
type browser struct {
	t       *testing.T
	site    *site
	cookies map[string]*http.Cookie
}

func (s *site) browser(t *testing.T) *browser {
	return &browser{t: t, site: s, cookies: make(map[string]*http.Cookie)}
}

// clone is a second tab: it starts with the same cookies, and keeps its own.
func (b *browser) clone() *browser {
	return &browser{t: b.t, site: b.site, cookies: maps.Clone(b.cookies)}
}

// at is the same browser on another server of the site.
func (b *browser) at(other *site) *browser {
	return &browser{t: b.t, site: other, cookies: b.cookies}
}

// token is the value of the one cookie, or "".
func (b *browser) token() string {
	for _, c := range b.cookies {
		return c.Value
	}
	return ""
}

// visit sends a request that handler answers.
func (b *browser) visit(handler http.HandlerFunc) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "https://shop.example/", nil)
	r.Header.Set("User-Agent", "Browser/1.0")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.site.Middleware(handler).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return w
}

// do visits with a handler that only returns an error, which must be nil.
func (b *browser) do(act func(r *http.Request) error) {
	b.t.Helper()
	b.visit(func(_ http.ResponseWriter, r *http.Request) { require.NoError(b.t, act(r)) })
}

func (b *browser) login(user string, o *session.LoginOptions) {
	b.t.Helper()
	b.do(func(r *http.Request) error {
		return b.site.Login(r.Context(), session.User{ID: user, AuthHash: "hash"}, o)
	})
}

func (b *browser) logout() {
	b.t.Helper()
	b.do(func(r *http.Request) error { return b.site.Logout(r.Context()) })
}

func (b *browser) put(key string, value any) {
	b.t.Helper()
	b.do(func(r *http.Request) error { return b.site.Put(r.Context(), key, value) })
}

func (b *browser) get(key string) (value string) {
	b.t.Helper()
	b.visit(func(_ http.ResponseWriter, r *http.Request) { value = b.site.GetString(r.Context(), key) })
	return value
}

// user is who the site takes the browser for, "" for nobody.
func (b *browser) user() (id string) {
	b.t.Helper()
	b.visit(func(_ http.ResponseWriter, r *http.Request) {
		user, _ := b.site.User(r.Context())
		id = user.ID
	})
	return id
}

func (b *browser) current() (shown session.Session) {
	b.t.Helper()
	b.visit(func(_ http.ResponseWriter, r *http.Request) { shown, _ = b.site.Current(r.Context()) })
	return shown
}
