package notify

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// Bounds of what a Failure keeps.
const (
	maxFailureError = 4 << 10
	maxFailureStack = 16 << 10
)

// errTimeout is the cause of a handler's context when the task's Timeout has passed.
var errTimeout = errors.New("notify: handler timed out")

// errGoexit stands for a handler that ended its goroutine, as testing's FailNow does.
var errGoexit = errors.New("notify: handler called runtime.Goexit")

// work is one handler goroutine. A handler that ends the goroutine is replaced.
func (r *run) work(group *sync.WaitGroup) {
	finished := false
	defer func() {
		if !finished {
			group.Go(func() { r.work(group) })
		}
	}()
	for {
		src, d := r.sources.next()
		if d == nil {
			finished = true
			return
		}
		r.occupy(src, d)
	}
}

// occupy frees what the job occupies also when the handler ends this goroutine.
func (r *run) occupy(src *source, d *Delivery) {
	start := time.Now()
	defer func() { r.sources.finished(src, time.Since(start)) }()
	r.process(d)
}

// process settles a delivery, if need be by running its handler.
func (r *run) process(d *Delivery) {
	attempt := d.Attempt + d.Crashes + 1
	reg := r.handlers[d.Kind]
	switch {
	case d.Err != nil:
		r.bury(d, Unreadable, d.Err)
	case !d.ExpiresAt.IsZero() && r.queue.options.Now().After(d.ExpiresAt):
		r.log.Info("notify: expired unrun", "id", d.ID, "kind", d.Kind, "queue", d.Queue)
		r.settler.ack(d)
	case reg == nil:
		r.bury(d, UnknownKind, errors.New("notify: no handler for this kind"))
	case attempt > d.MaxAttempts:
		r.bury(d, Crashed, errors.New("notify: workers died or lost the lease while handling it"))
	default:
		r.attempt(reg, d, attempt)
	}
}

// attempt runs the handler once and settles the job by what it answers.
func (r *run) attempt(reg *registration, d *Delivery, attempt int) {
	ctx, cancel := context.WithCancelCause(r.base)
	defer cancel(nil)
	if !r.leases.start(d, cancel) {
		return
	}
	if reg.options.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, reg.options.Timeout, errTimeout)
		defer stop()
	}
	info := &JobInfo{
		ID: d.ID, Kind: d.Kind, Queue: d.Queue, Key: d.Key, Priority: d.Priority,
		Attempt: attempt, MaxAttempts: d.MaxAttempts, EnqueuedAt: d.EnqueuedAt, RunAt: d.RunAt, Headers: d.Headers,
	}
	ctx, end := r.queue.options.Tracer.Start(ctx, "handle",
		slog.String("kind", d.Kind), slog.String("queue", d.Queue), slog.String("id", d.ID), slog.Int("attempt", attempt))
	err := error(&PanicError{Value: errGoexit})
	defer func() { // also when the handler ends this goroutine
		end(err)
		r.settle(ctx, reg, d, attempt, err)
	}()
	err = r.call(ctx, reg, info, d.Payload)
}

// call runs middleware and handler and turns a panic into an error.
func (r *run) call(ctx context.Context, reg *registration, info *JobInfo, payload []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	next := func(ctx context.Context) error { return reg.run(ctx, info, payload) }
	for i := len(r.options.Middleware) - 1; i >= 0; i-- {
		middleware, inner := r.options.Middleware[i], next
		next = func(ctx context.Context) error { return middleware(ctx, info, inner) }
	}
	return next(ctx)
}

func (r *run) settle(ctx context.Context, reg *registration, d *Delivery, attempt int, err error) {
	cause := context.Cause(ctx)
	if err == nil {
		r.settler.ack(d)
		return
	}
	if errors.Is(cause, ErrStopping) {
		r.release([]*Delivery{d})
		return
	}
	reason := classify(err, cause)
	final := reason == PermanentBy || reason == Unreadable
	if final || attempt >= d.MaxAttempts {
		r.bury(d, reason, err)
		return
	}
	delay, fixed := RetryDelay(err)
	if !fixed {
		delay = fullJitter(reg.options.MinBackoff, reg.options.MaxBackoff, attempt)
	}
	r.log.Warn("notify: attempt failed", "id", d.ID, "kind", d.Kind, "queue", d.Queue,
		"attempt", attempt, "reason", reason, "error", err, "retry_in", delay)
	r.settler.nack(Nack{Delivery: d, Envelope: r.failed(d, attempt, reason, err), Delay: delay, Failed: true})
}

func classify(err, cause error) Reason {
	if _, ok := errors.AsType[*PanicError](err); ok {
		return Panicked
	}
	if _, ok := errors.AsType[*unreadableError](err); ok {
		return Unreadable
	}
	switch {
	case IsPermanent(err):
		return PermanentBy
	case errors.Is(cause, errTimeout):
		return TimedOut
	}
	return Failed
}

// bury makes a dead letter.
func (r *run) bury(d *Delivery, reason Reason, err error) {
	r.log.Error("notify: dead letter", "id", d.ID, "kind", d.Kind, "queue", d.Queue, "reason", reason, "error", err)
	attempt := d.Attempt + d.Crashes
	if reason != Unreadable && reason != UnknownKind && reason != Crashed {
		attempt++
	}
	r.settler.nack(Nack{Delivery: d, Envelope: r.failed(d, attempt, reason, err), Dead: true, Failed: true})
}

// failed is the stored form after a failure.
func (r *run) failed(d *Delivery, attempt int, reason Reason, err error) *Envelope {
	e := *d.Envelope
	e.Attempt = attempt
	e.Failure = &Failure{At: r.queue.options.Now().UTC(), Reason: reason, Error: bounded(err.Error(), maxFailureError)}
	if p, ok := errors.AsType[*PanicError](err); ok {
		e.Failure.Stack = bounded(string(p.Stack), maxFailureStack)
	}
	return &e
}

func bounded(s string, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
