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

// With "appendfsync always" an answered write is on disk.
func TestChaosKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{"--appendfsync", "always"}})
	q := open(t, redistest.Connect(t, server.DSN))
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtServer(t, server) })
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

// replication is what a server tells of its replicas or its master.
func replication(t testing.TB, c *redis.Client) map[string]string {
	info, err := c.InfoMap(t.Context(), "replication").Result()
	if err != nil {
		return nil
	}
	return info["Replication"]
}

// A master is killed and its replica takes over. Jobs are answered for when the replica has them.
func TestChaosKilledMastersLoseNothing(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateRedisCluster(t)
	client := connectCluster(t, c)
	o := quiet()
	o.Replicas = 1
	q, err := redisqueue.Open(t.Context(), client, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	slot, err := client.ClusterKeySlot(t.Context(), "notify:{default}:paused").Result()
	require.NoError(t, err)
	at := int(slot) * 3 / 16384 // the three masters have a third of the slots each
	master, replica := c.Nodes[at], c.Nodes[3+at]
	chaos.Survive(t, q, func(l *chaos.Ledger) {
		strikes, between := chaos.Scale()
		for range strikes {
			next := redistest.Connect(t, replica.DSN)
			require.Eventually(t, func() bool {
				return replication(t, next)["master_link_status"] == "up"
			}, time.Minute, 10*time.Millisecond)
			l.More(t, between)
			require.NoError(t, master.Kill())
			require.Eventually(t, func() bool { return replication(t, next)["role"] == "master" }, time.Minute, 10*time.Millisecond)
			require.NoError(t, master.Restart(t.Context()))
			master, replica = replica, master
		}
		l.More(t, between)
	})
}
