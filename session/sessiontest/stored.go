package sessiontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// managerJSON: a site may change to JSON and back with sessions under way, and two
// servers may differ while it does.
func managerJSON(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	s := open(t, d, func(o *session.Options) { o.JSON = true })
	other := openAt(t, peer, s.clock, nil)
	b := s.browser(t)
	b.login("42", nil)
	id := b.current().ID
	stored := func() []byte {
		r, err := d.Load(t.Context(), id)
		require.NoError(t, err)
		return r.Data
	}
	require.True(t, json.Valid(stored()))
	_, secret, _ := strings.Cut(b.token(), ".")
	require.False(t, bytes.Contains(stored(), []byte(secret)))
	for i, on := range []*site{s, other, s} {
		key := fmt.Sprintf("k%d\x00<&>", i)
		b.at(on).put(key, "茶\x00 & \"Tasse\"")
		require.Equal(t, on == s, json.Valid(stored()), "it is written as the writer likes it")
		for _, reader := range []*site{s, other} {
			require.Equal(t, "茶\x00 & \"Tasse\"", b.at(reader).get(key))
			require.Equal(t, "42", b.at(reader).user())
		}
	}
	for range 9 { // 27 minutes at a time: touches are found due, and done
		s.clock.advance(27 * time.Minute)
		require.Equal(t, "42", b.user())
	}
	b.do(func(r *http.Request) error {
		require.ErrorIs(t, s.Update(r.Context(), func(v *session.Values) error { v.Set("\xff", 1); return nil }), session.ErrInvalid)
		return nil
	})
	b.logout()
	require.Empty(t, b.user())
}

func managerSecrets(t *testing.T, h Harness) {
	d := h.Open(t)
	s := open(t, d, nil)
	b := s.browser(t)
	b.do(func(r *http.Request) error {
		return s.Login(r.Context(), session.User{ID: "42", AuthHash: "$argon2id$of-the-password"}, nil)
	})
	id, secret, found := strings.Cut(b.token(), ".")
	require.True(t, found)
	r, err := d.Load(t.Context(), id)
	require.NoError(t, err)
	require.False(t, bytes.Contains(r.Data, []byte(secret)))
	require.False(t, bytes.Contains(r.Data, []byte("argon2id")))
	for name, c := range b.cookies {
		require.Equal(t, "__Host-session", name)
		require.True(t, c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && c.SameSite == http.SameSiteLaxMode)
	}
}

func managerUnreadable(t *testing.T, h Harness) {
	d := h.Open(t)
	s := open(t, d, nil)
	for name, damage := range map[string]func([]byte) []byte{
		"newer version": func(b []byte) []byte { b[0] = 9; return b },
		"flipped bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"truncated":     func(b []byte) []byte { return b[:len(b)-1] },
		"empty":         func([]byte) []byte { return nil },
	} {
		b := s.browser(t)
		b.login("42", nil)
		id, _, _ := strings.Cut(b.token(), ".")
		was, err := d.Load(t.Context(), id)
		require.NoError(t, err)
		next := was
		next.Data = damage(bytes.Clone(was.Data))
		require.NoError(t, d.Save(t.Context(), was, next))

		require.Empty(t, b.user(), name)
		b.put("cart", "tea")
		require.NotContains(t, b.token(), id, name+": a new session begins")
		require.Equal(t, "tea", b.get("cart"), name)
		kept, err := d.Load(t.Context(), id)
		require.NoError(t, err)
		require.True(t, bytes.Equal(next.Data, kept.Data), name+": nothing is thrown away")
	}
}
