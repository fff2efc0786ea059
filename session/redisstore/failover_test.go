package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// Users log in, change values and log out while the master is killed. Every
// write waited for both replicas, so that after the failover each acknowledged one
// is there: no login is forgotten, no value lost, no logout undone.
func TestChaosSentinelFailover(t *testing.T) {
	t.Parallel()
	group := testenvtest.PrivateRedisSentinel(t)
	c := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: testenv.SentinelMaster, SentinelAddrs: group.Addrs(),
		ReadTimeout: 2 * time.Second, DialTimeout: time.Second,
	})
	defer c.Close()
	d, err := redisstore.New(c, &redisstore.Options{Replicas: 2, ReplicaTimeout: time.Second})
	require.NoError(t, err)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()

	load := startLoad(t, m)
	load.until(100)
	master := group.Servers[0]
	require.NoError(t, master.Kill())
	next, err := group.Failover(t.Context(), master)
	require.NoError(t, err)
	load.stop()

	survivor := redis.NewClient(&redis.Options{Addr: next.Addr})
	defer survivor.Close()
	after, err := redisstore.Open(survivor, nil)
	require.NoError(t, err)
	defer after.Close()
	load.verify(after)
}

// On a Cluster nobody can wait for replicas. What this side acknowledged after
// the failover stays, and a session that the survivors say has ended has ended.
func TestChaosClusterFailover(t *testing.T) {
	t.Parallel()
	cluster := testenvtest.PrivateRedisCluster(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), ReadTimeout: time.Second, DialTimeout: time.Second})
	defer c.Close()
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()

	before := startLoad(t, m)
	before.until(100)
	require.NoError(t, cluster.Nodes[0].Kill())
	require.Eventually(t, func() bool {
		info, err := testenvInfo(t.Context(), cluster.Nodes[3].Addr)
		return err == nil && info == "master"
	}, 30*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool { return m.Login(m.Attach(t.Context(), ""), session.User{ID: "probe"}, nil) == nil }, 30*time.Second, 20*time.Millisecond)
	before.stop()

	after := startLoad(t, m)
	after.until(200)
	after.stop()
	after.verify(m)
}

func testenvInfo(ctx context.Context, addr string) (role string, err error) {
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	info, err := c.InfoMap(ctx, "replication").Result()
	return info["Replication"]["role"], err
}

// load is users who log in, count, and log out, and what they were promised.
type load struct {
	t        *testing.T
	m        *session.Manager
	cancel   context.CancelFunc
	users    sync.WaitGroup
	promises atomic.Int64

	mu    sync.Mutex
	alive map[string]bounds // by token
	ended []string
}

// bounds of a counter: what was acknowledged, and what was asked for.
type bounds struct{ least, most int }

func startLoad(t *testing.T, m *session.Manager) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{t: t, m: m, cancel: cancel, alive: make(map[string]bounds)}
	for i := range 8 {
		l.users.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.visit(ctx, fmt.Sprintf("user-%d", i), n%2 == 0)
			}
		})
	}
	return l
}

// visit is one session. What fails is not promised: it may be there or not.
func (l *load) visit(ctx context.Context, user string, leave bool) {
	ctx = l.m.Attach(ctx, "")
	if err := l.m.Login(ctx, session.User{ID: user}, nil); err != nil {
		return
	}
	token, err := l.m.Token(ctx)
	if err != nil {
		return
	}
	count := bounds{}
	for range 3 {
		count.most++
		err := l.m.Update(ctx, func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil })
		if err != nil {
			break
		}
		count.least = count.most
	}
	if leave {
		err := l.m.Logout(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			l.ended = append(l.ended, token)
			l.promises.Add(1)
		}
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive[token] = count
	l.promises.Add(1)
}

func (l *load) until(promises int64) {
	l.t.Helper()
	from := l.promises.Load()
	require.Eventually(l.t, func() bool { return l.promises.Load() >= from+promises }, 30*time.Second, time.Millisecond)
}

func (l *load) stop() {
	l.cancel()
	l.users.Wait()
}

func (l *load) verify(m *session.Manager) {
	l.t.Helper()
	require.NotEmpty(l.t, l.ended)
	require.NotEmpty(l.t, l.alive)
	for _, token := range l.ended {
		_, ok := m.User(m.Attach(l.t.Context(), token))
		require.False(l.t, ok, "a logout was undone")
	}
	for token, count := range l.alive {
		ctx := m.Attach(l.t.Context(), token)
		_, ok := m.User(ctx)
		require.True(l.t, ok, "a login was forgotten")
		n := m.GetInt(ctx, "n")
		require.GreaterOrEqual(l.t, n, count.least, "a value was lost")
		require.LessOrEqual(l.t, n, count.most, "an update was made twice")
	}
}

// Without replicas to confirm, a write is reported.
func TestReplicasMissing(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	d, err := redisstore.New(c, &redisstore.Options{Replicas: 1, ReplicaTimeout: time.Millisecond})
	require.NoError(t, err)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	err = m.Login(m.Attach(t.Context(), ""), session.User{ID: "42"}, nil)
	require.ErrorIs(t, err, session.ErrUnavailable)
	require.ErrorContains(t, err, "0 of 1 replicas")
}

// A line that is slow, half open, or cut is an outage of the request, not of the
// next ones.
func TestBadLines(t *testing.T) {
	t.Parallel()
	server := testenvtest.Redis(t)
	proxy := testenvtest.Proxy(t, server.Addr)
	c := redis.NewClient(&redis.Options{Addr: proxy.Addr(), ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond,
		DialTimeout: 200 * time.Millisecond, MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	d, err := redisstore.New(c, &redisstore.Options{Prefix: "badlines:", Pause: 50 * time.Millisecond})
	require.NoError(t, err)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	load := func() error { return m.Load(m.Attach(t.Context(), token)) }
	for name, hurt := range map[string]func(){
		"half open": proxy.HalfOpen,
		"cut":       proxy.Cut,
	} {
		hurt()
		var callers sync.WaitGroup
		var unexpected atomic.Int64
		for range 20 { // more than go straight: the joined ones fail too, and do not hang
			callers.Go(func() {
				if !errors.Is(load(), session.ErrUnavailable) {
					unexpected.Add(1)
				}
			})
		}
		callers.Wait()
		require.Zero(t, unexpected.Load(), name)
		require.NoError(t, proxy.Heal())
		require.Eventually(t, func() bool { return load() == nil }, 10*time.Second, time.Millisecond, name)
	}
	proxy.SetDelay(20 * time.Millisecond)
	require.NoError(t, load(), "slow is not down")
	_, err = m.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
}

// A server that does not answer is not asked by every request, and is asked again
// by itself.
func TestCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
		defer c.Close()
		fails := &answering{commands: "get mget", err: errors.New("i/o timeout")}
		c.AddHook(fails)
		d, err := redisstore.New(c, &redisstore.Options{Pause: time.Second})
		require.NoError(t, err)
		load := func(times int) {
			t.Helper()
			for range times {
				_, err := d.Load(t.Context(), "id")
				require.Error(t, err)
			}
		}
		load(100)
		require.EqualValues(t, 5, fails.times.Load())
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = d.Load(gone, "id")
		require.Error(t, err)
		<-time.After(time.Second)
		load(100)
		require.EqualValues(t, 6, fails.times.Load(), "one tries")
		fails.err = serverSays("LOADING it is coming")
		<-time.After(time.Second)
		load(10)
		require.EqualValues(t, 16, fails.times.Load(), "an answer lets all through")
	})
}
