package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// counting notes the calls a driver gets.
type counting struct {
	session.Driver
	mu    sync.Mutex
	calls []string
}

func (c *counting) note(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
}

// take returns the calls since the last take.
func (c *counting) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := strings.Join(c.calls, " ")
	c.calls = nil
	return calls
}

func (c *counting) Load(ctx context.Context, id string) (session.Record, error) {
	c.note("load")
	return c.Driver.Load(ctx, id)
}

func (c *counting) Create(ctx context.Context, r session.Record) error {
	c.note("create")
	return c.Driver.Create(ctx, r)
}

func (c *counting) Save(ctx context.Context, was, next session.Record) error {
	c.note("save")
	return c.Driver.Save(ctx, was, next)
}

func (c *counting) Touch(ctx context.Context, r session.Record) error {
	c.note("touch")
	return c.Driver.Touch(ctx, r)
}

func (c *counting) Delete(ctx context.Context, id string) error {
	c.note("delete")
	return c.Driver.Delete(ctx, id)
}

func TestWhatARequestCosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		driver := &counting{Driver: memstore.New()}
		m, err := session.New(driver, nil)
		require.NoError(t, err)
		defer m.Close()
		cookie, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
		require.NoError(t, err)
		require.Equal(t, "create", driver.take(), "a login of a visitor without a session")
		visit := func(act func(ctx context.Context)) string {
			w := serve(m, request(cookie), func(_ http.ResponseWriter, r *http.Request) { act(r.Context()) })
			if cookies := w.Result().Cookies(); len(cookies) == 1 {
				cookie = cookies[0]
			}
			return driver.take()
		}
		put := func(value any) func(context.Context) {
			return func(ctx context.Context) { require.NoError(t, m.Put(ctx, "k", value)) }
		}
		require.Equal(t, "", visit(func(context.Context) {}), "untouched")
		require.Equal(t, "load", visit(func(ctx context.Context) { m.User(ctx); m.GetString(ctx, "k"); m.Current(ctx) }))
		require.Equal(t, "load save", visit(put("v")))
		require.Equal(t, "load", visit(put("v")), "the same value again is no change")
		require.Equal(t, "load", visit(func(ctx context.Context) { require.NoError(t, m.Delete(ctx, "absent")) }))
		require.Equal(t, "load save", visit(func(ctx context.Context) {
			require.NoError(t, m.Put(ctx, "a", 1))
			require.NoError(t, m.Put(ctx, "b", 2))
			require.NoError(t, m.Delete(ctx, "k"))
		}))
		require.Equal(t, "load save", visit(func(ctx context.Context) {
			require.NoError(t, m.Put(ctx, "c", 1))
			require.NoError(t, m.Login(ctx, session.User{ID: "42"}, nil))
		}), "a login takes the changes along")
		time.Sleep(2 * time.Minute)
		require.Equal(t, "load", visit(func(ctx context.Context) { m.User(ctx) }))
		time.Sleep(time.Minute)
		require.Equal(t, "load touch", visit(func(ctx context.Context) { m.User(ctx) }), "a tenth of the idle limit has passed")
		require.Equal(t, "load", visit(func(ctx context.Context) { m.User(ctx) }))
		require.Equal(t, "load delete", visit(func(ctx context.Context) { require.NoError(t, m.Logout(ctx)) }))

		none := func(act func(ctx context.Context)) string {
			serve(m, request(), func(_ http.ResponseWriter, r *http.Request) { act(r.Context()) })
			return driver.take()
		}
		require.Equal(t, "", none(func(ctx context.Context) { m.User(ctx); m.GetString(ctx, "k") }), "no cookie")
		require.Equal(t, "", none(func(ctx context.Context) { require.NoError(t, m.Delete(ctx, "k")) }), "no session is begun for nothing")
		require.Equal(t, "create", none(put(1)))
	})
}

func TestSweepInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		driver := memstore.New()
		m, err := session.New(driver, &session.Options{Idle: 10 * time.Minute})
		require.NoError(t, err)
		ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
		list, err := m.List(ctx, "42")
		require.NoError(t, err)
		require.Len(t, list, 1)
		time.Sleep(9*time.Minute + 30*time.Second)
		synctest.Wait()
		_, err = driver.Load(t.Context(), list[0].ID)
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		_, err = driver.Load(t.Context(), list[0].ID)
		require.ErrorIs(t, err, session.ErrNotFound)
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
	})
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := memstore.Open(&session.Options{Idle: 10 * time.Minute, Absolute: time.Hour, SweepEvery: -1})
		require.NoError(t, err)
		defer m.Close()
		token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
		require.NoError(t, err)
		user := func() string {
			user, _ := m.User(m.Attach(t.Context(), token))
			return user.ID
		}
		for range 6 {
			time.Sleep(10*time.Minute - time.Second)
			require.Equal(t, "42", user())
		}
		time.Sleep(6*time.Second - time.Microsecond)
		require.Equal(t, "42", user(), "to the last microsecond")
		time.Sleep(time.Microsecond)
		require.Empty(t, user(), "the absolute limit")
		removed, err := m.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, removed, "ends are exclusive for the sweeper")
		time.Sleep(time.Second)
		removed, err = m.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, removed)
	})
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]session.Options{
		"Idle":               {Idle: -2},
		"Absolute":           {Absolute: time.Microsecond},
		"RememberAbsolute":   {RememberAbsolute: 200 * 365 * 24 * time.Hour},
		"MaxBytes":           {MaxBytes: -1},
		"MaxAttempts":        {MaxAttempts: 1 << 20},
		"Outage":             {Outage: 7},
		"Cookie":             {Cookie: session.CookieOptions{Name: "a b"}},
		"Cookie.Name":        {Cookie: session.CookieOptions{Name: "__Host-session"}},
		"Cookie.SameSite":    {Cookie: session.CookieOptions{SameSite: http.SameSiteNoneMode, Insecure: true}},
		"Cookie.Partitioned": {Cookie: session.CookieOptions{Partitioned: true, Insecure: true}},
	} {
		_, err := session.New(memstore.New(), &o)
		invalid, ok := errors.AsType[*session.InvalidError](err)
		require.True(t, ok, field)
		require.Equal(t, field, invalid.Field)
		require.ErrorIs(t, err, session.ErrInvalid)
	}
	_, err := session.New(nil, nil)
	require.ErrorIs(t, err, session.ErrInvalid)
}

func TestLoginOptionsAreChecked(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	ctx := m.Attach(t.Context(), "")
	for _, o := range []session.LoginOptions{
		{Device: strings.Repeat("d", 257)}, {IP: strings.Repeat("1", 65)}, {Idle: -2}, {Absolute: time.Nanosecond},
	} {
		require.ErrorIs(t, m.Login(ctx, session.User{ID: "42"}, &o), session.ErrInvalid)
	}
	_, ok := m.User(ctx)
	require.False(t, ok)
	require.ErrorIs(t, m.SetDeadline(ctx, time.Now().Add(-time.Hour)), session.ErrInvalid)
	require.ErrorIs(t, m.SetDeadline(ctx, time.Now().Add(time.Hour)), session.ErrNotFound)
	require.ErrorIs(t, m.Put(ctx, "", 1), session.ErrInvalid)
	require.ErrorIs(t, m.Put(ctx, "k", make(chan int)), session.ErrInvalid)
	require.ErrorIs(t, m.Delete(ctx, ""), session.ErrInvalid)
}

func TestWithoutMiddleware(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	ctx := t.Context()
	require.ErrorIs(t, m.Login(ctx, session.User{ID: "42"}, nil), session.ErrNoSession)
	require.ErrorIs(t, m.Logout(ctx), session.ErrNoSession)
	require.ErrorIs(t, m.Put(ctx, "k", 1), session.ErrNoSession)
	require.ErrorIs(t, m.Commit(ctx), session.ErrNoSession)
	require.ErrorIs(t, m.Load(ctx), session.ErrNoSession)
	_, err := m.LogoutOthers(ctx)
	require.ErrorIs(t, err, session.ErrNoSession)
	_, ok := m.User(ctx)
	require.False(t, ok)
	require.Empty(t, m.GetString(ctx, "k"))
	_, err = m.LogoutAll(ctx, "42")
	require.NoError(t, err, "a job may log a user out")
}

func TestHostileClientText(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	r := request()
	r.Header.Set("User-Agent", "evil\x1b[2J\r\nSet-Cookie: a=b\xff"+strings.Repeat("茶", 200))
	serve(m, r, func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Login(r.Context(), session.User{ID: "42"}, nil))
		current, ok := m.Current(r.Context())
		require.True(t, ok)
		require.True(t, strings.HasPrefix(current.Device, "evil[2JSet-Cookie: a=b茶茶"), "%q", current.Device)
		require.LessOrEqual(t, len(current.Device), 256)
		require.Equal(t, "192.0.2.1", current.IP)
	})
}

// The goroutines of one request may use its session at once.
func TestOneRequestManyGoroutines(t *testing.T) {
	t.Parallel()
	m := open(t, &session.Options{MaxAttempts: 1000})
	ctx := m.Attach(t.Context(), "")
	var wg sync.WaitGroup
	const goroutines = 8
	errs := make([]error, goroutines)
	for i := range goroutines {
		wg.Go(func() {
			errs[i] = errors.Join(
				m.Put(ctx, "own"+string(rune('a'+i)), i),
				m.Update(ctx, func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil }),
				m.Commit(ctx))
			m.User(ctx)
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	token, err := m.Token(ctx)
	require.NoError(t, err)
	again := m.Attach(t.Context(), token)
	require.Equal(t, goroutines, m.GetInt(again, "n"))
	for i := range goroutines {
		require.Equal(t, i, m.GetInt(again, "own"+string(rune('a'+i))))
		require.True(t, m.Has(again, "own"+string(rune('a'+i))))
	}
}

// A function passed to Update that touches the session itself does not hang.
func TestUpdateMayUseTheSession(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	require.NoError(t, m.Update(ctx, func(v *session.Values) error {
		user, _ := m.User(ctx)
		v.Set("user", user.ID)
		return m.Put(ctx, "later", true)
	}))
	require.Equal(t, "42", m.GetString(ctx, "user"))
	require.NoError(t, m.Commit(ctx))
	require.True(t, m.GetBool(ctx, "later"))
}

// fickle always has somebody save in between.
type fickle struct{ session.Driver }

func (fickle) Save(context.Context, session.Record, session.Record) error { return session.ErrConflict }

func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := session.New(fickle{memstore.New()}, &session.Options{MaxAttempts: 5})
		require.NoError(t, err)
		defer m.Close()
		ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
		runs := 0
		err = m.Update(ctx, func(v *session.Values) error { runs++; v.Set("k", runs); return nil })
		require.ErrorIs(t, err, session.ErrConflict)
		require.Equal(t, 5, runs)
		require.False(t, m.Has(ctx, "k"))
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, m.Update(cancelled, func(v *session.Values) error { v.Set("k", 1); return nil }), context.Canceled)
	})
}

type spans struct {
	mu    sync.Mutex
	ended []string
}

func (s *spans) Start(ctx context.Context, operation string, _ ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return ctx, func(err error, _ ...slog.Attr) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			operation += "!"
		}
		s.ended = append(s.ended, operation)
	}
}

func TestTracer(t *testing.T) {
	t.Parallel()
	tracer := &spans{}
	m := open(t, &session.Options{Tracer: tracer})
	ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	require.ErrorIs(t, m.Revoke(ctx, "42", "absent"), session.ErrNotFound)
	_, err := m.List(ctx, "42")
	require.NoError(t, err)
	require.NoError(t, m.Renew(ctx))
	require.NoError(t, m.Logout(ctx))
	require.Equal(t, []string{"session.login", "session.revoke!", "session.list", "session.renew", "session.logout"}, tracer.ended)
}
