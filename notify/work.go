package notify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/pprof"
	"strings"
	"time"
)

// Bounds of what a Failure keeps.
const (
	maxFailureError = 4 << 10
	maxFailureStack = 16 << 10
)

// newerPause is about how long a job of a newer program rests before it is offered again.
const newerPause = 15 * time.Second

// errTimeout is the cause of a handler's context when the task's Timeout has passed.
var errTimeout = errors.New("notify: handler timed out")

// errGoexit stands for a handler that ended its goroutine, as testing's FailNow does.
var errGoexit error = &PanicError{Value: errors.New("notify: handler called runtime.Goexit")}

// startHandler starts one handler goroutine.
func (r *run) startHandler() {
	r.goroutines.Add(1)
	go r.work()
}

// work is one handler goroutine. It is replaced when its handler ends the
// goroutine, or hangs and is left behind.
func (r *run) work() {
	pprof.SetGoroutineLabels(r.labels)
	w := &place{run: r, goroutine: goroutineID()}
	finished := false
	defer func() {
		switch {
		case w.leftBehind: // the watch has started another one
			return
		case !finished:
			r.sources.finished(&w.ended)
			r.startHandler()
		}
		r.goroutines.Done()
	}()
	for !w.leftBehind {
		src, d := r.sources.next(&w.ended)
		if d == nil {
			finished = true
			return
		}
		w.handle(src, d)
	}
}

// place is where handlers run, one after the other.
type place struct {
	*run
	goroutine  int64
	leftBehind bool
	jobs       [1]*Delivery // room for one, which most attempts have
	ended      endedJobs
}

// handle takes a job, for a batch handler with others like it, as far as it goes.
func (p *place) handle(src *source, d *Delivery) {
	reg := p.registration(d)
	switch {
	case reg == nil:
		p.ended = endedJobs{src, 0, append(p.jobs[:0], d)}
	case reg.batch == nil:
		p.attempt(src, reg, append(p.jobs[:0], d))
	default:
		jobs := append(p.jobs[:0], d)
		if d.Attempt+d.Crashes == 0 && reg.batch.Size > 1 {
			for _, other := range p.sources.gather(src, d.Kind, reg.batch.Size-1, time.Now().Add(max(reg.batch.Wait, 0))) {
				switch {
				case p.registration(other) == nil:
					p.sources.pass(other)
				case other.Attempt+other.Crashes > 0:
					p.settler.nack(Nack{Delivery: other, Envelope: other.returned()}) // it comes alone
					p.sources.pass(other)
				default:
					jobs = append(jobs, other)
				}
			}
		}
		p.attempt(src, reg, jobs)
	}
}

// registration returns who handles a job; nil when it was settled without.
func (r *run) registration(d *Delivery) *registration {
	reg := r.Worker.handlers[d.Kind]
	switch {
	case d.Err != nil:
		r.bury(d, Unreadable, d.Err, 0)
	case !d.ExpiresAt.IsZero() && r.queue.options.Now().After(d.ExpiresAt):
		r.expire(d)
	case reg == nil:
		r.bury(d, UnknownKind, errors.New("notify: no handler for this kind"), 0)
	case d.Attempt+d.Crashes+1 > d.MaxAttempts:
		r.bury(d, Crashed, errors.New("notify: workers died or lost the lease while handling it"), reg.options.ResultTTL)
	case d.Version > reg.options.Version:
		r.log.Warn("notify: enqueued by a newer program; given back", "id", d.ID, "kind", d.Kind, "version", d.Version)
		r.settler.nack(Nack{Delivery: d, Envelope: d.returned(), Delay: newerPause/2 + rand.N(newerPause)})
	default:
		return reg
	}
	return nil
}

// expire drops a job that came too late. To a group it has failed.
func (r *run) expire(d *Delivery) {
	r.log.Info("notify: expired unrun", "id", d.ID, "kind", d.Kind, "queue", d.Queue)
	if d.Group == "" || d.Member == notMember {
		r.settler.ack(d)
		return
	}
	r.books.end(endedJob{delivery: d, expired: true})
}

// attempt runs the handler once and settles the jobs by what it answers.
func (p *place) attempt(src *source, reg *registration, jobs []*Delivery) {
	a := &attempt{run: p.run, reg: reg, source: src, begun: time.Now(), goroutine: p.goroutine}
	a.ctx.within(p.base, a.begun, reg.options.Timeout)
	defer a.ctx.end(nil)
	ctx, payloads := p.begin(a, jobs)
	if len(a.jobs) == 0 {
		if a.end != nil {
			a.end(ErrLeaseLost)
		}
		p.ended = endedJobs{src, 0, jobs}
		return
	}
	answer := answer{err: errGoexit}
	defer func() { // also when the handler ends this goroutine
		if took := time.Since(a.begun); a.finish(answer, took) {
			p.ended = endedJobs{src, took, jobs}
		} else {
			p.leftBehind = true
		}
	}()
	answer = a.call(ctx, payloads)
}

// begin opens the payloads and ties the attempt to the leases of its jobs.
func (p *place) begin(a *attempt, jobs []*Delivery) (context.Context, [][]byte) {
	opened, payloads := a.first.opened[:0], a.first.payloads[:0]
	a.jobs, a.typed = a.first.jobs[:0], a.first.typed[:0]
	for _, d := range jobs {
		payload, err := p.queue.options.Keys.open(d.Envelope)
		if err != nil {
			p.bury(d, Unreadable, err, a.reg.options.ResultTTL)
			continue
		}
		opened, payloads = append(opened, d), append(payloads, payload)
	}
	ctx := context.Context(&a.ctx)
	if _, none := p.queue.options.Tracer.(noTracer); !none && len(opened) > 0 {
		d := opened[0]
		ctx, a.end = p.queue.options.Tracer.Start(ctx, "handle", slog.String("kind", d.Kind), slog.String("queue", d.Queue),
			slog.String("id", d.ID), slog.Int("attempt", d.Attempt+d.Crashes+1), slog.Int("jobs", len(opened)))
	}
	payloads = p.leases.start(opened, payloads, a)
	now := p.queue.options.Now()
	for _, d := range a.jobs {
		job := a.reg.job()
		*job.about() = d.info()
		a.typed = append(a.typed, job)
		a.reg.meters.waited(now.Sub(d.RunAt))
	}
	return ctx, payloads
}

// info is a job as its handler sees it.
func (d *Delivery) info() JobInfo {
	return JobInfo{
		ID: d.ID, Kind: d.Kind, Queue: d.Queue, Key: d.Key, Priority: d.Priority, Attempt: d.Attempt + d.Crashes + 1, MaxAttempts: d.MaxAttempts,
		EnqueuedAt: d.EnqueuedAt, RunAt: d.RunAt, Headers: d.Headers, Version: max(d.Version, 1), Group: d.Group,
	}
}

// wrap puts the middleware around a handler.
func (r *run) wrap(info *JobInfo, next func(context.Context) error) func(context.Context) error {
	for i := len(r.options.Middleware) - 1; i >= 0; i-- {
		middleware, inner := r.options.Middleware[i], next
		next = func(ctx context.Context) error { return middleware(ctx, info, inner) }
	}
	return next
}

// settle ends one job of an attempt.
func (r *run) settle(ctx context.Context, reg *registration, d *Delivery, err error, result []byte) {
	if err == nil {
		r.books.end(endedJob{delivery: d, result: result, ttl: reg.options.ResultTTL})
		return
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrStopping) {
		r.release([]*Delivery{d})
		return
	}
	if snoozed, ok := errors.AsType[*snoozeError](err); ok {
		r.settler.nack(Nack{Delivery: d, Envelope: d.returned(), Delay: snoozed.delay})
		return
	}
	attempt := d.Attempt + d.Crashes + 1
	reason := classify(err, cause)
	final := reason == PermanentBy || reason == Unreadable
	if final || attempt >= d.MaxAttempts {
		r.bury(d, reason, err, reg.options.ResultTTL)
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
func (r *run) bury(d *Delivery, reason Reason, err error, resultTTL time.Duration) {
	r.log.Error("notify: dead letter", "id", d.ID, "kind", d.Kind, "queue", d.Queue, "reason", reason, "error", err)
	attempt := d.Attempt + d.Crashes
	if reason != Unreadable && reason != UnknownKind && reason != Crashed {
		attempt++
	}
	r.books.end(endedJob{
		delivery: d, nack: &Nack{Delivery: d, Envelope: r.failed(d, attempt, reason, err), Dead: true, Failed: true}, ttl: resultTTL,
	})
}

// failed is the stored form after a failure.
func (r *run) failed(d *Delivery, attempt int, reason Reason, err error) *Envelope {
	e := *d.Envelope
	e.Attempt = attempt
	e.Failure = &Failure{At: r.queue.options.Now().UTC(), Reason: reason, Error: bounded(err.Error(), maxFailureError)}
	if p, ok := errors.AsType[*PanicError](err); ok {
		e.Failure.Stack = bounded(string(p.Stack), maxFailureStack)
	}
	if h, ok := errors.AsType[*hungError](err); ok {
		e.Failure.Stack = bounded(h.stack, maxFailureStack)
	}
	return &e
}

func bounded(s string, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
