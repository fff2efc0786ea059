package session_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

func open(t *testing.T, o *session.Options) *session.Manager {
	t.Helper()
	if o == nil {
		o = &session.Options{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	m, err := memstore.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// serve answers one request with handler behind the middleware.
func serve(m *session.Manager, r *http.Request, handler http.HandlerFunc) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.Middleware(handler).ServeHTTP(w, r)
	return w
}

func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://shop.example/account?tab=1", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// server is a real one over TLS, with a client that keeps cookies.
func server(t *testing.T, m *session.Manager, handler http.HandlerFunc) (string, *http.Client) {
	t.Helper()
	s := httptest.NewUnstartedServer(m.Middleware(handler))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := s.Client()
	client.Jar = jar
	return s.URL, client
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	more := make(chan struct{})
	url, client := server(t, m, func(w http.ResponseWriter, r *http.Request) {
		if err := m.Put(r.Context(), "k", "v"); err != nil {
			panic(err)
		}
		_, hijacks := w.(http.Hijacker)
		fmt.Fprintf(w, "first, hijacker: %t\n", hijacks)
		w.(http.Flusher).Flush()
		<-more
		controller := http.NewResponseController(w)
		if err := errors.Join(controller.SetWriteDeadline(time.Now().Add(time.Minute)), controller.EnableFullDuplex()); err != nil {
			panic(err)
		}
		n, err := io.Copy(w, strings.NewReader("second\n"))
		if err := errors.Join(err, controller.Flush()); err != nil || n != 7 {
			panic(fmt.Sprint(n, err))
		}
	})
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Len(t, response.Cookies(), 1, "the cookie goes out with the first flush")
	body := bufio.NewReader(response.Body)
	line, err := body.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "first, hijacker: true\n", line)
	close(more)
	line, err = body.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "second\n", line)
}

func TestHijack(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	url, client := server(t, m, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/value" {
			fmt.Fprint(w, m.GetString(r.Context(), "before"), m.GetString(r.Context(), "socket"))
			return
		}
		if err := m.Put(r.Context(), "before", "1"); err != nil {
			panic(err)
		}
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		if err := m.Put(r.Context(), "late", "x"); !errors.Is(err, session.ErrCommitted) {
			panic(err)
		}
		err = m.Update(r.Context(), func(v *session.Values) error { v.Set("socket", "2"); return nil })
		fmt.Fprintf(buffer, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nupdate: %v\n", err)
		buffer.Flush()
	})
	sessiontest.Login(t, m, client, url, session.User{ID: "42"}, nil)
	upgrade, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	upgrade.Header.Set("Connection", "Upgrade")
	upgrade.Header.Set("Upgrade", "test")
	response, err := client.Do(upgrade)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "update: <nil>\n", string(body))
	response, err = client.Get(url + "/value")
	require.NoError(t, err)
	body, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "12", string(body))
}

// plain has no abilities beyond http.ResponseWriter.
type plain struct{ http.ResponseWriter }

type hijackable struct{ http.ResponseWriter }

func (hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errors.New("mine") }

func TestWriterPromisesOnlyWhatItHas(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	for _, c := range []struct {
		writer             http.ResponseWriter
		flushes, hijackers bool
	}{
		{plain{httptest.NewRecorder()}, false, false},
		{httptest.NewRecorder(), true, false},
		{hijackable{httptest.NewRecorder()}, false, true},
	} {
		m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, flushes := w.(http.Flusher)
			_, hijacks := w.(http.Hijacker)
			require.Equal(t, c.flushes, flushes, "%T", c.writer)
			require.Equal(t, c.hijackers, hijacks, "%T", c.writer)
			_, err := io.WriteString(w, "text")
			require.NoError(t, err)
			if !c.flushes {
				require.ErrorIs(t, http.NewResponseController(w).Flush(), errors.ErrUnsupported)
			}
			if c.hijackers {
				_, _, err := w.(http.Hijacker).Hijack()
				require.EqualError(t, err, "mine")
			}
		})).ServeHTTP(c.writer, request())
	}
}

func TestInformationalResponsesComeBeforeTheFirstByte(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	url, client := server(t, m, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		if err := m.Put(r.Context(), "k", 1); err != nil {
			panic(err)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	response, err := client.Get(url)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusAccepted, response.StatusCode)
	require.Len(t, response.Cookies(), 1)
}

func TestPanicsPassThrough(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	var login []*http.Cookie
	w := httptest.NewRecorder()
	require.PanicsWithValue(t, "mine", func() {
		m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			require.NoError(t, m.Login(r.Context(), session.User{ID: "42"}, nil))
			require.NoError(t, m.Put(r.Context(), "k", "half done"))
			panic("mine")
		})).ServeHTTP(w, request())
	})
	login = w.Result().Cookies()
	require.Len(t, login, 1, "the login is done, and the client is told with whatever goes out")
	serve(m, request(login...), func(_ http.ResponseWriter, r *http.Request) {
		user, _ := m.User(r.Context())
		require.Equal(t, "42", user.ID)
		require.False(t, m.Has(r.Context(), "k"), "the changes of a handler that failed are not saved")
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	w := serve(m, request(), func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "static") })
	require.Empty(t, w.Header().Values("Vary"), "a page that does not use the session may be cached for all")
	w = serve(m, request(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept, cookie")
		m.User(r.Context())
	})
	require.Equal(t, []string{"Accept, cookie"}, w.Header().Values("Vary"))
	w = serve(m, request(), func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "other", Value: "1"})
		require.NoError(t, m.Login(r.Context(), session.User{ID: "42"}, nil))
		require.NoError(t, m.Renew(r.Context()))
	})
	require.Equal(t, []string{"Cookie"}, w.Header().Values("Vary"))
	require.Equal(t, `no-cache="Set-Cookie"`, w.Header().Get("Cache-Control"))
	require.Len(t, w.Header().Values("Set-Cookie"), 2, "one each, the last token only")
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options session.CookieOptions
		want    string
	}{
		"standard":  {session.CookieOptions{}, "__Host-session=; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"domain":    {session.CookieOptions{Domain: "shop.example", Name: "sid"}, "__Secure-sid=; Path=/; Domain=shop.example; HttpOnly; Secure; SameSite=Lax"},
		"path":      {session.CookieOptions{Path: "/admin", SameSite: http.SameSiteStrictMode}, "__Secure-session=; Path=/admin; HttpOnly; Secure; SameSite=Strict"},
		"insecure":  {session.CookieOptions{Insecure: true}, "session=; Path=/; HttpOnly; SameSite=Lax"},
		"embedding": {session.CookieOptions{SameSite: http.SameSiteNoneMode, Partitioned: true}, "__Host-session=; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
	} {
		m := open(t, &session.Options{Cookie: c.options})
		cookie, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
		require.NoError(t, err)
		cookie.Value = ""
		require.Equal(t, c.want, cookie.String(), name)
	}
	m := open(t, &session.Options{Cookie: session.CookieOptions{Insecure: true}})
	w := serve(m, request(), func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Put(r.Context(), "k", 1)) // request() came over TLS
	})
	require.True(t, w.Result().Cookies()[0].Secure)
	_, err := m.Cookie(m.Attach(t.Context(), ""))
	require.ErrorIs(t, err, session.ErrNotFound)
	_, err = m.Cookie(t.Context())
	require.ErrorIs(t, err, session.ErrNoSession)
}

// Whatever a cookie holds, there is no session, no error and no new cookie; and
// a session begun then has a token of our making.
func TestBadCookies(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	mine, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	other, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "43"}, nil))
	require.NoError(t, err)
	flipped := []byte(mine.Value)
	flipped[len(flipped)-2] ^= 1
	id, _, _ := strings.Cut(mine.Value, ".")
	named := func(value string) string { return mine.Name + "=" + value }
	for name, header := range map[string]string{
		"unknown":         named(strings.Repeat("A", 22) + "." + strings.Repeat("A", 43)),
		"forged":          named(string(flipped)),
		"id alone":        named(id),
		"id as secret":    named(id + "." + id + id[:21]),
		"truncated":       named(mine.Value[:len(mine.Value)-1]),
		"prolonged":       named(mine.Value + "A"),
		"empty":           named(""),
		"odd bytes":       named(strings.Repeat("\x00", 66)),
		"wrong separator": named(strings.Replace(mine.Value, ".", "_", 1)),
		"1 MB":            named(strings.Repeat("A", 1<<20)),
		"two sessions":    named(mine.Value) + "; " + named(other.Value),
		"other name":      "session=" + mine.Value,
	} {
		r := request()
		r.Header.Set("Cookie", header)
		w := serve(m, r, func(_ http.ResponseWriter, r *http.Request) {
			_, ok := m.User(r.Context())
			require.False(t, ok, name)
			require.NoError(t, m.Load(r.Context()), name)
		})
		require.Equal(t, http.StatusOK, w.Code, name)
		require.Empty(t, w.Result().Cookies(), name)
		w = serve(m, r, func(_ http.ResponseWriter, r *http.Request) { require.NoError(t, m.Put(r.Context(), "k", 1)) })
		require.Len(t, w.Result().Cookies(), 1, name)
		require.NotContains(t, header, w.Result().Cookies()[0].Value[:22], name)
	}
	for name, header := range map[string]string{
		"the same twice":    named(mine.Value) + "; " + named(mine.Value),
		"and something bad": named("x") + "; " + named(mine.Value),
	} {
		r := request()
		r.Header.Set("Cookie", header)
		serve(m, r, func(_ http.ResponseWriter, r *http.Request) {
			user, _ := m.User(r.Context())
			require.Equal(t, "42", user.ID, name)
		})
	}
}

func TestLatePutIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := open(t, &session.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	serve(m, request(), func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first byte")
		require.ErrorIs(t, m.Put(r.Context(), "k", "secret value"), session.ErrCommitted)
	})
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "after the response had begun")
	require.NotContains(t, log.String(), "secret value")
}

func TestValuesOverTheLimitAreAnsweredByTheErrorHandler(t *testing.T) {
	t.Parallel()
	var handled error
	m := open(t, &session.Options{MaxBytes: 100, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
		handled = err
		w.WriteHeader(http.StatusInsufficientStorage)
	}})
	w := serve(m, request(), func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Put(r.Context(), "k", strings.Repeat("x", 100)))
		_, err := fmt.Fprint(w, "saved")
		require.ErrorIs(t, err, session.ErrInvalid)
		_, err = w.(io.ReaderFrom).ReadFrom(strings.NewReader("saved"))
		require.ErrorIs(t, err, session.ErrInvalid)
		w.WriteHeader(http.StatusOK)
	})
	require.Equal(t, http.StatusInsufficientStorage, w.Code)
	require.ErrorIs(t, handled, session.ErrInvalid)
	require.Empty(t, w.Body.String())
	require.Empty(t, w.Result().Cookies())
}

func TestMiddlewareTwiceIsOnce(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	inner := m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Put(r.Context(), "inner", 1))
	}))
	w := serve(m, request(), func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Put(r.Context(), "outer", 1))
		inner.ServeHTTP(w, r)
	})
	serve(m, request(w.Result().Cookies()...), func(_ http.ResponseWriter, r *http.Request) {
		require.True(t, m.Has(r.Context(), "inner") && m.Has(r.Context(), "outer"))
	})
}

func TestTwoManagersOnOneSite(t *testing.T) {
	t.Parallel()
	shop := open(t, nil)
	admin := open(t, &session.Options{Cookie: session.CookieOptions{Name: "admin"}})
	both := func(r *http.Request, h http.HandlerFunc) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		shop.Middleware(admin.Middleware(h)).ServeHTTP(w, r)
		return w
	}
	w := both(request(), func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, shop.Login(r.Context(), session.User{ID: "42"}, nil))
		require.NoError(t, admin.Login(r.Context(), session.User{ID: "root"}, nil))
	})
	require.Len(t, w.Result().Cookies(), 2)
	both(request(w.Result().Cookies()...), func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, admin.Logout(r.Context()))
		user, _ := shop.User(r.Context())
		require.Equal(t, "42", user.ID)
		_, ok := admin.User(r.Context())
		require.False(t, ok)
	})
}

func TestGuards(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := open(t, &session.Options{Now: func() time.Time { return now }, Idle: -1})
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	login := m.Middleware(m.RequireLogin("/login?lang=zh")(ok))
	api := m.Middleware(m.RequireLogin("")(ok))
	fresh := m.Middleware(m.RequireFresh(10*time.Minute, "/confirm")(ok))
	get := func(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := get(login, request())
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/login?lang=zh&next=%2Faccount%3Ftab%3D1", w.Header().Get("Location"))
	post := request()
	post.Method = http.MethodPost
	require.Equal(t, "/login?lang=zh", get(login, post).Header().Get("Location"), "a form cannot be sent again by a redirect")
	require.Equal(t, http.StatusUnauthorized, get(api, request()).Code)

	ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	cookie, err := m.Cookie(ctx)
	require.NoError(t, err)
	w = get(login, request(cookie))
	require.Equal(t, "inside", w.Body.String())
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "inside", get(fresh, request(cookie)).Body.String())
	now = now.Add(11 * time.Minute)
	require.Equal(t, "/confirm?next=%2Faccount%3Ftab%3D1", get(fresh, request(cookie)).Header().Get("Location"))
	require.NoError(t, m.Confirm(ctx))
	cookie, err = m.Cookie(ctx)
	require.NoError(t, err)
	require.Equal(t, "inside", get(fresh, request(cookie)).Body.String())
	require.ErrorIs(t, m.Confirm(m.Attach(t.Context(), "")), session.ErrNoUser)
}

func TestReturnTo(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/account?tab=1": "/account?tab=1", "": "/", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/",
		"/\t/evil.example": "/", "account": "/", "/a/b#c": "/a/b#c", `\\evil`: "/", "javascript:alert(1)": "/",
	} {
		r := httptest.NewRequest(http.MethodGet, "/login", nil)
		q := r.URL.Query()
		q.Set("next", next)
		r.URL.RawQuery = q.Encode()
		require.Equal(t, want, session.ReturnTo(r, "/"), "%q", next)
	}
}
