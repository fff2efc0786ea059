package session_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// stalled answers no load before its caller gives up.
type stalled struct {
	session.Driver
	hangs bool
}

func (s *stalled) Load(ctx context.Context, id string) (session.Record, error) {
	if s.hangs {
		<-ctx.Done()
		return session.Record{}, ctx.Err()
	}
	return s.Driver.Load(ctx, id)
}

// A store that does not answer in time must not make a user a stranger: the
// page fails closed, unless a later try succeeds.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		driver := &stalled{Driver: memstore.New()}
		m, err := session.New(driver, &session.Options{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		defer m.Close()
		cookie, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
		require.NoError(t, err)
		ask := func(r *http.Request) bool {
			ctx, cancel := context.WithTimeout(r.Context(), time.Second)
			defer cancel()
			_, ok := m.User(ctx)
			return ok
		}
		driver.hangs = true
		w := serve(m, request(cookie), func(w http.ResponseWriter, r *http.Request) {
			require.False(t, ask(r))
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		})
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Empty(t, w.Header().Get("Location"))
		w = serve(m, request(cookie), func(_ http.ResponseWriter, r *http.Request) {
			require.False(t, ask(r))
			driver.hangs = false
			require.True(t, ask(r))
		})
		require.Equal(t, http.StatusOK, w.Code)
	})
}

func TestLogoutWithADeadTokenClearsTheCookie(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	cookie, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	for range 2 {
		w := serve(m, request(cookie), func(_ http.ResponseWriter, r *http.Request) {
			require.NoError(t, m.Logout(r.Context()))
			require.NoError(t, m.Put(r.Context(), "notice", "You are logged out.")) // begins a new session
			require.NoError(t, m.Delete(r.Context(), "notice"))
		})
		require.Len(t, w.Result().Cookies(), 1)
		require.Negative(t, w.Result().Cookies()[0].MaxAge)
	}
	serve(m, request(), func(_ http.ResponseWriter, r *http.Request) { require.NoError(t, m.Logout(r.Context())) })
}

// A flash message after a logout lives in a new anonymous session.
func TestPutAfterLogout(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	before, err := m.Cookie(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	w := serve(m, request(before), func(_ http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Put(r.Context(), "cart", "dropped with the session"))
		require.NoError(t, m.Logout(r.Context()))
		require.NoError(t, m.Put(r.Context(), "notice", "You are logged out."))
	})
	after := w.Result().Cookies()
	require.Len(t, after, 1)
	require.NotEqual(t, before.Value[:22], after[0].Value[:22])
	serve(m, request(after...), func(_ http.ResponseWriter, r *http.Request) {
		require.Equal(t, "You are logged out.", m.GetString(r.Context(), "notice"))
		require.False(t, m.Has(r.Context(), "cart"))
		_, ok := m.User(r.Context())
		require.False(t, ok)
	})
}

func TestCheckAuth(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	ctx := sessiontest.Context(t, m, session.User{ID: "42", AuthHash: "before"}, nil)
	ok, err := m.CheckAuth(ctx, "before")
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = m.CheckAuth(ctx, "after")
	require.NoError(t, err)
	require.False(t, ok)
	_, ok = m.User(ctx)
	require.False(t, ok)
	list, err := m.List(ctx, "42")
	require.NoError(t, err)
	require.Empty(t, list)
	free := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	ok, err = m.CheckAuth(free, "anything")
	require.NoError(t, err)
	require.True(t, ok, "a session without an auth hash does not depend on one")
}
