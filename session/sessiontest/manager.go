package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

var managerTests = []test{
	{"LoginAndLogout", managerLogin},
	{"PlantedTokenSeesNothing", managerFixation},
	{"RenewedTokenReadsShortly", managerRenew},
	{"Limits", managerLimits},
	{"Remember", managerRemember},
	{"Values", managerValues},
	{"UpdatesAreNotLost", managerUpdates},
	{"UpdateErrors", managerUpdateErrors},
	{"Devices", managerDevices},
	{"Prefetch", managerPrefetch},
	{"LogoutAllUnderLoad", managerLogoutAllUnderLoad},
	{"Linearizable", managerLinearizable},
	{"AuthHash", managerAuthHash},
	{"JSON", managerJSON},
	{"NoSecretsAtRest", managerSecrets},
	{"UnreadableRecord", managerUnreadable},
	{"SCSStore", managerSCSStore},
}

func managerLogin(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	s := open(t, d, nil)
	other := openAt(t, peer, s.clock, nil)
	b := s.browser(t)
	require.Empty(t, b.user())
	require.Empty(t, b.cookies, "a reader gets no cookie")
	b.put("cart", "tea")
	anonymous, before := b.current(), b.token()
	require.NotEmpty(t, before)
	require.True(t, anonymous.Authenticated.IsZero())

	b.login("42", nil)
	require.NotEqual(t, before, b.token(), "the token is renewed")
	require.Equal(t, "42", b.user())
	require.Equal(t, "42", b.at(other).user())
	require.Equal(t, "tea", b.get("cart"), "the cart survives the login")
	require.Equal(t, anonymous.ID, b.current().ID, "the session stays one")

	b.login("43", nil)
	require.Equal(t, "43", b.user())
	require.Empty(t, b.get("cart"), "another user does not inherit it")

	b.do(func(r *http.Request) error {
		require.NoError(t, s.Put(r.Context(), "cart", "cup")) // not saved yet
		return s.Login(r.Context(), session.User{ID: "43"}, &session.LoginOptions{Flush: true})
	})
	require.Equal(t, "43", b.user())
	require.Empty(t, b.get("cart"), "as told")

	stolen := b.clone()
	b.logout()
	require.Empty(t, b.cookies)
	require.Empty(t, b.user())
	require.Empty(t, stolen.user())
	require.Empty(t, stolen.at(other).user())
	_, err := d.Load(t.Context(), anonymous.ID)
	require.ErrorIs(t, err, session.ErrNotFound, "one record, and it is gone")
}

func managerFixation(t *testing.T, h Harness) {
	s := open(t, h.Open(t), nil)
	b := s.browser(t)
	b.put("cart", "tea")
	attacker := b.clone()
	b.login("42", nil)
	require.Empty(t, attacker.user())
	require.Empty(t, attacker.get("cart"))
	planted := attacker.token()
	attacker.put("cart", "poison")
	require.Equal(t, planted, attacker.token(), "it is given no other session while renewal is fresh")
	attacker.do(func(r *http.Request) error {
		err := s.Update(r.Context(), func(v *session.Values) error { v.Set("cart", "poison"); return nil })
		require.ErrorIs(t, err, session.ErrRenewed)
		_, err = s.LogoutOthers(r.Context())
		require.ErrorIs(t, err, session.ErrRenewed)
		return nil
	})
	s.clock.advance(time.Minute)
	require.Empty(t, attacker.user())
	require.Equal(t, "42", b.user())
	require.Equal(t, "tea", b.get("cart"))
}

func managerRenew(t *testing.T, h Harness) {
	s := open(t, h.Open(t), nil)
	b := s.browser(t)
	b.login("42", nil)
	b.put("cart", "tea")
	late := b.clone()
	b.do(func(r *http.Request) error { return s.Renew(r.Context()) })
	require.NotEqual(t, late.token(), b.token())

	require.Equal(t, "42", late.user(), "a request already on its way is not logged out")
	require.Equal(t, "tea", late.get("cart"))
	late.visit(func(_ http.ResponseWriter, r *http.Request) {
		require.False(t, s.Fresh(r.Context(), time.Hour), "but is not fresh")
		require.ErrorIs(t, s.Put(r.Context(), "cart", "late"), session.ErrRenewed)
	})
	late.visit(func(_ http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, s.Update(r.Context(), func(v *session.Values) error { v.Set("cart", "late"); return nil }), session.ErrRenewed)
	})
	require.Equal(t, "tea", b.get("cart"), "and cannot write")
	s.clock.advance(11 * time.Second)
	require.Empty(t, late.user())
	require.Equal(t, "42", b.user())
}

func managerLimits(t *testing.T, h Harness) {
	s := open(t, h.Open(t), func(o *session.Options) { o.Idle, o.Absolute = 10*time.Minute, time.Hour })
	b := s.browser(t)
	b.login("42", nil)
	for range 6 {
		s.clock.advance(9 * time.Minute)
		require.Equal(t, "42", b.user(), "use keeps it alive")
	}
	s.clock.advance(7 * time.Minute) // 61 minutes
	require.Empty(t, b.user(), "but not beyond the absolute limit")

	b.login("42", nil)
	s.clock.advance(10 * time.Minute)
	require.Empty(t, b.user(), "nobody used it")

	b.login("42", &session.LoginOptions{Idle: -1, Absolute: 3 * time.Hour})
	s.clock.advance(3*time.Hour - time.Minute)
	require.Equal(t, "42", b.user(), "limits of its own")
	s.clock.advance(time.Minute)
	require.Empty(t, b.user())
}

func managerRemember(t *testing.T, h Harness) {
	s := open(t, h.Open(t), func(o *session.Options) { o.RememberAbsolute = 10 * 24 * time.Hour })
	b := s.browser(t)
	b.login("42", nil)
	for _, c := range b.cookies {
		require.Zero(t, c.MaxAge, "the cookie goes with the browser")
	}
	b.login("42", &session.LoginOptions{Remember: true})
	for _, c := range b.cookies {
		require.Equal(t, 10*24*3600, c.MaxAge)
	}
	require.True(t, b.current().Remember)
	s.clock.advance(9 * 24 * time.Hour)
	require.Equal(t, "42", b.user())
	s.clock.advance(24 * time.Hour)
	require.Empty(t, b.user())
}

func managerValues(t *testing.T, h Harness) {
	s := open(t, h.Open(t), nil)
	b := s.browser(t)
	at := time.Date(2026, 11, 24, 3, 0, 0, 123456789, time.UTC)
	type cart struct{ SKUs []string }
	b.do(func(r *http.Request) error {
		ctx := r.Context()
		return errors.Join(s.Put(ctx, "string", "茶\x00"), s.Put(ctx, "int", -7), s.Put(ctx, "int64", int64(1)<<62),
			s.Put(ctx, "float", 1.5), s.Put(ctx, "bool", true), s.Put(ctx, "bytes", []byte{0, 255}), s.Put(ctx, "time", at),
			s.Put(ctx, "cart", cart{[]string{"tea"}}), s.Put(ctx, "gone", 1), s.Delete(ctx, "gone"))
	})
	b.do(func(r *http.Request) error {
		ctx := r.Context()
		require.Equal(t, "茶\x00", s.GetString(ctx, "string"))
		require.Equal(t, -7, s.GetInt(ctx, "int"))
		require.Equal(t, int64(1)<<62, s.GetInt64(ctx, "int64"))
		require.InDelta(t, 1.5, s.GetFloat(ctx, "float"), 0)
		require.True(t, s.GetBool(ctx, "bool"))
		require.Equal(t, []byte{0, 255}, s.GetBytes(ctx, "bytes"))
		require.True(t, at.Equal(s.GetTime(ctx, "time")))
		got, ok := session.Get[cart](ctx, s.Manager, "cart")
		require.True(t, ok)
		require.Equal(t, []string{"tea"}, got.SKUs)
		require.False(t, s.Has(ctx, "gone"))
		_, ok = session.Get[int](ctx, s.Manager, "string")
		require.False(t, ok, "of another type")
		var n int
		require.ErrorIs(t, s.Decode(ctx, "string", &n), session.ErrInvalid)
		require.ErrorIs(t, s.Decode(ctx, "gone", &n), session.ErrNotFound)
		message, ok := session.Pop[string](ctx, s.Manager, "string")
		require.True(t, ok)
		require.Equal(t, "茶\x00", message)
		require.False(t, s.Has(ctx, "string"))
		return nil
	})
	require.Empty(t, b.get("string"), "popped for good")
	b.do(func(r *http.Request) error { return s.Clear(r.Context()) })
	b.do(func(r *http.Request) error { require.False(t, s.Has(r.Context(), "int")); return nil })
}

func managerUpdates(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	s := open(t, d, nil)
	other := openAt(t, peer, s.clock, nil)
	b := s.browser(t)
	b.put("n", 0)
	const callers, each = 8, 3
	parallel(t, callers, func(i int) error {
		mine := b.clone().at([]*site{s, other}[i%2])
		var err error
		for range each {
			mine.visit(func(_ http.ResponseWriter, r *http.Request) {
				err = errors.Join(err, mine.site.Update(r.Context(), func(v *session.Values) error {
					v.Set("n", v.Int("n")+1)
					return nil
				}))
			})
		}
		return err
	})
	b.do(func(r *http.Request) error { require.Equal(t, callers*each, s.GetInt(r.Context(), "n")); return nil })
}

func managerUpdateErrors(t *testing.T, h Harness) {
	s := open(t, h.Open(t), func(o *session.Options) { o.MaxBytes = 1000 })
	b := s.browser(t)
	b.put("cart", "tea")
	b.do(func(r *http.Request) error {
		ctx := r.Context()
		mine := errors.New("mine")
		require.ErrorIs(t, s.Update(ctx, func(v *session.Values) error { v.Clear(); return mine }), mine)
		require.ErrorIs(t, s.Update(ctx, func(v *session.Values) error { v.Set("f", func() {}); v.Clear(); return nil }), session.ErrInvalid)
		require.ErrorIs(t, s.Update(ctx, func(v *session.Values) error { v.Set("", 1); return nil }), session.ErrInvalid)
		require.ErrorIs(t, s.Update(ctx, func(v *session.Values) error { v.Set(strings.Repeat("k", 257), 1); return nil }), session.ErrInvalid)
		err := s.Update(ctx, func(v *session.Values) error { v.Set("big", strings.Repeat("x", 1000)); return nil })
		invalid, ok := errors.AsType[*session.InvalidError](err)
		require.True(t, ok)
		require.Equal(t, "values", invalid.Field)
		require.ErrorIs(t, s.Login(ctx, session.User{}, nil), session.ErrInvalid)
		require.ErrorIs(t, s.Login(ctx, session.User{ID: strings.Repeat("u", 513)}, nil), session.ErrInvalid)
		return nil
	})
	require.Equal(t, "tea", b.get("cart"), "nothing was half written")
	require.ErrorIs(t, s.Update(t.Context(), func(*session.Values) error { return nil }), session.ErrNoSession)
}

func managerDevices(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	s := open(t, d, nil)
	other := openAt(t, peer, s.clock, nil)
	if _, ok := d.(session.UserLister); !ok {
		_, err := s.List(t.Context(), "42")
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
	if _, ok := d.(session.UserDeleter); !ok {
		_, err := s.LogoutAll(t.Context(), "42")
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	phone, laptop, stranger := s.browser(t), s.browser(t), s.browser(t)
	phone.login("42", &session.LoginOptions{Device: "Phone", IP: "192.0.2.7"})
	s.clock.advance(time.Minute)
	laptop.login("42", nil)
	stranger.login("43", nil)

	var list []session.Session
	laptop.do(func(r *http.Request) (err error) { list, err = s.List(r.Context(), "42"); return err })
	require.Len(t, list, 2)
	require.Equal(t, "Browser/1.0", list[0].Device, "the last seen first")
	require.True(t, list[0].Current)
	require.Equal(t, "Phone", list[1].Device)
	require.Equal(t, "192.0.2.7", list[1].IP)
	require.False(t, list[1].Current)
	require.NotContains(t, phone.token()[len(list[1].ID):], list[1].ID)

	require.ErrorIs(t, other.Revoke(t.Context(), "43", list[1].ID), session.ErrNotFound, "not theirs to revoke")
	require.ErrorIs(t, other.Revoke(t.Context(), "42", "absent"), session.ErrNotFound)
	require.ErrorIs(t, other.Revoke(t.Context(), "42", "a/b"), session.ErrInvalid)
	require.Equal(t, "42", phone.user())
	require.NoError(t, other.Revoke(t.Context(), "42", list[1].ID))
	require.Empty(t, phone.user())
	require.Equal(t, "42", laptop.user())

	phone.login("42", nil)
	phone.do(func(r *http.Request) error {
		n, err := s.LogoutOthers(r.Context())
		require.Equal(t, 1, n)
		return err
	})
	require.Empty(t, laptop.user())
	require.Equal(t, "42", phone.user())

	laptop.login("42", nil)
	n, err := other.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Empty(t, phone.user())
	require.Empty(t, laptop.user())
	require.Equal(t, "43", stranger.user())
	left, err := s.List(t.Context(), "42")
	require.NoError(t, err)
	require.Empty(t, left)
}

func managerPrefetch(t *testing.T, h Harness) {
	s := open(t, h.Open(t), nil)
	b, renewed, out := s.browser(t), s.browser(t), s.browser(t)
	for _, each := range []*browser{b, renewed, out} {
		each.login("42", nil)
	}
	old, gone := renewed.token(), out.token()
	renewed.do(func(r *http.Request) error { return s.Renew(r.Context()) })
	out.logout()
	forged := b.token()[:len(b.token())-5] + "AAAAA"

	contexts, err := s.Prefetch(t.Context(), []string{b.token(), forged, gone, "", "x", renewed.token(), old, b.token()})
	require.NoError(t, err)
	var users []string
	for _, ctx := range contexts {
		user, _ := s.User(ctx)
		users = append(users, user.ID)
	}
	require.Equal(t, []string{"42", "", "", "", "", "42", "42", "42"}, users)
	increment := func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil }
	require.NoError(t, s.Update(contexts[0], increment))
	require.NoError(t, s.Update(contexts[7], increment), "of the same session, loaded before")
	require.ErrorIs(t, s.Update(contexts[6], increment), session.ErrRenewed)
	require.Equal(t, 2, s.GetInt(contexts[7], "n"))
	s.clock.advance(time.Hour)
	contexts, err = s.Prefetch(t.Context(), []string{b.token()})
	require.NoError(t, err)
	_, ok := s.User(contexts[0])
	require.False(t, ok, "idled out")
}

// managerLogoutAllUnderLoad: whoever was logged in before LogoutAll began is
// out when it has ended, whatever their requests were doing.
func managerLogoutAllUnderLoad(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	if _, ok := ability[session.UserDeleter](t, d); !ok {
		return
	}
	s := open(t, d, nil)
	other := openAt(t, peer, s.clock, nil)
	browsers := make([]*browser, 4)
	for i := range browsers {
		browsers[i] = s.browser(t)
		browsers[i].login("42", nil)
	}
	parallel(t, 2*len(browsers)+1, func(i int) error {
		if i == 2*len(browsers) {
			_, err := other.LogoutAll(t.Context(), "42")
			return err
		}
		tab := browsers[i/2].clone()
		var err error
		for n := range 5 {
			tab.visit(func(_ http.ResponseWriter, r *http.Request) {
				ctx := r.Context()
				update := s.Update(ctx, func(v *session.Values) error { v.Set("n", n); return nil })
				if update != nil && !errors.Is(update, session.ErrEnded) {
					err = errors.Join(err, update)
				}
			})
		}
		return err
	})
	for _, b := range browsers {
		require.Empty(t, b.user())
	}
}

func managerAuthHash(t *testing.T, h Harness) {
	hash := "before"
	var failure error
	asked := 0
	s := open(t, h.Open(t), func(o *session.Options) {
		o.AuthHash = func(_ context.Context, userID string) (string, error) {
			asked++
			return hash, failure
		}
	})
	login := func(b *browser) {
		b.do(func(r *http.Request) error {
			return s.Login(r.Context(), session.User{ID: "42", AuthHash: hash}, nil)
		})
	}
	b, thief := s.browser(t), s.browser(t)
	login(b)
	login(thief)
	require.Zero(t, asked, "a login needs no check")
	require.Equal(t, "42", thief.user())
	b.do(func(r *http.Request) error {
		s.User(r.Context())
		s.User(r.Context())
		return nil
	})
	require.Equal(t, 2, asked, "once a request")

	hash = "after"
	login(b) // as a host does after a password change
	require.Equal(t, "42", b.user())
	require.Empty(t, thief.user())
	require.Empty(t, thief.cookies)
	hash = "before"
	require.Empty(t, thief.user(), "it was ended for good")

	login(b)
	failure = errors.New("database is down")
	w := b.visit(func(w http.ResponseWriter, r *http.Request) {
		_, ok := s.User(r.Context())
		require.False(t, ok)
		fmt.Fprint(w, "as if anonymous")
	})
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	failure = nil
	require.Equal(t, "42", b.user(), "an outage ends no session")
	failure = fmt.Errorf("no such user: %w", session.ErrNotFound)
	require.Empty(t, b.user())
}
