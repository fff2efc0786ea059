package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"
)

// attempt is one call of a handler, with one job or with a batch.
type attempt struct {
	run    *run
	reg    *registration
	source *source
	jobs   []*Delivery
	typed  []typedJob // the same, as their handler sees them
	ctx    handlerContext
	end    func(err error, attributes ...slog.Attr)
	begun  time.Time

	goroutine int64       // the one that runs the handler
	over      atomic.Bool // was settled: by its own goroutine, or by the watch
	overdue   time.Time   // since when its context has ended, as the watch saw it

	first struct { // room for one job, which most attempts have
		opened, jobs [1]*Delivery
		payloads     [1][]byte
		typed        [1]typedJob
	}
}

// hungError is the error of a handler that ignored the end of its context.
type hungError struct {
	after time.Duration
	stack string
}

func (e *hungError) Error() string {
	return fmt.Sprintf("notify: handler ignored the end of its context for %s and was left behind", e.after)
}

// answer is what a handler returned.
type answer struct {
	err    error      // of all jobs
	errs   BatchError // of some
	result []byte     // of the only one
}

// finish settles the jobs, unless the watch has done so. It reports whether the goroutine may go on.
func (a *attempt) finish(answered answer, took time.Duration) bool {
	if !a.over.CompareAndSwap(false, true) {
		a.run.log.Warn("notify: a handler that was left behind has returned", "kind", a.reg.kind, "after", took)
		a.run.abandoned.Add(-1)
		return false
	}
	a.settle(answered, took)
	return true
}

// settle ends the attempt by what the handler answered, job by job.
func (a *attempt) settle(answered answer, took time.Duration) {
	first := answered.err
	for i, d := range a.jobs {
		err := answered.err
		if err == nil {
			err = answered.errs[i]
		}
		if first == nil {
			first = err
		}
		a.reg.meters.ran(took, err)
		a.run.settle(&a.ctx, a.reg, d, err, answered.result)
	}
	if a.end != nil {
		a.end(first)
	}
}

// call runs middleware and handler and turns a panic into an error.
func (a *attempt) call(ctx context.Context, payloads [][]byte) (answered answer) {
	pprof.SetGoroutineLabels(a.reg.labels)
	defer func() {
		pprof.SetGoroutineLabels(a.run.labels)
		if v := recover(); v != nil {
			answered = answer{err: &PanicError{Value: v, Stack: debug.Stack()}}
		}
	}()
	if len(a.run.options.Middleware) == 0 {
		answered = a.handle(ctx, payloads)
	} else {
		var inner answer
		inner.err = a.run.wrap(a.typed[0].about(), func(ctx context.Context) error {
			inner = a.handle(ctx, payloads)
			return inner.err
		})(ctx)
		answered = inner
	}
	if _, partial := errors.AsType[BatchError](answered.err); partial && a.reg.batch != nil {
		answered.err = nil
	}
	return answered
}

// handle runs the handler.
func (a *attempt) handle(ctx context.Context, payloads [][]byte) (answered answer) {
	if a.reg.batch == nil {
		answered.result, answered.err = a.reg.run(ctx, a.typed[0], payloads[0])
		return answered
	}
	if answered.errs = a.reg.runBatch(ctx, a.typed, payloads); len(answered.errs) > 0 {
		answered.err = answered.errs
	}
	return answered
}

// watch leaves handlers behind that ignore the end of their context, so that
// they hold up neither their job nor a place among the handlers.
func (r *run) watch(ctx context.Context) {
	grace := r.options.AbandonAfter
	if grace < 0 {
		return
	}
	ticker := time.NewTicker(min(time.Second, max(grace/4, 5*time.Millisecond)))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		for _, a := range r.leases.attempts() {
			switch {
			case a.over.Load() || a.ctx.Err() == nil:
			case a.overdue.IsZero():
				a.overdue = now
			case now.Sub(a.overdue) >= grace:
				r.abandon(a, now.Sub(a.overdue))
			}
		}
	}
}

// abandon settles for a handler that does not return, and lets another goroutine take its place.
func (r *run) abandon(a *attempt, after time.Duration) {
	err := &hungError{after: after.Round(time.Millisecond), stack: stackOf(a.goroutine)}
	if !a.over.CompareAndSwap(false, true) {
		return
	}
	r.abandoned.Add(1)
	r.log.Error("notify: a handler is left behind", "kind", a.reg.kind, "id", a.jobs[0].ID, "running", time.Since(a.begun), "stack", err.stack)
	took := time.Since(a.begun)
	a.settle(answer{err: err}, took)
	r.sources.finished(&endedJobs{a.source, took, a.jobs})
	r.startHandler()
	r.goroutines.Done() // for the one that hangs
}

// goroutineID reads the number of this goroutine where a stack trace shows it.
func goroutineID() int64 {
	var buf [40]byte
	text := buf[:runtime.Stack(buf[:], false)]
	text = bytes.TrimPrefix(text, []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	id, _ := strconv.ParseInt(string(number), 10, 64)
	return id
}

// maxDump bounds the dump of all goroutines that the stack of one is cut from.
const maxDump = 8 << 20

// stackOf returns the stack of one goroutine, or "".
func stackOf(id int64) string {
	dump := make([]byte, 64<<10)
	n := runtime.Stack(dump, true)
	for n == len(dump) && n < maxDump {
		dump = make([]byte, 2*len(dump))
		n = runtime.Stack(dump, true)
	}
	_, rest, ok := bytes.Cut(append([]byte("\n\n"), dump[:n]...), fmt.Appendf(nil, "\n\ngoroutine %d [", id))
	if !ok {
		return ""
	}
	stack, _, _ := bytes.Cut(rest, []byte("\n\n"))
	return fmt.Sprintf("goroutine %d [%s", id, stack)
}
