package sqlqueue_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue/pglisten"
	"github.com/stretchr/testify/require"
)

// document makes a payload of 210 bytes.
var document = struct{ Text string }{strings.Repeat("x", 199)}

var bench = notify.NewTask[struct{ Text string }]("bench.job", nil)

func openBench(b *testing.B, name string) *notify.Queue {
	open, options := backends[name](b)
	db := open()
	options.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	if name == "postgres" {
		options.Listener = pglisten.New(db)
	}
	q, err := sqlqueue.Open(b.Context(), db, &options)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, q.Close()) })
	return q
}

// BenchmarkEnqueue is 64 callers that each wait until their job is durable.
func BenchmarkEnqueue(b *testing.B) {
	for name := range backends {
		b.Run(name, func(b *testing.B) {
			client := notify.NewClient(openBench(b, name), nil)
			left := atomic.Int64{}
			left.Store(int64(b.N))
			b.ResetTimer()
			var group sync.WaitGroup
			for range 64 {
				group.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := bench.Enqueue(b.Context(), client, document); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// BenchmarkProcess is 64 handlers that do nothing, on jobs that are there already.
func BenchmarkProcess(b *testing.B) {
	for name := range backends {
		b.Run(name, func(b *testing.B) {
			q := openBench(b, name)
			client := notify.NewClient(q, nil)
			for n := b.N; n > 0; n -= 1000 {
				_, err := bench.EnqueueMany(b.Context(), client, make([]struct{ Text string }, min(n, 1000)))
				require.NoError(b, err)
			}
			w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 64})
			left := atomic.Int64{}
			left.Store(int64(b.N))
			ctx, stop := context.WithCancel(b.Context())
			bench.Handle(w, func(context.Context, *notify.Job[struct{ Text string }]) error {
				if left.Add(-1) == 0 {
					stop()
				}
				return nil
			})
			b.ResetTimer()
			require.NoError(b, w.Run(ctx))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}
