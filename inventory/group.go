package inventory

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// group gathers the callers that are waiting and carries out their requests in one transaction. There is no timer: while one
// batch is under way the next one gathers by itself, so that a lone caller never waits and a crowd shares commits.
type group struct {
	inventory *Inventory
	queue     chan *call // its bound is the back-pressure
	workers   sync.WaitGroup
	calls     sync.Pool    // done with: at a hundred thousand a second they would be most of what there is to collect
	present   atomic.Int64 // callers that wait for an answer

	mu       sync.Mutex // guards what follows
	running  int        // workers there are
	wanted   int        // workers there should be
	measured time.Time  // when that was found out
}

const (
	nearWorkers    = 2
	farWorkers     = 4
	slowTrip       = time.Millisecond // a round trip from which on a database is far
	measureAgain   = 30 * time.Second
	measureTimeout = 5 * time.Second
)

// call is one caller's request on its way through the group.
type call struct {
	ctx     context.Context
	request Request
	taken   atomic.Bool   // by the worker, which sends it, or by its caller, who gave up; whoever is first
	done    chan struct{} // of one element
	result  Result
	err     error
}

func newGroup(i *Inventory) *group {
	g := &group{inventory: i, queue: make(chan *call, i.options.QueueSize)}
	g.calls.New = func() any { return &call{done: make(chan struct{}, 1)} }
	g.adapt()
	return g
}

// close ends the workers. No caller is left in do by then.
func (g *group) close() {
	close(g.queue)
	g.workers.Wait()
}

// adapt measures the round trip, if that is due, and starts workers if there should be more.
func (g *group) adapt() {
	now := time.Now()
	g.mu.Lock()
	wanted := g.wanted
	due := g.measured.IsZero() || now.Sub(g.measured) >= measureAgain
	if due {
		g.measured = now
	}
	g.mu.Unlock()
	if !due {
		return
	}
	wanted = g.workersFor(wanted) // without the lock: nobody is to wait for a database that is slow to answer
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.wanted = wanted; g.running < g.wanted; g.running++ {
		g.workers.Go(g.work)
	}
}

// workersFor: two keep a near database busy, one group writing its rows while the other commits or is answered. Where the
// way is long they would spend their time on it, and more are under way at once. A database with one writer has use for
// one. When it cannot be asked, it stays as it was before.
func (g *group) workersFor(before int) int {
	if n := g.inventory.options.Workers; n > 0 {
		return n
	}
	driver, ok := g.inventory.driver.(RoundTripper)
	if !ok {
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), measureTimeout)
	defer cancel()
	switch trip, err := driver.RoundTrip(ctx); {
	case err != nil:
		return max(1, before)
	case trip == 0:
		return 1
	case trip < slowTrip:
		return nearWorkers
	}
	return farWorkers
}

// surplus reports whether there is a worker too many, which then is the caller's part to end.
func (g *group) surplus() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running <= g.wanted {
		return false
	}
	g.running--
	return true
}

// do queues a request and waits for its answer. The end of ctx counts only until the request is sent; from then on the
// answer, which Options.Timeout bounds, is worth more than an early return that nobody could interpret.
func (g *group) do(ctx context.Context, r Request) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	g.present.Add(1)
	defer g.present.Add(-1)
	c := g.calls.Get().(*call)
	c.ctx, c.request = ctx, r
	select {
	case g.queue <- c:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.taken.CompareAndSwap(false, true) {
			return Result{}, ctx.Err() // c is still in the queue
		}
		<-c.done
	}
	result, err := c.result, c.err
	c.ctx, c.request, c.result, c.err = nil, Request{}, Result{}, nil
	c.taken.Store(false)
	g.calls.Put(c)
	return result, err
}

func (g *group) work() {
	var next *call // did not fit into the batch before
	for {
		first := next
		if first == nil {
			if g.surplus() {
				return
			}
			var open bool
			if first, open = <-g.queue; !open {
				return
			}
		}
		var batch []*call
		batch, next = g.gather(first)
		start := time.Now()
		g.run(batch)
		g.yield(len(batch), time.Since(start))
		g.adapt()
	}
}

// yield lets those who were just answered run. Who asks again at once then comes along with the next batch, and not
// with the one after it. It ends when nobody has come for a small part of the time that a batch takes.
func (g *group) yield(answered int, took time.Duration) {
	const turns = 1000 // of the scheduler, for a clock that stands still
	patience := min(took/20, 100*time.Microsecond)
	queued, since, idle := len(g.queue), time.Now(), 0
	for queued < answered && idle < turns {
		runtime.Gosched()
		now := time.Now()
		if n := len(g.queue); n > queued {
			queued, since, idle = n, now, 0
		} else if idle++; now.Sub(since) >= patience {
			return
		}
	}
}

// share is how many requests a worker takes at once, at most. The callers are spread over the workers, for while one group has
// nearly all of them the others have nothing to do.
func (g *group) share() int {
	g.mu.Lock()
	workers := int64(g.wanted)
	g.mu.Unlock()
	return min(int((g.present.Load()+workers-1)/workers), g.inventory.options.BatchSize)
}

// gather takes what is waiting, within the bounds, and returns also the call that was one too many.
func (g *group) gather(first *call) (batch []*call, next *call) {
	o, most := &g.inventory.options, g.share()
	bytes := 0
	for c := first; c != nil; {
		size := c.request.size()
		if len(batch) > 0 && bytes+size > o.BatchBytes {
			return batch, c
		}
		if c.ctx.Err() == nil && c.taken.CompareAndSwap(false, true) {
			batch = append(batch, c)
			bytes += size
		} else if c.taken.CompareAndSwap(false, true) {
			c.finish(Result{}, c.ctx.Err())
		}
		if len(batch) >= most {
			return batch, nil
		}
		select {
		case c = <-g.queue: // nil once the queue is closed
		default:
			c = nil
		}
	}
	return batch, nil
}

// finish answers the caller.
func (c *call) finish(result Result, err error) {
	c.result, c.err = result, err
	c.done <- struct{}{}
}

// run carries out a batch. If the database refuses it as a whole, each request is tried by itself, so that one that
// it cannot take never fails its neighbours.
func (g *group) run(batch []*call) {
	if len(batch) == 0 {
		return
	}
	requests := make([]Request, len(batch))
	for n, c := range batch {
		requests[n] = c.request
	}
	results, err := g.apply(requests)
	if err == nil || len(batch) == 1 || !isolable(err) {
		for n, c := range batch {
			if err != nil {
				c.finish(Result{}, err)
				continue
			}
			c.finish(results[n], nil)
		}
		return
	}
	g.isolate(batch)
}

// apply is detached from the callers' contexts: a batch belongs to no single one of them.
func (g *group) apply(requests []Request) ([]Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), g.inventory.options.Timeout)
	defer cancel()
	return g.inventory.apply(ctx, requests...)
}

// isolable reports whether the fault may be one request's. Where the database does not answer, asking it again for each
// would only make everybody wait.
func isolable(err error) bool {
	if _, panicked := errors.AsType[*panicError](err); panicked {
		return true
	}
	return !errors.Is(err, ErrOutcomeUnknown) && !errors.Is(err, context.DeadlineExceeded)
}

func (g *group) isolate(batch []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), g.inventory.options.Timeout) // for all of them
	defer cancel()
	for _, c := range batch {
		results, err := g.inventory.apply(ctx, c.request)
		if err != nil {
			c.finish(Result{}, err)
			continue
		}
		c.finish(results[0], nil)
	}
}
