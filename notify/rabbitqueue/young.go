package rabbitqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// keptAfter is how long after it was made a broker that is killed may forget a quorum queue. RabbitMQ keeps
// their names in a dets table, which holds what is new in memory for up to three seconds, and
// usually for one; nothing that a client can ask tells whether it was written.
//
// Source: ra_directory.erl of rabbitmq/ra, and "Data is not allowed to linger" in dets.erl of erlang/otp.
const keptAfter = 4 * time.Second

// young are the quorum queues that this process has made just now.
type young struct {
	mu     sync.Mutex
	keptAt map[string]time.Time
}

func newYoung() *young { return &young{keptAt: make(map[string]time.Time)} }

func (y *young) born(queue string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.keptAt[queue] = time.Now().Add(keptAfter)
}

// youngError tells that posts must wait until the broker keeps their queues.
type youngError struct {
	until time.Time
}

func (e *youngError) Error() string {
	return fmt.Sprintf("rabbitqueue: publish: the queue was made less than %v ago", keptAfter)
}

// check returns a *youngError while the broker may forget a queue that one of the posts comes to.
func (y *young) check(t *topology, posts []*post) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.keptAt) == 0 {
		return nil
	}
	now, until := time.Now(), time.Time{}
	look := func(queue string) {
		switch at, ok := y.keptAt[queue]; {
		case !ok:
		case !at.After(now):
			delete(y.keptAt, queue)
		case at.After(until):
			until = at
		}
	}
	for _, p := range posts {
		look(p.target)
		for bit := firstBit; bit <= p.bit; bit++ {
			look(t.delay(bit))
		}
	}
	if until.IsZero() {
		return nil
	}
	return &youngError{until}
}

// wait waits until the queues are kept, ctx ends or the driver is closed.
func (e *youngError) wait(ctx, life context.Context) error {
	err := wait(ctx, life, time.Until(e.until))
	if err == nil || errors.Is(err, notify.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", e, err)
}
