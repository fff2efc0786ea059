package redisstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// circuit is a doer that stops asking a server that does not answer: after several
// failures in a row commands fail at once, instead of each waiting for its
// timeouts, but for one every pause that tries. The first answer, whatever it is,
// lets all through again.
type circuit struct {
	next  doer
	pause time.Duration

	mu       sync.Mutex
	failures int // in a row
	tried    time.Time
}

// failuresToOpen is how many commands in a row must get no answer.
const failuresToOpen = 5

var errOpen = errors.New("redisstore: the server has not answered lately, not asked")

func (c *circuit) do(ctx context.Context, cmd redis.Cmder) error {
	if !c.pass() {
		return errOpen
	}
	err := c.next.do(ctx, cmd)
	c.note(ctx, err)
	return err
}

func (c *circuit) pass() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures < failuresToOpen {
		return true
	}
	if now := time.Now(); now.Sub(c.tried) >= c.pause {
		c.tried = now
		return true
	}
	return false
}

func (c *circuit) note(ctx context.Context, err error) {
	_, answered := errors.AsType[redis.Error](err)
	if err != nil && !answered && errors.Is(ctx.Err(), context.Canceled) {
		return // says nothing of the server
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || answered {
		c.failures = 0
		return
	}
	if c.failures++; c.failures == failuresToOpen {
		c.tried = time.Now()
	}
}
