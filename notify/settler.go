package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// settleTimeout bounds one call to the backend.
const settleTimeout = 10 * time.Second

// settler acknowledges and gives back. What gathers while one call is under
// way goes with the next, so that batches form without waiting for a timer.
type settler struct {
	driver Driver
	leases *leases
	log    *slog.Logger
	wake   chan struct{}

	mu       sync.Mutex
	acks     []*Delivery
	nacks    []Nack
	stopping bool
}

func newSettler(driver Driver, l *leases, log *slog.Logger) *settler {
	return &settler{driver: driver, leases: l, log: log, wake: make(chan struct{}, 1)}
}

func (s *settler) ack(d *Delivery) {
	s.mu.Lock()
	s.acks = append(s.acks, d)
	first := len(s.acks) == 1 // the others come along
	s.mu.Unlock()
	if first {
		s.signal()
	}
}

func (s *settler) nack(n Nack) {
	s.mu.Lock()
	s.nacks = append(s.nacks, n)
	s.mu.Unlock()
	s.signal()
}

func (s *settler) stop() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.signal()
}

func (s *settler) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run settles until stop was called and nothing is left.
func (s *settler) run() {
	for {
		s.mu.Lock()
		acks, nacks, stopping := s.acks, s.nacks, s.stopping
		s.acks, s.nacks = nil, nil
		s.mu.Unlock()
		if len(acks) == 0 && len(nacks) == 0 {
			if stopping {
				return
			}
			<-s.wake
			continue
		}
		settle(s, acks, func(d *Delivery) *Delivery { return d }, s.driver.Ack)
		settle(s, nacks, func(n Nack) *Delivery { return n.Delivery }, s.driver.Nack)
	}
}

// settle calls the backend until it answers, or until the leases have ended
// and there is nothing left to settle.
func settle[V any](s *settler, items []V, delivery func(V) *Delivery, call func(context.Context, []V) ([]*Delivery, error)) {
	for len(items) > 0 {
		n := min(len(items), maxBatch)
		settleBatch(s, items[:n], delivery, call)
		items = items[n:]
	}
}

func settleBatch[V any](s *settler, batch []V, delivery func(V) *Delivery, call func(context.Context, []V) ([]*Delivery, error)) {
	for failures := 0; ; {
		if batch = settling(s.leases, batch, delivery); len(batch) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
		lost, err := call(ctx, batch)
		cancel()
		s.leases.lose(lost)
		if err == nil {
			settled(s.leases, batch, delivery)
			return
		}
		if errors.Is(err, ErrClosed) {
			return
		}
		failures++
		pause := fullJitter(50*time.Millisecond, 5*time.Second, failures)
		s.log.Warn("notify: cannot settle jobs", "jobs", len(batch), "error", err, "retry_in", pause)
		time.Sleep(pause)
	}
}
