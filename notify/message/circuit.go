package message

import (
	"sync"
	"time"
)

// circuit keeps a provider that fails from being tried for each message. It is per
// process: each finds out by itself, after a few failures.
type circuit struct {
	failures int
	rest     time.Duration

	mu    sync.Mutex
	row   int       // failures in a row
	until time.Time // not tried before this
}

// closed reports whether the provider may be tried. After a rest one caller tries, and the
// others wait for what it finds.
func (c *circuit) closed(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.row < c.failures {
		return true
	}
	if now.Before(c.until) {
		return false
	}
	c.until = now.Add(c.rest)
	return true
}

func (c *circuit) succeeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row = 0
}

func (c *circuit) failed(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.row++; c.row >= c.failures {
		c.until = now.Add(c.rest)
	}
}
