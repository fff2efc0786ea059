package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	o.PoolSize = 16
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func driver(t *testing.T, c redis.UniversalClient) session.Driver {
	t.Helper()
	d, err := redisstore.New(c, nil)
	require.NoError(t, err)
	return d
}

func TestConformance(t *testing.T) {
	server := testenvtest.Redis(t)
	var urls sync.Map // by driver
	sessiontest.Run(t, sessiontest.Harness{
		Open: func(t *testing.T) session.Driver {
			url := testenvtest.RedisURL(t, server)
			d := driver(t, client(t, url))
			urls.Store(d, url)
			return d
		},
		Peer: func(t *testing.T, first session.Driver) session.Driver {
			url, _ := urls.Load(first)
			return driver(t, client(t, url.(string)))
		},
	})
}

// Every key a session leaves in Redis has an end, and none names the user or
// holds a secret.
func TestKeys(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	d, err := redisstore.New(c, &redisstore.Options{Prefix: "shop:"})
	require.NoError(t, err)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	ctx := sessiontest.Context(t, m, session.User{ID: "alice@example.com"}, nil)
	token, err := m.Token(ctx)
	require.NoError(t, err)
	_, secret, _ := strings.Cut(token, ".")
	require.NoError(t, m.Update(ctx, func(v *session.Values) error { v.Set("k", 1); return nil }))

	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 2)
	for _, key := range keys {
		require.True(t, strings.HasPrefix(key, "shop:"))
		require.NotContains(t, key, "alice")
		require.NotContains(t, key, secret)
		left, err := c.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Greater(t, left, 30*time.Minute)
		require.Less(t, left, 13*time.Hour)
	}
	require.NoError(t, m.Logout(ctx))
	keys, err = c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Empty(t, keys)
}

// What a crash leaves in the index is not listed, ends with LogoutAll, and is
// pruned once it is old enough not to be a login in progress.
func TestIndexIsPruned(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	keys, err := c.Keys(t.Context(), "session:user:*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	now := float64(time.Now().Unix())
	require.NoError(t, c.ZAdd(t.Context(), keys[0],
		redis.Z{Member: "crashed", Score: now - 3600}, redis.Z{Member: "beginning", Score: now}).Err())

	list, err := m.List(t.Context(), "42")
	require.NoError(t, err)
	require.Len(t, list, 1)
	left, err := c.ZRange(t.Context(), keys[0], 0, -1).Result()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{list[0].ID, "beginning"}, left)

	n, err := m.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	left, err = c.ZRange(t.Context(), keys[0], 0, -1).Result()
	require.NoError(t, err)
	require.Equal(t, []string{"beginning"}, left)
}

// resend sends every script twice, as go-redis does when an answer is lost.
type resend struct{ armed bool }

func (r *resend) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *resend) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (r *resend) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if r.armed && err == nil && cmd.Name() == "evalsha" {
			err = next(ctx, cmd)
		}
		return err
	}
}

func TestLostAnswersAreHarmless(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	twice := &resend{}
	c.AddHook(twice)
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	twice.armed = true
	ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	for range 3 {
		require.NoError(t, m.Update(ctx, func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil }))
	}
	require.Equal(t, 3, m.GetInt(ctx, "n"))
	require.NoError(t, m.Logout(ctx))
}

func TestCorruptHash(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	d := driver(t, c)
	require.NoError(t, c.HSet(t.Context(), "session:{a}", "v", "one").Err())
	_, err := d.Load(t.Context(), "a")
	require.ErrorIs(t, err, session.ErrCorrupt)
	require.NoError(t, c.HSet(t.Context(), "session:{a}", "u", "", "s", "1", "i", "1", "e", "1", "d", "").Err())
	_, err = d.Load(t.Context(), "a")
	require.ErrorIs(t, err, session.ErrCorrupt)
	require.NoError(t, c.Set(t.Context(), "session:{b}", "text", 0).Err())
	_, err = d.Load(t.Context(), "b")
	require.Error(t, err)
}

// A server that is gone is an outage, and one that came back works again.
func TestServerDies(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	c := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1})
	defer c.Close()
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	require.NoError(t, server.Kill())
	require.ErrorIs(t, m.Load(m.Attach(t.Context(), token)), session.ErrUnavailable)
	_, err = m.LogoutAll(t.Context(), "42")
	require.ErrorIs(t, err, session.ErrUnavailable)
	require.NoError(t, server.Restart(t.Context()))
	require.NoError(t, m.Load(m.Attach(t.Context(), token)))
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := redisstore.New(nil, nil)
	require.ErrorIs(t, err, session.ErrInvalid)
	c := redis.NewClient(&redis.Options{})
	defer c.Close()
	_, err = redisstore.New(c, &redisstore.Options{Prefix: "{shop}"})
	require.ErrorIs(t, err, session.ErrInvalid)
}

func ExampleOpen() {
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"localhost:6379"}})
	defer rdb.Close()
	sessions, err := redisstore.Open(rdb, &session.Options{Idle: 30 * time.Minute, Absolute: 12 * time.Hour})
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	_, loggedIn := sessions.User(sessions.Attach(context.Background(), "")) // no token: nothing is sent
	fmt.Println(loggedIn)
	// Output: false
}
