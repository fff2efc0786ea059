package rabbitqueue_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/rabbitqueue"
)

// hardy sees broken connections quickly.
func hardy() *rabbitqueue.Options {
	o := quiet()
	o.Heartbeat = time.Second
	o.Wait = time.Minute
	return o
}

// A publish whose confirm was lost with the connection is sent again, so jobs may be
// doubled; the ledger counts them, and nothing may be lost.
func TestChaosCutLinesLoseNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRabbitMQ(t, nil)
	proxy := testenvtest.Proxy(t, server.Addr)
	q := open(t, "amqp://guest:guest@"+proxy.Addr()+"/", hardy())
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtLine(t, proxy) })
}

// A line that ends while queues are being made is no failure of who enqueues.
func TestCutLinesWhileQueuesAreMade(t *testing.T) {
	t.Parallel()
	proxy := testenvtest.Proxy(t, testenvtest.RabbitMQ(t).Addr)
	o := hardy()
	o.Classic = true // a quorum queue lets its first job wait for seconds
	q := open(t, "amqp://guest:guest@"+proxy.Addr()+"/", o)
	for round := range 20 {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				_, err := chaos.Count.Enqueue(t.Context(), notify.NewClient(q, nil), i, notify.InQueue(fmt.Sprintf("%d-%d", round, i)), notify.After(time.Second<<round))
				assert.NoError(t, err)
			})
		}
		proxy.Cut()
		require.NoError(t, proxy.Heal())
		all.Wait()
	}
}

// A broker forgets a quorum queue that was made less than a second or so before it was killed, so a
// job is answered for when its queues are older than that.
func TestKillAfterTheFirstAnswerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRabbitMQ(t, nil)
	q := open(t, server.DSN, hardy())
	job := chaos.Enqueue(t, q, 1, notify.After(time.Second)) // its queue, and those of its delay
	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
	require.Equal(t, job.ID, chaos.Fetch(t, q, 1)[0].ID)
}

func TestChaosKilledBrokerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRabbitMQ(t, nil)
	q := open(t, server.DSN, hardy())
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtServer(t, server) })
}

// One of them leads the queues, one holds our connections; the two others go on without each.
func TestChaosKilledNodesOfAClusterLoseNothing(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateRabbitCluster(t)
	q := open(t, strings.Join(c.URLs(), ","), hardy())
	chaos.Survive(t, q, func(l *chaos.Ledger) {
		strikes, between := chaos.Scale()
		for strike := range strikes {
			node := c.Nodes[strike%len(c.Nodes)]
			l.More(t, between/2)
			require.NoError(t, node.Kill())
			l.More(t, between/2)
			require.NoError(t, node.Restart(t.Context()))
		}
	})
}

func TestChild(t *testing.T) {
	chaos.Child(t, func(where string) *notify.Queue {
		url, prefix, _ := strings.Cut(where, " ")
		o := hardy()
		o.Prefix = prefix
		q, err := rabbitqueue.Open(t.Context(), url, o)
		require.NoError(t, err)
		return q
	})
}

func TestChaosKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	url, o := shared(t), hardy()
	twice := chaos.SurviveKills(t, "TestChild", url+" "+o.Prefix, func() *notify.Queue { return open(t, url, o) })
	require.Zero(t, twice, "only whole connections were lost")
}

// A broker that stands still longer than heartbeats allow gives the jobs to nobody else
// meanwhile, and publishers and workers find it again.
func TestChaosPausedBrokerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRabbitMQ(t, nil)
	q := open(t, server.DSN, hardy())
	chaos.Survive(t, q, func(l *chaos.Ledger) {
		l.More(t, 300)
		got := hold(t, q)
		require.NoError(t, server.Pause())
		require.Eventually(t, func() bool { // the driver gives the connection up
			lost, err := q.Driver().Extend(t.Context(), got, time.Minute)
			return err == nil && len(lost) == len(got)
		}, time.Minute, 10*time.Millisecond)
		require.NoError(t, server.Resume())
		l.More(t, 300)
	})
}

// hold holds a job of a queue of its own, to see when its connection is given up.
func hold(t *testing.T, q *notify.Queue) []*notify.Delivery {
	t.Helper()
	enqueue(t, q, 1, notify.InQueue("held"))
	got, err := q.Driver().Fetch(t.Context(), notify.FetchRequest{Queue: "held", Max: 1, Lease: time.Minute})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got
}
