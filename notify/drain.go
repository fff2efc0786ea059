package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// drainPatience is how long Drain waits for a queue that does not say it is empty.
const drainPatience = 50 * time.Millisecond

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
	if empty, err := w.empty(ctx, name); empty || err != nil {
		return 0, err
	}
	fetching, cancel := context.WithTimeout(ctx, drainPatience)
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

// empty asks the backend, if it can tell.
func (w *Worker) empty(ctx context.Context, name string) (bool, error) {
	stats, err := w.queue.Stats(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return false, w.queue.open()
	}
	for _, s := range stats {
		if s.Queue == name {
			return s.Paused || s.Counts[Available] == 0 && s.Counts[Running] == 0, err
		}
	}
	return true, err
}
