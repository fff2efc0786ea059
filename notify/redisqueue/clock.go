package redisqueue

import (
	"context"
	"sync"
	"time"
)

// clock knows how far the server's time is ahead of this machine's.
type clock struct {
	mu    sync.Mutex
	read  time.Time // when it was last asked for, by this machine's clock
	ahead time.Duration
}

// clockTerm is how long an answer counts; clockPatience bounds the asking.
const (
	clockTerm     = time.Minute
	clockPatience = time.Second
)

// Now is the server's time, by a look that is at most a minute old. On a Cluster it is
// that of any node: theirs have to agree.
func (d *driver) Now(ctx context.Context) time.Time {
	c := &d.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := d.options.Now(); c.read.IsZero() || before.Sub(c.read).Abs() >= clockTerm {
		c.read = before
		ctx, cancel := context.WithTimeout(ctx, clockPatience)
		defer cancel()
		if there, err := d.rdb.Time(ctx).Result(); err == nil { // else what was seen last counts
			after := d.options.Now()
			c.ahead = there.Sub(before.Add(after.Sub(before) / 2))
		}
	}
	return d.options.Now().Add(c.ahead)
}
