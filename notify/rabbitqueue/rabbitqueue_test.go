package rabbitqueue_test

import (
	"crypto/rand"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/rabbitqueue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *rabbitqueue.Options {
	return &rabbitqueue.Options{
		Options: notify.Options{Logger: slog.New(slog.DiscardHandler)}, Prefix: rand.Text() + ":",
	}
}

// open opens a queue that is closed at the end.
func open(t testing.TB, url string, o *rabbitqueue.Options) *notify.Queue {
	t.Helper()
	q, err := rabbitqueue.Open(t.Context(), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

func conformance(t *testing.T, classic bool) {
	url := testenvtest.RabbitMQ(t).DSN
	notifytest.Run(t, func(*testing.T) notifytest.Harness {
		prefix := rand.Text() + ":"
		return notifytest.Harness{
			Open: func(t *testing.T, o *notify.Options) *notify.Queue {
				q, err := rabbitqueue.Open(t.Context(), url, &rabbitqueue.Options{Options: *o, Prefix: prefix, Classic: classic})
				require.NoError(t, err)
				return q
			},
			Shared: true, ConnectionLeases: true, LettersOnly: true,
		}
	})
}

func TestConformanceQuorum(t *testing.T)  { conformance(t, false) }
func TestConformanceClassic(t *testing.T) { conformance(t, true) }
