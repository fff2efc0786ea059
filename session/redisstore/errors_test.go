package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// serverSays is an error as the client makes it of a server's answer.
type serverSays string

func (e serverSays) Error() string { return string(e) }
func (serverSays) RedisError()     {}

// answering answers certain commands with an error in place of the server.
type answering struct {
	commands string
	keys     int // only scripts with at least so many
	err      error
	times    atomic.Int64
}

func (a *answering) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *answering) matches(cmd redis.Cmder) bool {
	if !strings.Contains(a.commands, cmd.Name()) {
		return false
	}
	if a.keys > 0 {
		n, ok := cmd.Args()[2].(int)
		return ok && n >= a.keys
	}
	return true
}

func (a *answering) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if a.matches(cmd) {
			a.times.Add(1)
			cmd.SetErr(a.err)
			return a.err
		}
		return next(ctx, cmd)
	}
}

func (a *answering) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var rest []redis.Cmder
		for _, cmd := range cmds {
			if a.matches(cmd) {
				a.times.Add(1)
				cmd.SetErr(a.err)
				continue
			}
			rest = append(rest, cmd)
		}
		switch len(rest) {
		case 0:
			return a.err
		case len(cmds):
			return next(ctx, cmds)
		}
		return errors.Join(a.err, next(ctx, rest))
	}
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	require.ErrorIs(t, err, session.ErrUnavailable)
	said, ok := errors.AsType[*redisstore.ServerError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, said.Code)
}

// A real server that is out of memory, or was made a replica, or has other
// passwords: the error says which, nobody is logged in, and nobody logged out.
func TestServerRefuses(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{"--enable-debug-command", "yes"}})
	c := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1})
	defer c.Close()
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer admin.Close()
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	ctx := t.Context()
	update := func() error {
		return m.Update(m.Attach(ctx, token), func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil })
	}
	refused := func(code string) {
		t.Helper()
		requireCode(t, update(), code)
		fresh := m.Attach(ctx, "")
		requireCode(t, m.Login(fresh, session.User{ID: "42"}, nil), code)
		_, ok := m.User(fresh)
		require.False(t, ok)
	}

	require.NoError(t, admin.Set(ctx, "ballast", strings.Repeat(rand.Text(), 40_000), 0).Err())
	require.NoError(t, admin.ConfigSet(ctx, "maxmemory", "1mb").Err())
	refused("OOM")
	require.NoError(t, m.Load(m.Attach(ctx, token)), "reads go on")
	require.NoError(t, admin.ConfigSet(ctx, "maxmemory", "0").Err())

	require.NoError(t, admin.Do(ctx, "replicaof", "127.0.0.1", "1").Err())
	refused("READONLY")
	require.NoError(t, admin.Do(ctx, "replicaof", "no", "one").Err())

	require.NoError(t, admin.Do(ctx, "acl", "setuser", "default", "-evalsha", "-eval").Err())
	refused("NOPERM")
	require.NoError(t, admin.Do(ctx, "acl", "setuser", "default", "+@all").Err())

	require.NoError(t, admin.ConfigSet(ctx, "requirepass", "secret").Err())
	stranger := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1, Protocol: 2})
	defer stranger.Close()
	locked, err := redisstore.Open(stranger, nil)
	require.NoError(t, err)
	defer locked.Close()
	requireCode(t, locked.Load(locked.Attach(ctx, token)), "NOAUTH")
	requireCode(t, locked.Login(locked.Attach(ctx, ""), session.User{ID: "42"}, nil), "NOAUTH")
	wrong := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1, Password: "guess"})
	defer wrong.Close()
	locked, err = redisstore.Open(wrong, nil)
	require.NoError(t, err)
	defer locked.Close()
	err = locked.Load(locked.Attach(ctx, token))
	requireCode(t, err, "WRONGPASS")
	require.NotContains(t, err.Error(), "guess")
	require.NoError(t, admin.ConfigSet(ctx, "requirepass", "").Err())

	require.NoError(t, update())
	list, err := m.List(ctx, "42")
	require.NoError(t, err)
	require.Len(t, list, 1, "no refused login has left a session")
	require.Equal(t, 1, m.GetInt(m.Attach(ctx, token), "n"))
}

// Answers that are hard to get from a server at will.
func TestOtherRefusals(t *testing.T) {
	t.Parallel()
	for code, text := range map[string]string{
		"LOADING":     "LOADING Redis is loading the dataset in memory",
		"MOVED":       "MOVED 3999 127.0.0.1:6381",
		"CLUSTERDOWN": "CLUSTERDOWN The cluster is down",
		"MASTERDOWN":  "MASTERDOWN Link with MASTER is down",
	} {
		c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
		c.AddHook(&answering{commands: "get mget evalsha eval zrange", err: serverSays(text)})
		m, err := redisstore.Open(c, nil)
		require.NoError(t, err)
		requireCode(t, m.Load(m.Attach(t.Context(), "0123456789012345678901.0123456789012345678901234567890123456789012")), code)
		requireCode(t, m.Login(m.Attach(t.Context(), ""), session.User{ID: "42"}, nil), code)
		_, err = m.LogoutAll(t.Context(), "42")
		requireCode(t, err, code)
		_, err = m.List(t.Context(), "42")
		requireCode(t, err, code)
		require.NoError(t, m.Close())
		require.NoError(t, c.Close())
	}
}

// A server that lost its scripts gets them again, in every path that uses them.
func TestScriptsAreLoadedAgain(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer c.Close()
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	flush := func() { require.NoError(t, c.ScriptFlush(t.Context()).Err()) }
	for range 2 {
		flush()
		ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
		flush()
		token, err := m.Token(ctx)
		require.NoError(t, err)
		require.NoError(t, m.Load(m.Attach(t.Context(), token)))
		flush()
		require.NoError(t, m.Update(ctx, func(v *session.Values) error { v.Set("k", 1); return nil }))
	}
	flush()
	n, err := m.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

// A near cache serves reads without a round trip, learns of a logout elsewhere,
// and never feeds a write.
func TestNearCache(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	near := redis.NewClient(&redis.Options{Addr: server.Addr, Protocol: 3, ClientSideCacheConfig: &redis.ClientSideCacheConfig{MaxEntries: 100}})
	defer near.Close()
	d, err := redisstore.New(near, &redisstore.Options{NearCache: true})
	require.NoError(t, err)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	far := client(t, server.DSN)
	elsewhere, err := redisstore.Open(far, nil)
	require.NoError(t, err)
	defer elsewhere.Close()
	token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)

	gets := func() int64 {
		stats, err := far.Info(t.Context(), "commandstats").Result()
		require.NoError(t, err)
		_, rest, ok := strings.Cut(stats, "cmdstat_get:calls=")
		if !ok {
			return 0
		}
		n, _, _ := strings.Cut(rest, ",")
		calls := int64(0)
		for _, digit := range n {
			calls = calls*10 + int64(digit-'0')
		}
		return calls
	}
	require.NoError(t, m.Load(m.Attach(t.Context(), token)))
	before := gets()
	for range 100 {
		user, ok := m.User(m.Attach(t.Context(), token))
		require.True(t, ok)
		require.Equal(t, "42", user.ID)
	}
	require.LessOrEqual(t, gets()-before, int64(2), "the cache answers")

	stale := m.Attach(t.Context(), token)
	require.NoError(t, m.Load(stale))
	for range 5 { // each of these makes what the other has cached old
		for _, on := range []*session.Manager{elsewhere, m} {
			require.NoError(t, on.Update(on.Attach(t.Context(), token), func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil }))
		}
	}
	require.Equal(t, 10, elsewhere.GetInt(elsewhere.Attach(t.Context(), token), "n"), "no write is lost")
	require.NoError(t, elsewhere.Logout(elsewhere.Attach(t.Context(), token)))
	require.ErrorIs(t, m.Update(stale, func(v *session.Values) error { v.Set("n", 0); return nil }), session.ErrEnded)
	require.Eventually(t, func() bool {
		_, ok := m.User(m.Attach(t.Context(), token))
		return !ok
	}, 10*time.Second, time.Millisecond)
}
