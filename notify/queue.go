package notify

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a Queue. They are the same for every backend.
type Options struct {
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Logger gets failures, dead letters and lost leases. Never payloads. Default slog.Default().
	Logger *slog.Logger
	// Tracer observes "enqueue" and "handle". Default none.
	Tracer Tracer
	// State keeps shared values for a backend that cannot keep them itself
	// (see StateStore): the Driver of another Queue. Default: the backend's own, if it has one.
	State StateStore
	// Keys encrypt payloads at rest. Default: in clear.
	Keys *Keyring
}

// WithDefaults returns a copy with every unset field filled in; nil is allowed.
func (o *Options) WithDefaults() *Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Tracer == nil {
		d.Tracer = noTracer{}
	}
	return &d
}

// Tracer observes operations. Start is called before one; the function it
// returns is called exactly once when it ends.
type Tracer interface {
	Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(err error, attributes ...slog.Attr))
}

type noTracer struct{}

func (noTracer) Start(ctx context.Context, _ string, _ ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return ctx, func(error, ...slog.Attr) {}
}

// Queue is a backend, opened: a set of named queues. Make a Client to
// enqueue, a Worker to handle, and use its own methods to look in and operate.
// It is returned by a backend's Open.
type Queue struct {
	driver  Driver
	options *Options
	closed  atomic.Bool
	close   func() error
}

// New makes a Queue from a driver. Backends call it; users call a backend's Open.
func New(driver Driver, o *Options) *Queue {
	return &Queue{driver: driver, options: o.WithDefaults(), close: sync.OnceValue(driver.Close)}
}

// Driver returns the backend's driver, for kits and for abilities of one backend only.
func (q *Queue) Driver() Driver { return q.driver }

// Close ends the backend's own goroutines and makes every later call return
// ErrClosed. It is idempotent. Stop workers first: what they hold unfinished
// is given to others when its lease ends.
func (q *Queue) Close() error {
	q.closed.Store(true)
	return q.close()
}

// now is the time by the clock that all processes share: of backend if it has one, a
// driver or a StateStore, else of this process.
func (q *Queue) now(ctx context.Context, backend any) time.Time {
	if c, ok := backend.(Clock); ok {
		return c.Now(ctx)
	}
	return q.options.Now()
}

func (q *Queue) open() error {
	if q.closed.Load() {
		return ErrClosed
	}
	return nil
}

// Forward stores jobs that another queue has held, such as an outbox, in their order,
// and returns when all are durable. Those with a unique key that is held are left out. For
// hosts Client is the way to enqueue.
func (q *Queue) Forward(ctx context.Context, envelopes []*Envelope) error {
	if err := q.open(); err != nil {
		return err
	}
	c := NewClient(q, nil)
	for len(envelopes) > 0 {
		n := min(len(envelopes), maxBatch)
		if _, err := c.store(ctx, envelopes[:n:n]); err != nil {
			return err
		}
		envelopes = envelopes[n:]
	}
	return nil
}
