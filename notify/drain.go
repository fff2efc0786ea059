package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// How long Drain waits for jobs: where the backend says that there are some, and
// where it cannot tell. (Some may still not come: those behind a delayed one of their Key.)
const (
	drainPatience = 5 * time.Second
	drainGlance   = 50 * time.Millisecond
)

// Drain handles the jobs that are due now, one after the other, those they
// enqueue included, and returns how many attempts it made. It is for tests and for
// batch runs; Run is for servers. It does not wait for jobs of the future.
func (w *Worker) Drain(ctx context.Context) (int, error) {
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	if err != nil {
		return 0, err
	}
	attempts := 0
	for {
		round := 0
		for _, name := range slices.Sorted(maps.Keys(w.options.Queues)) {
			n, err := w.drainQueue(ctx, name)
			if round += n; err != nil {
				return attempts + round, err
			}
		}
		if attempts += round; round == 0 {
			return attempts, nil
		}
	}
}

// drainQueue handles one batch.
func (w *Worker) drainQueue(ctx context.Context, name string) (int, error) {
	patience, err := w.drainable(ctx, name)
	if patience == 0 || err != nil {
		return 0, err
	}
	fetching, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := newRun(w)
	deliveries, err := r.driver.Fetch(fetching, FetchRequest{Queue: name, Max: w.options.Concurrency, Lease: w.options.Lease})
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return 0, nil
		}
		return 0, err
	}
	r.drain(ctx, deliveries)
	return len(deliveries), nil
}

// drainable asks the backend, if it can tell, how long waiting for a job is worth while.
func (w *Worker) drainable(ctx context.Context, name string) (time.Duration, error) {
	stats, err := w.queue.Stats(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return drainGlance, w.queue.open()
	}
	for _, s := range stats {
		if s.Queue == name && !s.Paused && s.Counts[Available] > 0 {
			return drainPatience, err
		}
	}
	return 0, err
}
