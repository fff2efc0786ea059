package session_test

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
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// An operator sees what a user sees, for a time, and the trail says so.
func TestLoginAs(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	var trail []session.Acting
	m := open(t, &session.Options{
		Idle: -1, Now: func() time.Time { return now },
		Audit: func(_ context.Context, entry session.Acting) error { trail = append(trail, entry); return nil },
	})
	ctx := sessiontest.Context(t, m, session.User{ID: "support"}, &session.LoginOptions{Absolute: 3 * time.Hour})
	require.NoError(t, m.Update(ctx, func(v *session.Values) error { v.Set("draft", "mine"); return nil }))
	before, err := m.Token(ctx)
	require.NoError(t, err)
	own, _ := m.Current(ctx)

	require.NoError(t, m.LoginAs(ctx, session.User{ID: "42"}, &session.LoginAsOptions{Reason: "ticket 7"}))
	token, err := m.Token(ctx)
	require.NoError(t, err)
	require.NotEqual(t, before, token)
	as := m.Attach(t.Context(), token)
	user, _ := m.User(as)
	require.Equal(t, "42", user.ID)
	operator, ok := m.Operator(as)
	require.True(t, ok)
	require.Equal(t, "support", operator)
	require.False(t, m.Has(as, "draft"), "each keeps to themselves")
	require.False(t, m.Fresh(as, time.Hour), "no password was shown")
	require.ErrorIs(t, m.Confirm(as), session.ErrInvalid)
	shown, err := m.List(t.Context(), "42")
	require.NoError(t, err)
	require.Len(t, shown, 1)
	require.Equal(t, "support", shown[0].Operator, "the user sees it among the devices")
	require.WithinDuration(t, now.Add(time.Hour), shown[0].Expires, 0)
	_, ok = m.User(m.Attach(t.Context(), before))
	require.False(t, ok, "the token before sees nobody")
	require.ErrorIs(t, m.LoginAs(as, session.User{ID: "43"}, nil), session.ErrInvalid, "not from one to the next")

	require.NoError(t, m.LogoutAs(as))
	user, _ = m.User(as)
	require.Equal(t, "support", user.ID)
	_, ok = m.Operator(as)
	require.False(t, ok)
	require.False(t, m.Fresh(as, time.Hour))
	back, _ := m.Current(as)
	require.Equal(t, own.ID, back.ID)
	require.WithinDuration(t, own.Expires, back.Expires, 0)
	shown, err = m.List(t.Context(), "42")
	require.NoError(t, err)
	require.Empty(t, shown)
	require.ErrorIs(t, m.LogoutAs(as), session.ErrNoUser)

	require.Equal(t, []session.Acting{
		{At: now, Operator: "support", User: "42", SessionID: own.ID, Reason: "ticket 7"},
		{At: now, Operator: "support", User: "42", SessionID: own.ID, Ended: true},
	}, trail)

	require.NoError(t, m.LoginAs(as, session.User{ID: "42"}, nil))
	require.NoError(t, m.Logout(as))
	require.Len(t, trail, 4)
	require.True(t, trail[3].Ended)
	again := sessiontest.Context(t, m, session.User{ID: "support"}, nil)
	require.NoError(t, m.LoginAs(again, session.User{ID: "42"}, &session.LoginAsOptions{For: time.Minute}))
	now = now.Add(time.Minute)
	token, err = m.Token(again)
	require.NoError(t, err)
	_, ok = m.User(m.Attach(t.Context(), token))
	require.False(t, ok, "its time is over")
}

func TestLoginAsIsRefused(t *testing.T) {
	t.Parallel()
	full := errors.New("the trail is full")
	var said error
	m := open(t, &session.Options{Audit: func(context.Context, session.Acting) error { return said }})
	ctx := sessiontest.Context(t, m, session.User{ID: "support"}, nil)
	require.ErrorIs(t, m.LoginAs(m.Attach(t.Context(), ""), session.User{ID: "42"}, nil), session.ErrNoUser)
	require.ErrorIs(t, m.LoginAs(t.Context(), session.User{ID: "42"}, nil), session.ErrNoSession)
	for _, bad := range []struct {
		user    string
		options session.LoginAsOptions
	}{
		{"", session.LoginAsOptions{}}, {"support", session.LoginAsOptions{}}, {strings.Repeat("u", 513), session.LoginAsOptions{}},
		{"42", session.LoginAsOptions{For: -1}}, {"42", session.LoginAsOptions{For: 25 * time.Hour}}, {"42", session.LoginAsOptions{Reason: strings.Repeat("r", 513)}},
	} {
		require.ErrorIs(t, m.LoginAs(ctx, session.User{ID: bad.user}, &bad.options), session.ErrInvalid)
	}
	said = full
	require.ErrorIs(t, m.LoginAs(ctx, session.User{ID: "42"}, nil), full)
	user, _ := m.User(ctx)
	require.Equal(t, "support", user.ID, "what cannot be audited is not done")
	said = nil
	require.NoError(t, m.LoginAs(ctx, session.User{ID: "42"}, nil))
	said = full
	require.ErrorIs(t, m.LogoutAs(ctx), full)
	require.NoError(t, m.Logout(ctx), "a way out there always is")

	blind := open(t, nil)
	require.ErrorIs(t, blind.LoginAs(sessiontest.Context(t, blind, session.User{ID: "support"}, nil), session.User{ID: "42"}, nil), session.ErrInvalid)

	w := serve(m, request(), func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, m.Login(r.Context(), session.User{ID: "support"}, nil))
		fmt.Fprint(w, "first byte")
		require.ErrorIs(t, m.LoginAs(r.Context(), session.User{ID: "42"}, nil), session.ErrCommitted)
		require.ErrorIs(t, m.LogoutAs(r.Context()), session.ErrCommitted)
	})
	require.Equal(t, http.StatusOK, w.Code)
}

// An operator who is locked out, or whose password was changed, acts no longer,
// and one who goes back is still bound to the password.
func TestOperatorIsChecked(t *testing.T) {
	t.Parallel()
	hashes := map[string]string{"support": "one", "42": "two"}
	m := open(t, &session.Options{
		Audit: func(context.Context, session.Acting) error { return nil },
		AuthHash: func(_ context.Context, id string) (string, error) {
			if hash, ok := hashes[id]; ok {
				return hash, nil
			}
			return "", session.ErrNotFound
		},
	})
	act := func() string {
		ctx := sessiontest.Context(t, m, session.User{ID: "support", AuthHash: hashes["support"]}, nil)
		require.NoError(t, m.LoginAs(ctx, session.User{ID: "42", AuthHash: hashes["42"]}, nil))
		token, err := m.Token(ctx)
		require.NoError(t, err)
		return token
	}
	who := func(token string) string {
		user, _ := m.User(m.Attach(t.Context(), token))
		return user.ID
	}
	token := act()
	require.Equal(t, "42", who(token))
	hashes["support"] = "changed"
	require.Empty(t, who(token))
	token = act()
	hashes["42"] = "changed"
	require.Empty(t, who(token))
	token = act()
	ctx := m.Attach(t.Context(), token)
	require.NoError(t, m.LogoutAs(ctx))
	token, err := m.Token(ctx)
	require.NoError(t, err)
	require.Equal(t, "support", who(token))
	hashes["support"] = "changed again"
	require.Empty(t, who(token))
	token = act()
	delete(hashes, "support")
	require.Empty(t, who(token))
}

func ExampleManager_LoginAs() {
	sessions, err := memstore.Open(&session.Options{Audit: func(_ context.Context, entry session.Acting) error {
		fmt.Printf("%s as %s, %s, ended %t\n", entry.Operator, entry.User, entry.Reason, entry.Ended)
		return nil
	}})
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	ctx := sessions.Attach(context.Background(), "")
	if err := sessions.Login(ctx, session.User{ID: "support"}, nil); err != nil {
		panic(err)
	}
	if err := sessions.LoginAs(ctx, session.User{ID: "42"}, &session.LoginAsOptions{Reason: "ticket 7"}); err != nil {
		panic(err)
	}
	user, _ := sessions.User(ctx)
	fmt.Println(user.ID)
	if err := sessions.LogoutAs(ctx); err != nil {
		panic(err)
	}
	// Output:
	// support as 42, ticket 7, ended false
	// 42
	// support as 42, , ended true
}
