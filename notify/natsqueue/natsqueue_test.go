package natsqueue_test

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/natsqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

func quiet() *natsqueue.Options {
	return &natsqueue.Options{Options: notify.Options{Logger: slog.New(slog.DiscardHandler)}, Prefix: rand.Text()}
}

// open opens a queue that is closed before its connection.
func open(t testing.TB, url string, o *natsqueue.Options) *notify.Queue {
	t.Helper()
	q, err := natsqueue.Open(t.Context(), connect(t, url), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

func conformance(t *testing.T, url string, replicas int) {
	notifytest.Run(t, func(*testing.T) notifytest.Harness {
		prefix := rand.Text()
		return notifytest.Harness{
			Open: func(t *testing.T, o *notify.Options) *notify.Queue {
				q, err := natsqueue.Open(t.Context(), connect(t, url), &natsqueue.Options{Options: *o, Prefix: prefix, Replicas: replicas})
				require.NoError(t, err)
				return q
			},
			Shared: true,
		}
	})
}

func TestConformance(t *testing.T) { conformance(t, testenvtest.NATS(t).DSN, 1) }

func TestConformanceOnCluster(t *testing.T) {
	conformance(t, testenvtest.PrivateNATSCluster(t).URLs(), 3)
}

var enqueue, fetch = chaos.Enqueue, chaos.Fetch

// Whoever reads counts while a process is writing them down waits for it. In a cluster that takes a moment.
func TestStatsCountWhatHasEnded(t *testing.T) {
	t.Parallel()
	o := quiet()
	o.Replicas = 3
	q := open(t, testenvtest.PrivateNATSCluster(t).URLs(), o)
	for handled := 1; handled <= 20; handled++ {
		enqueue(t, q, 1)
		lost, err := q.Driver().Ack(t.Context(), fetch(t, q, 1))
		require.NoError(t, err)
		require.Empty(t, lost)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				stats, err := q.Stats(t.Context())
				if assert.NoError(t, err) && assert.Len(t, stats, 1) {
					sum := 0
					for _, minute := range stats[0].Minutes {
						sum += minute.Handled
					}
					assert.Equal(t, handled, sum)
				}
			})
		}
		readers.Wait()
	}
}
