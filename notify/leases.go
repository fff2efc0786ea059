package notify

import (
	"context"
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
	held map[*Delivery]*lease
	lost []*attempt // whose lease is gone while the handler still runs
}

type lease struct {
	until   time.Time // by this machine's clock; the backend's may end a little later
	cancel  context.CancelCauseFunc
	attempt *attempt
}

func newLeases(driver Driver, term time.Duration, log *slog.Logger) *leases {
	return &leases{driver: driver, term: term, log: log, done: make(chan struct{}), held: make(map[*Delivery]*lease)}
}

func (l *leases) hold(deliveries []*Delivery) {
	until := time.Now().Add(l.term)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range deliveries {
		l.held[d] = &lease{until: until}
	}
}

// start ties a handler's context to the leases of its jobs. It leaves out those whose
// lease is lost already, and returns the payloads of the others, which a.jobs then holds.
func (l *leases) start(jobs []*Delivery, payloads [][]byte, cancel context.CancelCauseFunc, a *attempt) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := payloads[:0]
	for i, d := range jobs {
		if held := l.held[d]; held != nil {
			held.cancel, held.attempt = cancel, a
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
	for _, held := range l.held {
		if a := held.attempt; a != nil && !a.over.Load() {
			all = append(all, a)
		}
	}
	return all
}

func (l *leases) holds(d *Delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[d] != nil
}

func (l *leases) drop(deliveries ...*Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range deliveries {
		delete(l.held, d)
	}
}

// lose cancels the handlers of deliveries that belong to somebody else now.
func (l *leases) lose(deliveries []*Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range deliveries {
		held := l.held[d]
		if held == nil {
			continue // settled meanwhile
		}
		delete(l.held, d)
		if held.cancel != nil {
			held.cancel(ErrLeaseLost)
			l.lost = append(l.lost, held.attempt)
		}
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
	all := make([]*Delivery, 0, len(l.held))
	for d := range l.held {
		all = append(all, d)
	}
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
	l.lose(lost)
	if err != nil {
		l.log.Warn("notify: cannot renew leases", "jobs", len(batch), "error", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range batch {
		if held := l.held[d]; held != nil {
			held.until = until
		}
	}
}

// expire gives up what could not be renewed in time: by now it may be somebody else's.
func (l *leases) expire() {
	now := time.Now()
	var lost []*Delivery
	l.mu.Lock()
	for d, held := range l.held {
		if !now.Before(held.until) {
			lost = append(lost, d)
		}
	}
	l.mu.Unlock()
	l.lose(lost)
}
