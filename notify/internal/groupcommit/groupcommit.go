// Package groupcommit joins what concurrent callers ask of a server, as databases do with
// commits (DeWitt et al., "Implementation Techniques for Main Memory Database Systems",
// 1984): who finds a line free goes at once and alone; who does not waits until one of those under
// way ends, and then all that have gathered go together. Nobody waits for a timer, and
// the busier the callers, the larger the groups.
package groupcommit

import (
	"context"
	"math"
	"sync"
	"time"
)

// Unlimited lines let every caller go at once.
const Unlimited = math.MaxInt

// Options configure a Committer. All are required.
type Options[V, A any] struct {
	Lines   int           // how many calls may be under way at once
	Most    int           // values in one call
	Timeout time.Duration // for a call of several, which cannot follow the context of any one of them

	// Alone answers for one value.
	Alone func(ctx context.Context, v V) (A, error)
	// Together sets Answer or Err of each entry.
	Together func(ctx context.Context, entries []*Entry[V, A])
}

// Entry is one caller's value and what becomes of it.
type Entry[V, A any] struct {
	Value  V
	Answer A
	Err    error

	settled chan struct{} // gets one signal: answered, or chosen to lead
	lead    bool
}

// Committer is safe for concurrent use.
type Committer[V, A any] struct {
	o       Options[V, A]
	entries sync.Pool

	mu      sync.Mutex
	leading int
	waiting []*Entry[V, A]
	spare   []*Entry[V, A] // the memory of a group before, for the next
}

// New makes a Committer.
func New[V, A any](o Options[V, A]) *Committer[V, A] {
	c := &Committer[V, A]{o: o}
	c.entries.New = func() any { return &Entry[V, A]{settled: make(chan struct{}, 1)} }
	return c
}

// Do returns the answer for v. When ctx ends while v still waits it is not asked for at
// all; afterwards it is as with any call that was cut off.
func (c *Committer[V, A]) Do(ctx context.Context, v V) (A, error) {
	if c.o.Lines == Unlimited {
		return c.o.Alone(ctx, v)
	}
	c.mu.Lock()
	if c.leading < c.o.Lines {
		c.leading++
		c.mu.Unlock()
		defer c.handOver(nil)
		return c.o.Alone(ctx, v)
	}
	e := c.entries.Get().(*Entry[V, A])
	e.Value = v
	c.waiting = append(c.waiting, e)
	c.mu.Unlock()
	select {
	case <-e.settled:
	case <-ctx.Done():
		if c.withdraw(e) {
			e.Err = ctx.Err()
		} else {
			<-e.settled // under way, or chosen to lead: either ends soon
		}
	}
	if e.lead {
		c.lead(ctx, e)
	}
	answer, err := e.Answer, e.Err
	*e = Entry[V, A]{settled: e.settled}
	c.entries.Put(e) // nobody else has it
	return answer, err
}

// Gathered is how many values wait for a line at this moment.
func (c *Committer[V, A]) Gathered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}

// withdraw takes back an entry that nobody has picked up.
func (c *Committer[V, A]) withdraw(e *Entry[V, A]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.waiting {
		if other == e {
			c.drop(i, i+1)
			return true
		}
	}
	return false
}

// drop takes some of those who wait out of the line, which keeps its memory.
func (c *Committer[V, A]) drop(from, to int) {
	n := from + copy(c.waiting[from:], c.waiting[to:])
	clear(c.waiting[n:])
	c.waiting = c.waiting[:n]
}

// lead makes one call for the leader and all that wait with it.
func (c *Committer[V, A]) lead(ctx context.Context, leader *Entry[V, A]) {
	c.mu.Lock()
	n := min(len(c.waiting), c.o.Most-1)
	group := append(append(c.spare[:0], leader), c.waiting[:n]...)
	c.spare = nil
	c.drop(0, n)
	c.mu.Unlock()
	defer c.handOver(group)
	if len(group) == 1 {
		leader.Answer, leader.Err = c.o.Alone(ctx, leader.Value)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.o.Timeout)
	defer cancel()
	c.o.Together(ctx, group)
	for _, e := range group[1:] {
		e.settled <- struct{}{}
	}
}

// handOver lets the next who waits lead, or nobody, and keeps the memory of the group.
func (c *Committer[V, A]) handOver(group []*Entry[V, A]) {
	clear(group)
	c.mu.Lock()
	defer c.mu.Unlock()
	if group != nil {
		c.spare = group[:0]
	}
	if len(c.waiting) == 0 {
		c.leading--
		return
	}
	next := c.waiting[0]
	c.drop(0, 1)
	next.lead = true
	next.settled <- struct{}{}
}
