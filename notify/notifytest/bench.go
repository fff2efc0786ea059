package notifytest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed82d84382/commerce/notify"
)

type document struct{ Text string }

var bench = notify.NewTask[document]("bench.job", nil)

// Bench measures a backend, each time on an empty store: 64 callers that each wait until
// their job is durable, bulks of 1000, and 10 handlers that do nothing. A job has 210 bytes of payload.
func Bench(b *testing.B, open func(b *testing.B) *notify.Queue) {
	for name, run := range map[string]func(b *testing.B, q *notify.Queue){
		"Enqueue": benchEnqueue, "EnqueueMany": fill, "Process": benchProcess,
	} {
		b.Run(name, func(b *testing.B) {
			q := open(b)
			b.ResetTimer()
			run(b, q)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

func benchEnqueue(b *testing.B, q *notify.Queue) {
	client := notify.NewClient(q, nil)
	args := document{strings.Repeat("x", 199)}
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := bench.Enqueue(b.Context(), client, args); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// fill enqueues as many jobs as the benchmark counts.
func fill(b *testing.B, q *notify.Queue) {
	client := notify.NewClient(q, nil)
	args := make([]document, 1000)
	for i := range args {
		args[i].Text = strings.Repeat("x", 199)
	}
	for n := b.N; n > 0; n -= len(args) {
		if _, err := bench.EnqueueMany(b.Context(), client, args[:min(n, len(args))]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchProcess(b *testing.B, q *notify.Queue) {
	fill(b, q)
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 10})
	var left atomic.Int64
	left.Store(int64(b.N))
	ctx, stop := context.WithCancel(b.Context())
	bench.Handle(w, func(context.Context, *notify.Job[document]) error {
		if left.Add(-1) == 0 {
			stop()
		}
		return nil
	})
	b.ResetTimer()
	if err := w.Run(ctx); err != nil {
		b.Fatal(err)
	}
}
