package natsqueue_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/natsqueue"
)

// hardy options wait for a server as long as it takes to come back.
func hardy(replicas int) *natsqueue.Options {
	o := quiet()
	o.Wait, o.Replicas = time.Minute, replicas
	return o
}

func TestChaosKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateNATS(t, nil)
	q := open(t, server.DSN, hardy(1))
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtServer(t, server) })
}

func TestChaosKilledNodesOfAClusterLoseNothing(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateNATSCluster(t)
	q := open(t, c.URLs(), hardy(3))
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtServer(t, c.Nodes[0], c.Nodes[1], c.Nodes[2]) })
}

func TestChaosCutLinesLoseNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateNATS(t, nil)
	proxy := testenvtest.Proxy(t, server.Addr)
	nc, err := nats.Connect("nats://"+proxy.Addr(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.PingInterval(300*time.Millisecond), nats.MaxPingsOutstanding(2), nats.IgnoreDiscoveredServers())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	q, err := natsqueue.Open(t.Context(), nc, hardy(1))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtLine(t, proxy) })
}

// A server that stands still for longer than the leases last gives the jobs out again.
func TestChaosPausedServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateNATS(t, nil)
	q := open(t, server.DSN, hardy(1))
	chaos.Survive(t, q, func(l *chaos.Ledger) { l.OutlastLeases(t, server) })
}

func TestChild(t *testing.T) {
	chaos.Child(t, func(where string) *notify.Queue {
		url, prefix := where[:len(where)-26], where[len(where)-26:]
		o := quiet()
		o.Prefix = prefix
		q, err := natsqueue.Open(context.Background(), connect(t, url), o)
		require.NoError(t, err)
		return q
	})
}

func TestChaosKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	url, prefix := testenvtest.NATS(t).DSN, rand.Text()
	o := quiet()
	o.Prefix = prefix
	chaos.SurviveKills(t, "TestChild", url+prefix, func() *notify.Queue { return open(t, url, o) })
}
