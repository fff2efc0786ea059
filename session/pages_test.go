package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

func TestFlash(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	first := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	token, err := m.Token(first)
	require.NoError(t, err)
	second := m.Attach(t.Context(), token)
	require.NoError(t, m.Load(second))
	require.NoError(t, m.AddFlash(first, session.Flash{Kind: "info", Text: "saved"}))
	require.NoError(t, m.Commit(first))
	require.NoError(t, m.AddFlash(second, session.Flash{Kind: "error", Text: "card refused"}), "at the same time")
	require.NoError(t, m.Commit(second))

	page := m.Attach(t.Context(), token)
	require.NoError(t, m.AddFlash(page, session.Flash{Text: "just now"}))
	require.Equal(t, []session.Flash{{Kind: "info", Text: "saved"}, {Kind: "error", Text: "card refused"}, {Text: "just now"}}, m.Flashes(page))
	require.Empty(t, m.Flashes(page), "shown once")
	require.NoError(t, m.Commit(page))
	require.Empty(t, m.Flashes(m.Attach(t.Context(), token)))
	require.Empty(t, m.Flashes(m.Attach(t.Context(), "")))
	require.Empty(t, m.Flashes(t.Context()))
	require.ErrorIs(t, m.AddFlash(t.Context(), session.Flash{}), session.ErrNoSession)
}

func TestFormToken(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	alice := sessiontest.Context(t, m, session.User{ID: "alice"}, nil)
	mallory := sessiontest.Context(t, m, session.User{ID: "mallory"}, nil)
	own, err := m.FormToken(alice)
	require.NoError(t, err)
	foreign, err := m.FormToken(mallory)
	require.NoError(t, err)
	require.NotEqual(t, own, foreign)
	token, err := m.Token(alice)
	require.NoError(t, err)
	require.NotContains(t, token, own)

	post := func(ctx context.Context, token string) *http.Request {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(url.Values{session.FormField: {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	require.NoError(t, m.CheckForm(post(alice, own)))
	for _, bad := range []string{"", "x", foreign, own + "x"} {
		require.ErrorIs(t, m.CheckForm(post(alice, bad)), session.ErrInvalid)
	}
	byHeader := post(alice, "")
	byHeader.Header.Set(session.FormHeader, own)
	require.NoError(t, m.CheckForm(byHeader))
	require.ErrorIs(t, m.CheckForm(post(m.Attach(t.Context(), ""), "")), session.ErrInvalid, "no session has no token")
	require.NoError(t, m.CheckForm(httptest.NewRequestWithContext(alice, http.MethodGet, "/", nil)))
	require.ErrorIs(t, m.CheckForm(post(t.Context(), own)), session.ErrNoSession)
	require.NoError(t, m.Renew(alice))
	require.ErrorIs(t, m.CheckForm(post(alice, own)), session.ErrInvalid, "of before the renewal")
}

func TestTokenInAHeader(t *testing.T) {
	t.Parallel()
	m := open(t, &session.Options{TokenHeader: "x-session-token"})
	login := func(_ http.ResponseWriter, r *http.Request) {
		if err := m.Login(r.Context(), session.User{ID: "42"}, nil); err != nil {
			panic(err)
		}
	}
	who := func(w http.ResponseWriter, r *http.Request) {
		user, _ := m.User(r.Context())
		fmt.Fprint(w, user.ID)
	}
	api := request()
	api.Header.Set("X-Session-Token", "")
	w := serve(m, api, login)
	token := w.Header().Get("X-Session-Token")
	require.NotEmpty(t, token)
	require.Empty(t, w.Header()["Set-Cookie"])
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))

	api.Header.Set("X-Session-Token", token)
	w = serve(m, api, who)
	require.Equal(t, "42", w.Body.String())
	require.Equal(t, []string{"Cookie", "X-Session-Token"}, w.Header()["Vary"])

	w = serve(m, request(), login)
	require.Empty(t, w.Header().Get("X-Session-Token"), "browsers get their cookie")
	cookie := w.Result().Cookies()[0]
	both := request(cookie)
	both.Header.Set("X-Session-Token", "forged")
	require.Empty(t, serve(m, both, who).Body.String(), "the header decides")
	twice := request()
	twice.Header["X-Session-Token"] = []string{token, token}
	require.Empty(t, serve(m, twice, who).Body.String())

	w = serve(m, api, func(_ http.ResponseWriter, r *http.Request) {
		if err := m.Logout(r.Context()); err != nil {
			panic(err)
		}
	})
	require.Equal(t, []string{""}, w.Header()["X-Session-Token"])
	require.Empty(t, serve(m, api, who).Body.String())

	_, err := memstore.Open(&session.Options{TokenHeader: "no header"})
	require.ErrorIs(t, err, session.ErrInvalid)
}

// down is a store that is out of reach.
type down struct{ session.Driver }

func (down) Load(context.Context, string) (session.Record, error) {
	return session.Record{}, errors.New("connection refused")
}

func TestOutageByRoute(t *testing.T) {
	t.Parallel()
	for _, general := range []session.OutagePolicy{session.FailClosed, session.Anonymous} {
		m, err := session.New(down{memstore.New()}, &session.Options{Outage: general})
		require.NoError(t, err)
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.User(r.Context()); fmt.Fprint(w, "page") })
		mux := http.NewServeMux()
		mux.Handle("/shop", m.WithOutage(session.Anonymous, page))
		mux.Handle("/pay", m.WithOutage(session.FailClosed, page))
		code := func(path string) int {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.AddCookie(&http.Cookie{Name: "__Host-session", Value: strings.Repeat("a", 22) + "." + strings.Repeat("b", 43)})
			w := httptest.NewRecorder()
			m.Middleware(mux).ServeHTTP(w, r)
			return w.Code
		}
		require.Equal(t, http.StatusOK, code("/shop"))
		require.Equal(t, http.StatusServiceUnavailable, code("/pay"))
		require.NoError(t, m.Close())
	}
}

func ExampleManager_AddFlash() {
	sessions, ctx := newExample()
	defer sessions.Close()
	if err := sessions.AddFlash(ctx, session.Flash{Kind: "info", Text: "Your order is on its way."}); err != nil {
		panic(err)
	}
	for _, f := range sessions.Flashes(ctx) { // usually by the next page
		fmt.Println(f.Kind, f.Text)
	}
	// Output: info Your order is on its way.
}
