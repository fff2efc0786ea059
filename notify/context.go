package notify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// handlerContext is the context of one attempt. Most jobs are done before anybody has
// waited on theirs, so the channel, the timer and the place among the children of the
// worker's context are made when they are first asked for.
type handlerContext struct {
	parent   context.Context // of all handlers of a run
	deadline time.Time       // zero: none

	made atomic.Pointer[fullContext]

	mu    sync.Mutex
	ended bool
	cause error // of the end; nil: the attempt is over
}

type fullContext struct {
	context.Context
	cancel  context.CancelCauseFunc
	release context.CancelFunc // frees the timer
}

// within sets what the attempt runs under. It is called before anything else.
func (c *handlerContext) within(parent context.Context, begun time.Time, timeout time.Duration) {
	c.parent = parent
	if timeout > 0 {
		c.deadline = begun.Add(timeout)
	}
}

// end ends the context, with a cause unless it has ended before. (A deadline that has passed
// counts as such only if somebody has looked at the context.)
func (c *handlerContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.cause = true, cause
	}
	if full := c.made.Load(); full != nil {
		full.cancel(cause)
		full.release()
	}
}

// full makes the context of the standard library that this one stands for.
func (c *handlerContext) full() *fullContext {
	if full := c.made.Load(); full != nil {
		return full
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if full := c.made.Load(); full != nil {
		return full
	}
	full := &fullContext{release: func() {}}
	full.Context, full.cancel = context.WithCancelCause(c.parent)
	if c.ended {
		full.cancel(c.cause)
	}
	if !c.deadline.IsZero() {
		full.Context, full.release = context.WithDeadlineCause(full.Context, c.deadline, errTimeout)
	}
	c.made.Store(full)
	return full
}

func (c *handlerContext) Deadline() (time.Time, bool) {
	if parents, ok := c.parent.Deadline(); ok && (c.deadline.IsZero() || parents.Before(c.deadline)) {
		return parents, true
	}
	return c.deadline, !c.deadline.IsZero()
}

func (c *handlerContext) Done() <-chan struct{} { return c.full().Done() }

func (c *handlerContext) Err() error {
	if full := c.made.Load(); full != nil {
		return full.Err()
	}
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if !ended && c.parent.Err() == nil && (c.deadline.IsZero() || time.Now().Before(c.deadline)) {
		return nil
	}
	return c.full().Err() // made, so that context.Cause finds the cause
}

// Value needs no more than the parent's values. (Of its own the full context has one, by which
// package context knows its kind, and looks for it only after Done or an Err that is not nil.)
func (c *handlerContext) Value(key any) any {
	if full := c.made.Load(); full != nil {
		return full.Value(key)
	}
	return c.parent.Value(key)
}
