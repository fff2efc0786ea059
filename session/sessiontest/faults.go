package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// The faults of common session stores. Each test does what brings one about.
var faultTests = []test{
	{"ImmortalSession", faultImmortal},
	{"LogoutUndone", faultLogoutUndone},
	{"LostUpdate", faultLostUpdate},
	{"RenewResetsDeadline", faultRenewResetsDeadline},
	{"WriteAfterResponseLost", faultWriteAfterResponse},
	{"OutageBeyondSessions", faultOutage},
}

// faultImmortal: a request that is still running at the deadline saves, and the
// session must end all the same.
func faultImmortal(t *testing.T, h Harness) {
	s := open(t, h.Open(t), func(o *session.Options) { o.Idle, o.Absolute = -1, time.Hour })
	b := s.browser(t)
	b.login("42", nil)
	b.visit(func(_ http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		_, ok := s.User(ctx)
		require.True(t, ok)
		s.clock.advance(time.Hour) // a long upload
		require.ErrorIs(t, s.Update(ctx, func(v *session.Values) error { v.Set("late", true); return nil }), session.ErrEnded)
	})
	b.login("42", nil)
	b.visit(func(_ http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		_, ok := s.User(ctx)
		require.True(t, ok)
		require.NoError(t, s.Put(ctx, "late", true))
		s.clock.advance(time.Hour)
	})
	require.Empty(t, b.user())
	s.clock.advance(30 * 24 * time.Hour)
	require.Empty(t, b.user())
}

// faultLogoutUndone: requests under way during a logout save in every way there
// is, and must not bring the session back.
func faultLogoutUndone(t *testing.T, h Harness) {
	for _, way := range []struct {
		name string
		save func(s *site, ctx context.Context) error
	}{
		{"Put", func(s *site, ctx context.Context) error { return s.Put(ctx, "k", 1) }},
		{"Update", func(s *site, ctx context.Context) error {
			return expect(session.ErrEnded, s.Update(ctx, func(v *session.Values) error { v.Set("k", 1); return nil }))
		}},
		{"Renew", func(s *site, ctx context.Context) error { return expect(session.ErrEnded, s.Renew(ctx)) }},
		{"SetDeadline", func(s *site, ctx context.Context) error {
			return expect(session.ErrEnded, s.SetDeadline(ctx, s.clock.now().Add(time.Hour)))
		}},
		{"Nothing", func(*site, context.Context) error { return nil }},
	} {
		t.Run(way.name, func(t *testing.T) {
			d, peer := h.drivers(t)
			s := open(t, d, nil)
			other := openAt(t, peer, s.clock, nil)
			b := s.browser(t)
			b.login("42", nil)
			id := b.current().ID
			s.clock.advance(4 * time.Minute) // a touch is due
			slow, stolen := b.clone(), b.clone()
			w := slow.visit(func(w http.ResponseWriter, r *http.Request) {
				_, ok := s.User(r.Context())
				require.True(t, ok)
				b.at(other).logout()
				require.NoError(t, way.save(s, r.Context()))
			})
			require.Empty(t, w.Header()["Set-Cookie"])
			require.Empty(t, stolen.user())
			_, err := d.Load(t.Context(), id)
			require.ErrorIs(t, err, session.ErrNotFound)
		})
	}
}

func expect(want, got error) error {
	if !errors.Is(got, want) {
		return fmt.Errorf("want %w, got %w", want, got)
	}
	return nil
}

// faultLostUpdate: two requests of one session put different keys at once, and
// both must be kept.
func faultLostUpdate(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	s := open(t, d, nil)
	other := openAt(t, peer, s.clock, nil)
	b := s.browser(t)
	b.put("cart", "tea")
	b.visit(func(_ http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		require.Equal(t, "tea", s.GetString(ctx, "cart")) // loaded before the other saves
		require.NoError(t, s.Put(ctx, "one", "1"))
		require.NoError(t, s.Delete(ctx, "cart"))
		b.clone().at(other).put("two", "2")
	})
	require.Equal(t, "1", b.get("one"))
	require.Equal(t, "2", b.get("two"))
	require.Empty(t, b.get("cart"))
}

// faultRenewResetsDeadline: a shortened deadline must survive a new token.
func faultRenewResetsDeadline(t *testing.T, h Harness) {
	s := open(t, h.Open(t), func(o *session.Options) { o.Idle = -1 })
	b := s.browser(t)
	b.login("42", nil)
	short := s.clock.now().Add(5 * time.Minute)
	b.do(func(r *http.Request) error {
		return errors.Join(s.SetDeadline(r.Context(), short), s.Renew(r.Context()))
	})
	b.do(func(r *http.Request) error { return s.Confirm(r.Context()) })
	require.WithinDuration(t, short, b.current().Expires, time.Millisecond)
	s.clock.advance(4 * time.Minute)
	require.Equal(t, "42", b.user())
	s.clock.advance(time.Minute)
	require.Empty(t, b.user())
}

// faultWriteAfterResponse: what can no longer be saved must say so.
func faultWriteAfterResponse(t *testing.T, h Harness) {
	s := open(t, h.Open(t), nil)
	b := s.browser(t)
	b.put("cart", "tea")
	b.visit(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		require.NoError(t, s.Put(ctx, "before", "1"))
		fmt.Fprint(w, "first byte")
		require.ErrorIs(t, s.Put(ctx, "after", "1"), session.ErrCommitted)
		require.ErrorIs(t, s.Delete(ctx, "cart"), session.ErrCommitted)
		require.ErrorIs(t, s.Login(ctx, session.User{ID: "42"}, nil), session.ErrCommitted)
		require.ErrorIs(t, s.Renew(ctx), session.ErrCommitted)
		require.NoError(t, s.Update(ctx, func(v *session.Values) error { v.Set("update", "1"); return nil }))
	})
	require.Equal(t, "1", b.get("before"))
	require.Empty(t, b.get("after"))
	require.Equal(t, "tea", b.get("cart"))
	require.Equal(t, "1", b.get("update"), "Update still works on a session that exists")

	s.browser(t).visit(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first byte")
		err := s.Update(r.Context(), func(v *session.Values) error { v.Set("k", "1"); return nil })
		require.ErrorIs(t, err, session.ErrCommitted, "no session, and no way to give one")
	})
}

// faultOutage: with the store down, pages that do not use the session work, and
// pages that do fail closed or go on anonymously, as chosen.
func faultOutage(t *testing.T, h Harness) {
	down := &outage{Driver: h.Open(t)}
	s := open(t, down, nil)
	open := openAt(t, down, s.clock, func(o *session.Options) { o.Outage = session.Anonymous })
	b := s.browser(t)
	b.login("42", nil)
	down.broken.Store(true)
	calls := down.calls.Load()

	untouched := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }
	w := b.visit(untouched)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, calls, down.calls.Load(), "it costs the store nothing")

	uses := func(on *site) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			user, ok := on.User(r.Context())
			require.False(t, ok)
			require.ErrorIs(t, on.Load(r.Context()), session.ErrUnavailable)
			require.ErrorIs(t, on.Logout(r.Context()), session.ErrUnavailable)
			require.ErrorIs(t, on.Login(r.Context(), session.User{ID: "1"}, nil), session.ErrUnavailable)
			fmt.Fprintf(w, "user %q", user.ID)
		}
	}
	w = b.clone().visit(uses(s))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "user")
	w = b.clone().at(open).visit(uses(open))
	require.Equal(t, http.StatusOK, w.Code)

	puts := func(on *site) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, on.Put(r.Context(), "k", 1))
			fmt.Fprint(w, "saved")
		}
	}
	require.Equal(t, http.StatusServiceUnavailable, b.clone().visit(puts(s)).Code)
	require.Equal(t, http.StatusServiceUnavailable, s.browser(t).visit(puts(s)).Code, "a new one cannot begin")
	require.Equal(t, http.StatusOK, b.clone().at(open).visit(puts(open)).Code)

	down.broken.Store(false)
	require.Equal(t, "42", b.user(), "and the session is as it was")
}

// outage is a driver that can be out of reach.
type outage struct {
	session.Driver
	broken atomic.Bool
	calls  atomic.Int64
}

var errDown = errors.New("connection refused")

func (o *outage) call() error {
	o.calls.Add(1)
	if o.broken.Load() {
		return errDown
	}
	return nil
}

func (o *outage) Load(ctx context.Context, id string) (session.Record, error) {
	if err := o.call(); err != nil {
		return session.Record{}, err
	}
	return o.Driver.Load(ctx, id)
}

func (o *outage) Create(ctx context.Context, r session.Record) error {
	if err := o.call(); err != nil {
		return err
	}
	return o.Driver.Create(ctx, r)
}

func (o *outage) Save(ctx context.Context, was, next session.Record) error {
	if err := o.call(); err != nil {
		return err
	}
	return o.Driver.Save(ctx, was, next)
}

func (o *outage) Touch(ctx context.Context, r session.Record) error {
	if err := o.call(); err != nil {
		return err
	}
	return o.Driver.Touch(ctx, r)
}

func (o *outage) Delete(ctx context.Context, id string) error {
	if err := o.call(); err != nil {
		return err
	}
	return o.Driver.Delete(ctx, id)
}
