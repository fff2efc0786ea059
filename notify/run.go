package notify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
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
	books   *books

	goroutines sync.WaitGroup // of handlers, those left behind excepted
	abandoned  atomic.Int64   // handlers left behind that still run
	labels     context.Context
	started    time.Time
	leaks      leakScan

	// base is the parent of all handlers' contexts.
	base   context.Context
	cancel context.CancelCauseFunc
}

func newRun(w *Worker) *run {
	r := &run{Worker: w, driver: w.queue.driver, log: w.queue.options.Logger}
	r.sources = newSources(&w.options)
	r.leases = newLeases(r.driver, w.options.Lease, r.log)
	r.settler = newSettler(r.driver, r.leases, r.log)
	r.books = newBooks(w.queue, r.leases, r.settler, r.log)
	r.labels, r.started = context.Background(), time.Now()
	return r
}

func (r *run) run(ctx context.Context) error {
	r.base, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer r.cancel(nil)
	fetching, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	var fetchers, helpers, settling, noting, renewing sync.WaitGroup
	settling.Go(r.settler.run)
	noting.Go(r.books.run)
	renewing.Go(r.leases.run)
	helping, endHelpers := context.WithCancel(r.base)
	for _, l := range r.limiters() {
		helpers.Go(func() { l.run(helping) })
	}
	helpers.Go(func() { r.watch(helping) })
	helpers.Go(func() { r.report(helping) })
	for _, s := range r.sources.all {
		fetchers.Go(func() {
			if err := r.fetch(fetching, s); err != nil {
				stop(err)
			}
		})
	}
	for range r.options.Concurrency {
		r.startHandler()
	}

	<-fetching.Done()
	r.sources.stop()
	fetchers.Wait()
	r.release(r.sources.drain())
	err := r.await()
	endHelpers()
	helpers.Wait()
	r.books.stop()
	noting.Wait()
	r.settler.stop()
	settling.Wait()
	r.leases.stop()
	renewing.Wait()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(fetching)
}

// limiters makes a gate for each limited task, and who serves it.
func (r *run) limiters() []*limiter {
	var all []*limiter
	for kind, reg := range r.Worker.handlers {
		if reg.options.Concurrency == 0 && reg.options.Rate == 0 {
			continue
		}
		g := &gate{kind: kind, options: &reg.options, wake: make(chan struct{}, 1)}
		r.sources.gates[kind] = g
		all = append(all, &limiter{
			gate: g, sources: r.sources, state: r.queue.State(), holder: r.id, queue: r.queue, log: r.log,
		})
	}
	return all
}

// drain handles deliveries in order and returns when all are settled.
func (r *run) drain(ctx context.Context, deliveries []*Delivery) {
	r.base, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	var settling, noting, renewing sync.WaitGroup
	settling.Go(r.settler.run)
	noting.Go(r.books.run)
	renewing.Go(r.leases.run)
	r.leases.hold(deliveries)
	for rest := deliveries; len(rest) > 0; {
		if ctx.Err() != nil {
			r.release(rest)
			break
		}
		rest = r.handleFirst(rest)
	}
	r.books.stop()
	noting.Wait()
	r.settler.stop()
	settling.Wait()
	r.leases.stop()
	renewing.Wait()
}

// handleFirst handles the first job, for a batch handler with those of its kind that follow, and returns the rest.
func (r *run) handleFirst(jobs []*Delivery) []*Delivery {
	reg := r.registration(jobs[0])
	if reg == nil {
		return jobs[1:]
	}
	n := 1
	if reg.batch != nil && jobs[0].Attempt == 0 {
		for n < min(len(jobs), reg.batch.Size) && jobs[n].Kind == jobs[0].Kind && jobs[n].Attempt == 0 && r.registration(jobs[n]) == reg {
			n++
		}
	}
	(&place{run: r}).attempt(nil, reg, jobs[:n])
	return jobs[n:]
}

// await waits for the handlers as StopTimeout says.
func (r *run) await() error {
	done := make(chan struct{})
	go func() { r.goroutines.Wait(); close(done) }()
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
	for failures := 0; ctx.Err() == nil; {
		room := r.sources.room(s)
		if room == 0 {
			return nil
		}
		deliveries, err := r.driver.Fetch(ctx, FetchRequest{Queue: s.name, Max: room, Lease: r.options.Lease})
		if len(deliveries) > 0 {
			r.leases.hold(deliveries)
			r.giveBack(r.sources.add(s, deliveries))
		}
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop: what the fetch was cut off with is no failure
		case errors.Is(err, ErrClosed):
			return ErrClosed
		default:
			failures++
			rest := fullJitter(100*time.Millisecond, 10*time.Second, failures)
			r.log.Warn("notify: fetch failed", "queue", s.name, "error", err, "retry_in", rest)
			_ = pause.For(ctx, rest) // the loop sees that ctx has ended
		}
	}
	return nil
}

// release gives jobs back that were never started.
func (r *run) release(deliveries []*Delivery) {
	for _, d := range deliveries {
		r.settler.nack(Nack{Delivery: d, Envelope: d.returned()})
	}
}

// giveBack returns jobs that found no place. Those of limited tasks rest for a while, so
// that others come to the fore.
func (r *run) giveBack(deliveries []*Delivery) {
	for _, d := range deliveries {
		n := Nack{Delivery: d, Envelope: d.returned()}
		if r.sources.gates[d.Kind] != nil {
			n.Delay = time.Second + rand.N(2*time.Second)
		}
		r.settler.nack(n)
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
