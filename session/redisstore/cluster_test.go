package redisstore_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// The whole kit on a Cluster of six nodes.
func TestConformanceOnCluster(t *testing.T) {
	cluster := testenvtest.PrivateRedisCluster(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	var stores atomic.Int64
	var prefixes sync.Map // by driver
	open := func(t *testing.T, prefix string) session.Driver {
		d, err := redisstore.New(c, &redisstore.Options{Prefix: prefix})
		require.NoError(t, err)
		prefixes.Store(d, prefix)
		return d
	}
	sessiontest.Run(t, sessiontest.Harness{
		Open: func(t *testing.T) session.Driver { return open(t, fmt.Sprintf("test%d:", stores.Add(1))) },
		Peer: func(t *testing.T, first session.Driver) session.Driver {
			prefix, _ := prefixes.Load(first)
			return open(t, prefix.(string))
		},
	})
	t.Run("Spread", func(t *testing.T) {
		d := open(t, "spread:")
		m, err := session.New(d, nil)
		require.NoError(t, err)
		defer m.Close()
		for range 50 {
			sessiontest.Context(t, m, session.User{ID: "42"}, nil)
		}
		used := 0
		for _, node := range cluster.Nodes[:3] {
			one := redis.NewClient(&redis.Options{Addr: node.Addr})
			keys, err := one.Keys(t.Context(), "spread:{*").Result()
			require.NoError(t, err)
			require.NoError(t, one.Close())
			if len(keys) > 0 {
				used++
			}
		}
		require.Equal(t, 3, used, "a user's sessions lie on all masters")
		n, err := m.LogoutAll(t.Context(), "42")
		require.NoError(t, err)
		require.Equal(t, 50, n)
	})
}

// A proxy may hide a Cluster from the client.
func TestClusterBehindASingleAddress(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	refuses := &answering{commands: "evalsha eval", keys: 2, err: serverSays("CROSSSLOT Keys in request don't hash to the same slot")}
	c.AddHook(refuses)
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	for range 3 {
		ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
		require.NoError(t, m.Login(ctx, session.User{ID: "43"}, nil))
	}
	require.EqualValues(t, 1, refuses.times.Load(), "it is tried once")
	list, err := m.List(t.Context(), "43")
	require.NoError(t, err)
	require.Len(t, list, 3)
	list, err = m.List(t.Context(), "42")
	require.NoError(t, err)
	require.Empty(t, list)
}

// A plain client that was given one node of a Cluster is sent away again and again:
// that is an outage with its reason, and nobody is taken for somebody else.
func TestPlainClientOnACluster(t *testing.T) {
	t.Parallel()
	cluster := testenvtest.PrivateRedisCluster(t)
	c := redis.NewClient(&redis.Options{Addr: cluster.Addrs()[0]})
	defer c.Close()
	m, err := redisstore.Open(c, &session.Options{})
	require.NoError(t, err)
	defer m.Close()
	refused := 0
	for range 30 {
		ctx := m.Attach(t.Context(), "")
		if err := m.Login(ctx, session.User{ID: "42"}, nil); err != nil {
			requireCode(t, err, "MOVED")
			refused++
			_, ok := m.User(ctx)
			require.False(t, ok)
		}
	}
	require.Positive(t, refused)
}
