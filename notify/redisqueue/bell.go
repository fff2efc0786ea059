package redisqueue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A bell wakes those who wait for a queue. In Redis it is a list with at most
// one element: scripts that make work available push it, a listener of some
// process pops it. Waiting on the bell instead of in XREADGROUP means that a Fetch
// that was given up, or whose connection broke, cannot have leased anything, and that
// priorities and a pause are decided by the script that takes the jobs. A ring that is
// lost costs a delay of at most glance.
type bell struct {
	mu        sync.Mutex
	waiting   int
	listening bool
	changed   chan struct{} // closed and replaced when the bell rings
}

// glance is how often a waiting Fetch looks without having been woken;
// listening is how long one BLPOP lasts.
const (
	glance    = time.Second
	listening = 5 * time.Second
)

// next returns the channel of the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// ring wakes all who wait, and tells whether there was anyone.
func (b *bell) ring() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
	return b.waiting > 0
}

// await returns when changed rings, at the latest after patience, or when ctx
// or the driver ends. While anyone waits, a listener runs.
func (d *driver) await(ctx context.Context, q *queue, changed <-chan struct{}, patience time.Duration) {
	b := &q.bell
	b.mu.Lock()
	b.waiting++
	if !b.listening {
		b.listening = d.listen(q)
	}
	b.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-d.done:
	case <-changed:
	case <-timer.C:
	}
	b.mu.Lock()
	b.waiting--
	b.mu.Unlock()
}

// listen starts the listener of a queue unless the driver is closed.
func (d *driver) listen(q *queue) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.ending.Go(func() {
		for q.bell.wanted(d.done) {
			d.hear(q)
		}
	})
	return true
}

// wanted tells the listener whether to go on.
func (b *bell) wanted(done <-chan struct{}) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-done:
		b.listening = false
	default:
		b.listening = b.waiting > 0
	}
	return b.listening
}

// hear waits for one ring and passes it on.
func (d *driver) hear(q *queue) {
	ctx := context.Background()
	popped, err := d.rdb.BLPop(ctx, listening, q.bellKey(), d.dismissal(q)).Result()
	switch {
	case errors.Is(err, redis.Nil):
	case err != nil:
		q.bell.ring() // whoever waits learns of it by looking
		select {
		case <-d.done:
		case <-time.After(glance / 4):
		}
	case popped[0] == q.bellKey() && !q.bell.ring():
		d.rdb.RPush(ctx, q.bellKey(), "") // nobody here any more: somebody else may be waiting
	}
}

// dismissal is the key that ends our own listener.
func (d *driver) dismissal(q *queue) string { return q.tag + "dismiss:" + d.instance }

// dismiss ends the listener at once instead of when its BLPOP does.
func (d *driver) dismiss(q *queue) {
	q.bell.mu.Lock()
	listens := q.bell.listening
	q.bell.mu.Unlock()
	if !listens {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), glance)
	defer cancel()
	_, _ = d.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // on failure Close waits a little longer
		p.RPush(ctx, d.dismissal(q), "")
		p.PExpire(ctx, d.dismissal(q), 2*listening)
		return nil
	})
}
