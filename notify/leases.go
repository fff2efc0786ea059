package notify

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// leases renews what the worker holds, and cancels handlers whose lease is gone.
type leases struct {
	driver Driver
	term   time.Duration
	log    *slog.Logger
	done   chan struct{}

	mu   sync.Mutex
	head *Delivery  // the first of those held, a list through their leases
	lost []*attempt // whose lease is gone while the handler still runs
}

// lease is what a worker knows of a delivery while it holds it, guarded by leases.mu.
type lease struct {
	held          bool
	settling      bool      // a call that ends it is under way
	until         time.Time // by this machine's clock; the backend's may end a little later
	attempt       *attempt  // that was started
	before, after *Delivery
}

func newLeases(driver Driver, term time.Duration, log *slog.Logger) *leases {
	return &leases{driver: driver, term: term, log: log, done: make(chan struct{})}
}

func (l *leases) hold(deliveries []*Delivery) {
	until := time.Now().Add(l.term)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range deliveries {
		d.lease = lease{held: true, until: until, after: l.head}
		if l.head != nil {
			l.head.lease.before = d
		}
		l.head = d
	}
}

// letGo takes a delivery out of the list. The caller holds mu.
func (l *leases) letGo(d *Delivery) {
	if before := d.lease.before; before != nil {
		before.lease.after = d.lease.after
	} else {
		l.head = d.lease.after
	}
	if after := d.lease.after; after != nil {
		after.lease.before = d.lease.before
	}
	d.lease = lease{}
}

// all goes through what is held. The caller holds mu; the loop may let go of the one it is at.
func (l *leases) all() iter.Seq[*Delivery] {
	return func(yield func(*Delivery) bool) {
		for d := l.head; d != nil; {
			next := d.lease.after
			if !yield(d) {
				return
			}
			d = next
		}
	}
}

// start ties an attempt to the leases of its jobs. It leaves out those whose lease is
// lost already, and returns the payloads of the others, which a.jobs then holds.
func (l *leases) start(jobs []*Delivery, payloads [][]byte, a *attempt) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := payloads[:0]
	for i, d := range jobs {
		if d.lease.held {
			d.lease.attempt = a
			a.jobs, kept = append(a.jobs, d), append(kept, payloads[i])
		}
	}
	return kept
}

// attempts returns the handlers that were started and may still run.
func (l *leases) attempts() []*attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = slices.DeleteFunc(l.lost, func(a *attempt) bool { return a.over.Load() })
	all := slices.Clone(l.lost)
	for d := range l.all() {
		if a := d.lease.attempt; a != nil && !a.over.Load() {
			all = append(all, a)
		}
	}
	return all
}

// held leaves those whose lease was lost out of items, in place.
func held[V any](l *leases, items []V, delivery func(V) *Delivery) []V {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(items, func(v V) bool { return !delivery(v).lease.held })
}

// settling is held, for a call that ends the leases: whether one was lost is for that call to
// tell, and not for a renewal that comes after it and finds the job gone.
func settling[V any](l *leases, items []V, delivery func(V) *Delivery) []V {
	items = held(l, items, delivery)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range items {
		delivery(v).lease.settling = true
	}
	return items
}

// settled lets go of deliveries that were acknowledged or given back.
func settled[V any](l *leases, items []V, delivery func(V) *Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range items {
		if d := delivery(v); d.lease.held {
			l.letGo(d)
		}
	}
}

// lose cancels the handlers of deliveries that belong to somebody else now.
func (l *leases) lose(deliveries []*Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range deliveries {
		if !d.lease.held {
			continue // settled meanwhile
		}
		if a := d.lease.attempt; a != nil {
			a.ctx.end(ErrLeaseLost)
			l.lost = append(l.lost, a)
		}
		l.letGo(d)
		l.log.Warn("notify: lease lost", "id", d.ID, "kind", d.Kind, "queue", d.Queue)
	}
}

// run renews every third of the term, so that two renewals may fail.
func (l *leases) run() {
	ticker := time.NewTicker(l.term / 3)
	defer ticker.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-ticker.C:
			l.renew()
		}
	}
}

func (l *leases) stop() { close(l.done) }

func (l *leases) renew() {
	l.mu.Lock()
	all := slices.Collect(l.all())
	l.mu.Unlock()
	for len(all) > 0 {
		n := min(len(all), maxBatch)
		l.extend(all[:n])
		all = all[n:]
	}
	l.expire()
}

func (l *leases) extend(batch []*Delivery) {
	ctx, cancel := context.WithTimeout(context.Background(), l.term/3)
	defer cancel()
	until := time.Now().Add(l.term)
	lost, err := l.driver.Extend(ctx, batch, l.term)
	l.mu.Lock()
	lost = slices.DeleteFunc(lost, func(d *Delivery) bool { return d.lease.settling })
	l.mu.Unlock()
	l.lose(lost)
	if err != nil {
		l.log.Warn("notify: cannot renew leases", "jobs", len(batch), "error", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range batch {
		if d.lease.held {
			d.lease.until = until
		}
	}
}

// expire gives up what could not be renewed in time: by now it may be somebody else's.
func (l *leases) expire() {
	now := time.Now()
	var lost []*Delivery
	l.mu.Lock()
	for d := range l.all() {
		if !now.Before(d.lease.until) {
			lost = append(lost, d)
		}
	}
	l.mu.Unlock()
	l.lose(lost)
}
