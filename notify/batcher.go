package notify

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxBatch bounds one write, so that a burst does not become one huge transaction.
const maxBatch = 500

// batcher is group commit: the first callers lead and publish what has
// gathered, then hand the lead to one of those who arrived meanwhile.
type batcher struct {
	publish func(ctx context.Context, envelopes []*Envelope) ([]string, error)
	timeout time.Duration

	leaders int // at most, at once

	mu      sync.Mutex
	leading int
	waiting []*waiter
}

type waiter struct {
	envelope *Envelope
	done     chan struct{} // closed when settled, or when chosen to lead
	lead     bool
	id       string
	err      error
}

// do returns the ID that the envelope's place stands for.
func (b *batcher) do(ctx context.Context, e *Envelope) (string, error) {
	b.mu.Lock()
	if b.leading < b.leaders {
		b.leading++
		b.mu.Unlock()
		// Alone: no need to outlive this caller's context.
		defer b.handOver()
		return b.publishOne(ctx, e)
	}
	w := &waiter{envelope: e, done: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		if b.withdraw(w) {
			return "", ctx.Err()
		}
		<-w.done // being published, or chosen to lead: either ends soon
	}
	if w.lead {
		b.flush(ctx, w)
	}
	return w.id, w.err
}

// withdraw takes back a waiter that nobody has picked up.
func (b *batcher) withdraw(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.waiting {
		if other == w {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// flush publishes the leader's envelope and all that wait with it.
func (b *batcher) flush(ctx context.Context, leader *waiter) {
	b.mu.Lock()
	n := min(len(b.waiting), maxBatch-1)
	batch := append([]*waiter{leader}, b.waiting[:n]...)
	b.waiting = append([]*waiter(nil), b.waiting[n:]...)
	b.mu.Unlock()

	if len(batch) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), b.timeout)
		defer cancel()
	}
	envelopes := make([]*Envelope, len(batch))
	for i, w := range batch {
		envelopes[i] = w.envelope
	}
	ids, err := b.publish(ctx, envelopes)
	alone := len(batch) > 1 && errors.Is(err, ErrInvalid) // the fault of one, which the others do not share
	for i, w := range batch {
		switch {
		case alone:
			w.id, w.err = b.publishOne(ctx, w.envelope)
		case err != nil:
			w.err = err
		default:
			w.id = ids[i]
		}
		if w != leader {
			close(w.done)
		}
	}
	b.handOver()
}

func (b *batcher) publishOne(ctx context.Context, e *Envelope) (string, error) {
	ids, err := b.publish(ctx, []*Envelope{e})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// handOver lets the next waiter lead, or nobody.
func (b *batcher) handOver() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.leading--
		return
	}
	next := b.waiting[0]
	b.waiting = b.waiting[1:]
	next.lead = true
	close(next.done)
}
