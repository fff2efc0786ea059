package redisqueue_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/redisqueue"
)

// checkOnce requires besides that nothing was stored twice: an attempt is made once.
func checkOnce(t *testing.T, l *chaos.Ledger) {
	t.Helper()
	require.Zero(t, l.Check(t), "attempts made twice")
}

func TestChaosCutLinesLoseNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	proxy := testenvtest.Proxy(t, server.Addr)
	through := redis.NewClient(&redis.Options{Addr: proxy.Addr(), ReadTimeout: 500 * time.Millisecond})
	t.Cleanup(func() { require.NoError(t, through.Close()) })
	q := open(t, through)
	l := chaos.NewLedger()
	stopWorker, stopProducers := l.Work(t, q), l.Produce(t, q)
	l.HurtLine(t, proxy)
	stopProducers()
	l.Drained(t)
	stopWorker()
	checkOnce(t, l)
}

func TestChild(t *testing.T) {
	chaos.Child(t, func(url string) *notify.Queue {
		q, err := redisqueue.Open(t.Context(), connect(t, url), quiet())
		require.NoError(t, err)
		return q
	})
}

func TestChaosKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	url := testenvtest.RedisURL(t, testenvtest.Redis(t))
	l := chaos.NewLedger()
	l.KillChildren(t, "TestChild", url)
	stop := l.Work(t, open(t, connect(t, url)))
	l.Drained(t)
	stop()
	checkOnce(t, l)
}

// A server that stands still for longer than the leases last gives the jobs out again, and
// the late worker's settlements are refused.
func TestChaosPausedServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{"--appendfsync", "always"}})
	q := open(t, connect(t, server.DSN))
	l := chaos.NewLedger()
	stopWorker, stopProducers := l.Work(t, q), l.Produce(t, q)
	l.More(t, 300)
	require.NoError(t, server.Pause())
	timer := time.NewTimer(2500 * time.Millisecond) // the leases of a second have ended by then; nothing else can tell
	<-timer.C
	require.NoError(t, server.Resume())
	l.More(t, 300)
	stopProducers()
	l.Drained(t)
	stopWorker()
	checkOnce(t, l)
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
	l := chaos.NewLedger()
	stopWorker, stopProducers := l.Work(t, q), l.Produce(t, q)
	strikes, between := chaos.Scale()
	for strike := range min(strikes, 3) {
		l.More(t, between)
		replica := connect(t, c.Nodes[3+strike].DSN)
		require.NoError(t, replica.ClusterFailover(t.Context()).Err())
		require.Eventually(t, func() bool {
			info, err := replica.InfoMap(t.Context(), "replication").Result()
			return err == nil && info["Replication"]["role"] == "master"
		}, time.Minute, 10*time.Millisecond)
	}
	l.More(t, between)
	stopProducers()
	l.Drained(t)
	stopWorker()
	checkOnce(t, l)
}
