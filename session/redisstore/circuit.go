package redisstore

import (
	"context"
	"errors"
	"sync/atomic"
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

	failures atomic.Int64 // in a row
	tried    atomic.Int64 // when one was last let through, in nanoseconds since 1970
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

func (c *circuit) get(ctx context.Context, key string) (answer, error) {
	if !c.pass() {
		return answer{}, errOpen
	}
	answer, err := c.next.get(ctx, key)
	c.note(ctx, err)
	return answer, err
}

func (c *circuit) pass() bool {
	if c.failures.Load() < failuresToOpen {
		return true
	}
	now, tried := time.Now().UnixNano(), c.tried.Load()
	return now-tried >= int64(c.pause) && c.tried.CompareAndSwap(tried, now)
}

func (c *circuit) note(ctx context.Context, err error) {
	if err == nil {
		if c.failures.Load() != 0 {
			c.failures.Store(0)
		}
		return
	}
	_, answered := errors.AsType[redis.Error](err)
	switch {
	case answered:
		c.failures.Store(0)
	case errors.Is(ctx.Err(), context.Canceled): // says nothing of the server
	case c.failures.Add(1) == failuresToOpen:
		c.tried.Store(time.Now().UnixNano())
	}
}
