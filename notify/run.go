package notify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// abandonAfter is how long handlers get to return once their context was
// cancelled by the stop timeout.
const abandonAfter = 5 * time.Second

// run is one Worker.Run: fetchers fill the sources, handlers take from them,
// the settler acknowledges in batches, the leases are renewed.
type run struct {
	*Worker
	driver  Driver
	log     *slog.Logger
	sources *sources
	leases  *leases
	settler *settler

	// base is the parent of all handlers' contexts.
	base   context.Context
	cancel context.CancelCauseFunc
}

func newRun(w *Worker) *run {
	r := &run{Worker: w, driver: w.queue.driver, log: w.queue.options.Logger}
	r.sources = newSources(&w.options)
	r.leases = newLeases(r.driver, w.options.Lease, r.log)
	r.settler = newSettler(r.driver, r.leases, r.log)
	return r
}

func (r *run) run(ctx context.Context) error {
	r.base, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer r.cancel(nil)
	fetching, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	var fetchers, handlers, services sync.WaitGroup
	services.Go(r.settler.run)
	services.Go(r.leases.run)
	for _, s := range r.sources.all {
		fetchers.Go(func() {
			if err := r.fetch(fetching, s); err != nil {
				stop(err)
			}
		})
	}
	for range r.options.Concurrency {
		handlers.Go(func() { r.work(&handlers) })
	}

	<-fetching.Done()
	r.sources.stop()
	fetchers.Wait()
	r.release(r.sources.drain())
	err := r.await(&handlers)
	r.settler.stop()
	r.leases.stop()
	services.Wait()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(fetching)
}

// drain handles deliveries in order and returns when all are settled.
func (r *run) drain(ctx context.Context, deliveries []*Delivery) {
	r.base, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	var services sync.WaitGroup
	services.Go(r.settler.run)
	services.Go(r.leases.run)
	r.leases.hold(deliveries)
	for i, d := range deliveries {
		if ctx.Err() != nil {
			r.release(deliveries[i:])
			break
		}
		r.process(d)
	}
	r.settler.stop()
	r.leases.stop()
	services.Wait()
}

// await waits for the handlers as StopTimeout says.
func (r *run) await(handlers *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { handlers.Wait(); close(done) }()
	if within(done, max(r.options.StopTimeout, 0)) {
		return nil
	}
	r.cancel(ErrStopping)
	if within(done, abandonAfter) {
		return nil
	}
	r.log.Error("notify: handlers ignore their cancelled context and are left behind")
	return ErrStopTimeout
}

func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// fetch fills one source until ctx ends, and returns an error only when going on is useless.
func (r *run) fetch(ctx context.Context, s *source) error {
	for failures := 0; ; {
		room := r.sources.room(s)
		if room == 0 {
			return nil
		}
		deliveries, err := r.driver.Fetch(ctx, FetchRequest{Queue: s.name, Max: room, Lease: r.options.Lease})
		if len(deliveries) > 0 {
			r.leases.hold(deliveries)
			if !r.sources.add(s, deliveries) {
				r.release(deliveries)
			}
		}
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrClosed):
			return ErrClosed
		default:
			failures++
			pause := fullJitter(100*time.Millisecond, 10*time.Second, failures)
			r.log.Warn("notify: fetch failed", "queue", s.name, "error", err, "retry_in", pause)
			if !sleep(ctx, pause) {
				return nil
			}
		}
	}
}

// release gives jobs back that were never started.
func (r *run) release(deliveries []*Delivery) {
	for _, d := range deliveries {
		r.settler.nack(Nack{Delivery: d, Envelope: d.returned()})
	}
}

// returned is the envelope with the crashes written down, since a Nack resets their count.
func (d *Delivery) returned() *Envelope {
	e := *d.Envelope
	e.Attempt += d.Crashes
	return &e
}

// fullJitter is a random time up to an exponentially growing bound.
func fullJitter(base, limit time.Duration, attempt int) time.Duration {
	bound := base
	for range attempt - 1 {
		if bound >= limit/2 {
			bound = limit
			break
		}
		bound *= 2
	}
	bound = min(bound, limit)
	if bound <= 0 {
		return 0
	}
	return rand.N(bound + 1)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
