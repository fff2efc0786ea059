package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	scsmemstore "github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/require"
)

// These tests show a plain scs manager with its own store failing what
// sessiontest's section Fault asks of ours. When one of them fails, scs has
// become better, and what the documentation says of it must be changed.

type plainSite struct {
	t *testing.T
	*scs.SessionManager
}

func plainSCS(t *testing.T, store scs.Store) plainSite {
	return plainSite{t, &scs.SessionManager{
		Lifetime: time.Hour, IdleTimeout: 20 * time.Minute, Store: store, Codec: scs.GobCodec{},
		Cookie:    scs.SessionCookie{Name: "session", Path: "/"},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), 500) },
	}}
}

// visit answers a request with the token, and returns the token after it.
func (s plainSite) visit(token string, act func(w http.ResponseWriter, ctx context.Context)) (string, *httptest.ResponseRecorder) {
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/", nil)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	w := httptest.NewRecorder()
	s.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { act(w, r.Context()) })).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		token = c.Value
	}
	return token, w
}

func (s plainSite) login() string {
	token, _ := s.visit("", func(_ http.ResponseWriter, ctx context.Context) { s.Put(ctx, "user", "42") })
	return token
}

func (s plainSite) user(token string) (user string) {
	s.visit(token, func(_ http.ResponseWriter, ctx context.Context) { user = s.GetString(ctx, "user") })
	return user
}

// keeping is a store that, like Redis told SET without a TTL, keeps what is
// committed with an expiry in the past.
type keeping struct{ *scsmemstore.MemStore }

func (k keeping) Commit(token string, b []byte, _ time.Time) error {
	return k.MemStore.Commit(token, b, time.Now().Add(24*time.Hour))
}

func TestPlainSCSNeverChecksTheDeadline(t *testing.T) {
	t.Parallel()
	s := plainSCS(t, keeping{scsmemstore.NewWithCleanupInterval(0)})
	token := s.login()
	s.visit(token, func(_ http.ResponseWriter, ctx context.Context) { s.SetDeadline(ctx, time.Now().Add(-time.Hour)) })
	require.Equal(t, "42", s.user(token), "an hour after its end")
}

func TestPlainSCSUndoesALogout(t *testing.T) {
	t.Parallel()
	s := plainSCS(t, scsmemstore.NewWithCleanupInterval(0))
	token := s.login()
	s.visit(token, func(_ http.ResponseWriter, slow context.Context) {
		s.visit(token, func(_ http.ResponseWriter, ctx context.Context) { require.NoError(t, s.Destroy(ctx)) })
		require.Equal(t, "42", s.GetString(slow, "user")) // it only reads
	})
	require.Equal(t, "42", s.user(token), "logged in again by nobody")
}

func TestPlainSCSLosesUpdates(t *testing.T) {
	t.Parallel()
	s := plainSCS(t, scsmemstore.NewWithCleanupInterval(0))
	token := s.login()
	s.visit(token, func(_ http.ResponseWriter, slow context.Context) {
		s.visit(token, func(_ http.ResponseWriter, ctx context.Context) { s.Put(ctx, "two", "2") })
		s.Put(slow, "one", "1")
	})
	s.visit(token, func(_ http.ResponseWriter, ctx context.Context) {
		require.True(t, s.Exists(ctx, "one"))
		require.False(t, s.Exists(ctx, "two"))
	})
}

func TestPlainSCSResetsTheDeadlineOnRenewal(t *testing.T) {
	t.Parallel()
	s := plainSCS(t, scsmemstore.NewWithCleanupInterval(0))
	s.visit(s.login(), func(_ http.ResponseWriter, ctx context.Context) {
		s.SetDeadline(ctx, time.Now().Add(time.Minute))
		require.NoError(t, s.RenewToken(ctx))
		require.Greater(t, time.Until(s.Deadline(ctx)), 50*time.Minute)
	})
}

func TestPlainSCSLosesAPutAfterTheFirstByte(t *testing.T) {
	t.Parallel()
	s := plainSCS(t, scsmemstore.NewWithCleanupInterval(0))
	token := s.login()
	s.visit(token, func(w http.ResponseWriter, ctx context.Context) {
		_, err := w.Write([]byte("first byte"))
		require.NoError(t, err)
		s.Put(ctx, "after", "1") // there is no way to learn that it is lost
	})
	s.visit(token, func(_ http.ResponseWriter, ctx context.Context) { require.False(t, s.Exists(ctx, "after")) })
}

type broken struct{ *scsmemstore.MemStore }

func (broken) Find(string) ([]byte, bool, error) { return nil, false, errors.New("connection refused") }

func TestPlainSCSFailsPagesThatDoNotUseIt(t *testing.T) {
	t.Parallel()
	s := plainSCS(t, broken{scsmemstore.NewWithCleanupInterval(0)})
	_, w := s.visit("a-token", func(w http.ResponseWriter, _ context.Context) { w.WriteHeader(http.StatusOK) })
	require.Equal(t, http.StatusInternalServerError, w.Code)
}
