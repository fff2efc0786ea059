package redisstore_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// The whole kit where every LogoutAll is the one step that many sessions take.
func TestConformanceInOneStep(t *testing.T) {
	server := testenvtest.Redis(t)
	var urls sync.Map // by driver
	sessiontest.Run(t, sessiontest.Harness{
		Open: func(t *testing.T) session.Driver {
			url := testenvtest.RedisURL(t, server)
			d := driver(t, client(t, url))
			redisstore.EndInOneStep(d, 0, time.Millisecond)
			urls.Store(d, url)
			return d
		},
		Peer: func(t *testing.T, first session.Driver) session.Driver {
			url, _ := urls.Load(first)
			d := driver(t, client(t, url.(string)))
			redisstore.EndInOneStep(d, 0, time.Millisecond)
			return d
		},
	})
}

// A process dies right after it has acknowledged a LogoutAll, with all the records
// still there: no session of before is served, saved, listed or logged in to, those
// begun later are live, and another process clears up.
func TestChaosProcessDiesAfterLogoutAll(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	open := func(takeOver time.Duration) (session.Driver, *session.Manager) {
		d := driver(t, c)
		redisstore.EndInOneStep(d, 0, takeOver)
		m, err := session.New(d, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, m.Close()) })
		return d, m
	}
	dying, its := open(time.Hour)
	_, other := open(time.Hour)
	const many = 20
	user := session.User{ID: "\x00:{}\xff"}
	tokens := make([]string, many)
	for i := range tokens {
		ctx := sessiontest.Context(t, its, user, nil)
		token, err := its.Token(ctx)
		require.NoError(t, err)
		tokens[i] = token
	}
	stranger := sessiontest.Context(t, other, session.User{ID: "43"}, nil)
	underWay := other.Attach(t.Context(), tokens[0])
	require.NoError(t, other.Load(underWay))
	loggingIn := other.Attach(t.Context(), tokens[1])
	require.NoError(t, other.Load(loggingIn))

	redisstore.Stop(dying)
	n, err := its.LogoutAll(t.Context(), user.ID)
	require.NoError(t, err)
	require.Equal(t, many, n)
	records, err := c.Keys(t.Context(), "session:{*").Result()
	require.NoError(t, err)
	require.Len(t, records, many+1, "nothing is removed yet")

	for range 2 { // by script, and by MGET
		for _, token := range tokens {
			_, ok := other.User(other.Attach(t.Context(), token))
			require.False(t, ok)
		}
	}
	contexts, err := other.Prefetch(t.Context(), tokens)
	require.NoError(t, err)
	for _, ctx := range contexts {
		_, ok := other.User(ctx)
		require.False(t, ok)
	}
	list, err := other.List(t.Context(), user.ID)
	require.NoError(t, err)
	require.Empty(t, list)
	count := func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil }
	require.ErrorIs(t, other.Update(underWay, count), session.ErrEnded)
	require.NoError(t, other.Login(loggingIn, user, nil), "as if nobody had been logged in")
	now, err := other.Token(loggingIn)
	require.NoError(t, err)
	require.NotEqual(t, tokens[1][:22], now[:22], "in a session of its own")
	require.NoError(t, other.Update(other.Attach(t.Context(), now), count))
	require.NoError(t, other.Update(stranger, count))

	list, err = other.List(t.Context(), user.ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
	n, err = its.LogoutAll(t.Context(), user.ID)
	require.NoError(t, err)
	require.Equal(t, 1, n, "again, while the first is not done")
	_, ok := other.User(other.Attach(t.Context(), now))
	require.False(t, ok)
	kept := sessiontest.Context(t, other, user, nil)
	sessiontest.Context(t, other, user, nil)
	n, err = other.LogoutOthers(kept)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, ok = other.User(kept)
	require.True(t, ok)

	_, heir := open(time.Millisecond)
	strange, err := other.Token(stranger)
	require.NoError(t, err)
	require.NoError(t, heir.Update(heir.Attach(t.Context(), strange), count))
	require.Eventually(t, func() bool {
		records, err := c.Keys(t.Context(), "session:*").Result()
		return err == nil && len(records) == 4 // two sessions, two indexes
	}, 10*time.Second, time.Millisecond)
	token, err := other.Token(kept)
	require.NoError(t, err)
	_, ok = heir.User(heir.Attach(t.Context(), token))
	require.True(t, ok)
	_, ok = heir.User(heir.Attach(t.Context(), tokens[0]))
	require.False(t, ok)
}

// Users log in, count and are logged out everywhere at the same time: who was logged
// in before a LogoutAll began is not served after it has ended, by any process, and
// who logs in after it is.
func TestLogoutAllAmongLogins(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	open := func() *session.Manager {
		d := driver(t, c)
		redisstore.EndInOneStep(d, 0, time.Millisecond)
		m, err := session.New(d, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, m.Close()) })
		return m
	}
	here, there := open(), open()
	user := session.User{ID: "42"}
	for round := range 20 {
		var mu sync.Mutex
		var before []string
		var wrong atomic.Int64
		stop := make(chan struct{})
		begun := make(chan struct{}, 8)
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					ctx := here.Attach(t.Context(), "")
					if here.Login(ctx, user, nil) != nil {
						wrong.Add(1)
						return
					}
					token, err := here.Token(ctx)
					if err != nil {
						wrong.Add(1)
						return
					}
					mu.Lock()
					before = append(before, token)
					mu.Unlock()
					if n == 2 {
						begun <- struct{}{}
					}
					_ = there.Update(there.Attach(t.Context(), token), func(v *session.Values) error { v.Set("n", n); return nil })
				}
			})
		}
		for range 8 {
			<-begun
		}
		mu.Lock()
		ended := append([]string(nil), before...)
		mu.Unlock()
		_, err := there.LogoutAll(t.Context(), user.ID)
		require.NoError(t, err)
		for _, m := range []*session.Manager{here, there} {
			contexts, err := m.Prefetch(t.Context(), ended)
			require.NoError(t, err)
			for i, token := range ended {
				_, batch := m.User(contexts[i])
				_, alone := m.User(m.Attach(t.Context(), token))
				require.False(t, batch || alone, "round %d", round)
			}
		}
		close(stop)
		workers.Wait()
		require.Zero(t, wrong.Load())
		ctx := here.Attach(t.Context(), "")
		require.NoError(t, here.Login(ctx, user, nil))
		token, err := here.Token(ctx)
		require.NoError(t, err)
		_, ok := there.User(there.Attach(t.Context(), token))
		require.True(t, ok)
	}
}

// Where the user may not rename keys, sessions are removed before LogoutAll returns.
func TestLogoutAllWithoutTheRight(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer admin.Close()
	require.NoError(t, admin.Do(t.Context(), "acl", "setuser", "shop", "on", ">secret", "~session:*", "+@all", "-rename").Err())
	c := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "shop", Password: "secret"})
	defer c.Close()
	d := driver(t, c)
	redisstore.EndInOneStep(d, 2, time.Millisecond)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	for range 9 {
		sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	}
	n, err := m.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
	require.Equal(t, 9, n)
	require.Eventually(t, func() bool {
		keys, err := admin.DBSize(t.Context()).Result()
		return err == nil && keys == 0
	}, 10*time.Second, time.Millisecond)
}
