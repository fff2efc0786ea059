package redisqueue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify"
)

// group is the consumer group of every stream.
const group = "workers"

// levels is how many streams a queue has, by priority.
const levels = 4

func level(priority int) int { return (min(max(priority, 0), 9) + 2) / 3 }

// driver keeps no jobs. It remembers the keys of each queue and who waits for it.
type driver struct {
	rdb      redis.UniversalClient
	prefix   string
	options  *notify.Options
	replicas int    // that must have a job before it is answered for
	instance string // names our consumers and slots
	slots    slots
	clock    clock

	mu     sync.Mutex
	queues map[string]*queue
	closed bool
	done   chan struct{}
	ending sync.WaitGroup // the listeners
}

func newDriver(rdb redis.UniversalClient, o *Options) *driver {
	return &driver{
		rdb: rdb, prefix: o.Prefix, replicas: o.Replicas, options: o.WithDefaults(), instance: rand.Text(),
		queues: make(map[string]*queue), done: make(chan struct{}),
	}
}

// queue is what we remember of one named queue.
type queue struct {
	name string
	tag  string   // begins all keys
	keys []string // those every script gets, in the order of common.lua
	bell bell

	mu         sync.Mutex
	registered time.Time
	reclaimed  time.Time
}

// registration is how long a queue's name counts as known, reclaiming how often lost leases are looked for.
const (
	registration = time.Minute
	reclaiming   = 500 * time.Millisecond
)

// queue returns a named queue, whose name is in the list of queues.
func (d *driver) queue(ctx context.Context, name string) (*queue, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, notify.ErrClosed
	}
	q := d.queues[name]
	if q == nil {
		tag := d.prefix + "{" + name + "}:"
		q = &queue{name: name, tag: tag}
		for _, part := range []string{"paused", "scheduled", "retrying", "dead", "bodies", "reclaimed", "minutes", "bell"} {
			q.keys = append(q.keys, tag+part)
		}
		for i := range levels {
			q.keys = append(q.keys, tag+"stream:"+strconv.Itoa(i))
		}
		q.bell.changed = make(chan struct{})
		d.queues[name] = q
	}
	d.mu.Unlock()

	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.registered) > registration {
		if err := d.rdb.SAdd(ctx, d.prefix+"queues", name).Err(); err != nil {
			return nil, fail(ctx, "register queue", err)
		}
		q.registered = time.Now()
	}
	return q, nil
}

func (q *queue) bellKey() string         { return q.keys[7] }
func (q *queue) stream(level int) string { return q.keys[8+level] }

// reclaim tells whether it is time to look for lost leases.
func (q *queue) reclaim() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.reclaimed) < reclaiming {
		return false
	}
	q.reclaimed = time.Now()
	return true
}

func fail(ctx context.Context, operation string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("redisqueue: %s: %w", operation, err)
}

func (d *driver) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	close(d.done)
	queues := d.queues
	d.mu.Unlock()
	for _, q := range queues {
		d.dismiss(q)
	}
	ended := make(chan struct{})
	go func() { d.ending.Wait(); close(ended) }()
	timer := time.NewTimer(listening)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C: // the server does not answer; the calls end by the client's own timeouts
	}
	return nil
}
