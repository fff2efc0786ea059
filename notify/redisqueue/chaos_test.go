package redisqueue_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest/redistest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/redisqueue"
)

func TestChaosCutLinesLoseNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	proxy := testenvtest.Proxy(t, server.Addr)
	through := redis.NewClient(&redis.Options{Addr: proxy.Addr(), ReadTimeout: 500 * time.Millisecond})
	t.Cleanup(func() { require.NoError(t, through.Close()) })
	q := open(t, through)
	require.Zero(t, chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtLine(t, proxy) }), "attempts made twice")
}

func TestChild(t *testing.T) {
	chaos.Child(t, func(url string) *notify.Queue {
		q, err := redisqueue.Open(t.Context(), redistest.Connect(t, url), quiet())
		require.NoError(t, err)
		return q
	})
}

func TestChaosKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	url := testenvtest.RedisURL(t, testenvtest.Redis(t))
	twice := chaos.SurviveKills(t, "TestChild", url, func() *notify.Queue { return open(t, redistest.Connect(t, url)) })
	require.Zero(t, twice, "attempts made twice")
}

// A server that stands still for longer than the leases last gives the jobs out again, and
// the late worker's settlements are refused.
func TestChaosPausedServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{"--appendfsync", "always"}})
	q := open(t, redistest.Connect(t, server.DSN))
	require.Zero(t, chaos.Survive(t, q, func(l *chaos.Ledger) { l.OutlastLeases(t, server) }), "attempts made twice")
}

func connectCluster(t testing.TB, c *testenv.RedisCluster) *redis.ClusterClient {
	t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), ReadTimeout: time.Second})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func TestConformanceOnCluster(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateRedisCluster(t)
	notifytest.Run(t, func(t *testing.T) notifytest.Harness {
		prefix := t.Name() + ":"
		return notifytest.Harness{
			Open: func(t *testing.T, o *notify.Options) *notify.Queue {
				q, err := redisqueue.Open(t.Context(), connectCluster(t, c), &redisqueue.Options{Options: *o, Prefix: prefix})
				require.NoError(t, err)
				return q
			},
			Shared: true,
		}
	})
}

// Replication is asynchronous, so a master that dies may take the last writes with it; one that is
// stopped in order, by a manual failover, does not.
func TestChaosClusterFailoverLosesNothing(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateRedisCluster(t)
	client := connectCluster(t, c)
	q := open(t, client)
	require.Zero(t, chaos.Survive(t, q, func(l *chaos.Ledger) {
		strikes, between := chaos.Scale()
		for strike := range min(strikes, 3) {
			l.More(t, between)
			replica := redistest.Connect(t, c.Nodes[3+strike].DSN)
			require.NoError(t, replica.ClusterFailover(t.Context()).Err())
			require.Eventually(t, func() bool {
				info, err := replica.InfoMap(t.Context(), "replication").Result()
				return err == nil && info["Replication"]["role"] == "master"
			}, time.Minute, 10*time.Millisecond)
		}
		l.More(t, between)
	}), "attempts made twice")
}
