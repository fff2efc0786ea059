package notify

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"time"
)

// WorkerOptions configure a Worker. Zero means the default.
type WorkerOptions struct {
	// Concurrency is how many handlers run at once, over all queues. Default
	// 4 for each processor; at most 10,000.
	Concurrency int
	// Queues are the named queues to work on. Default: "default" alone.
	Queues map[string]QueueOptions
	// Lease is how long a job is ours without renewal; it is renewed every third
	// of it. After a crash a job comes back when it ends. Default 30 seconds; at least 100 ms.
	Lease time.Duration
	// StopTimeout is how long Run waits for handlers once its context has ended,
	// before it cancels theirs. Default 30 seconds; -1 cancels at once.
	StopTimeout time.Duration
	// AbandonAfter is how long a handler may ignore that its context has ended (by
	// Timeout, or because the lease was lost) before it is left behind: its job counts as timed out, its stack is
	// kept with the failure, and another goroutine takes its place. Default 30 seconds; -1 never.
	AbandonAfter time.Duration
	// Middleware wraps every handler, the first outermost.
	Middleware []Middleware
}

// QueueOptions configure how a worker treats one named queue.
type QueueOptions struct {
	// Weight shares the handlers among queues that have work: a queue of weight
	// 3 starts three jobs for each one of a queue of weight 1. Default 1; at most 1000.
	Weight int
	// Concurrency bounds the handlers of this queue. Default: the worker's.
	Concurrency int
	// Rate bounds the starts a second by this worker, evenly spread, with bursts
	// of up to Burst. Default no bound; Burst 1.
	Rate  float64
	Burst int
}

// Middleware runs around every handler: it calls next, or returns an error instead.
type Middleware func(ctx context.Context, job *JobInfo, next func(context.Context) error) error

// JobInfo describes one attempt.
type JobInfo struct {
	ID          string
	Kind        string
	Queue       string
	Key         string
	Priority    int
	Attempt     int // 1 at the first
	MaxAttempts int
	EnqueuedAt  time.Time
	RunAt       time.Time
	Headers     map[string]string // read only
	Version     int               // of the arguments, when they were enqueued
	Group       string            // the group it belongs to, or follows; empty: none
}

// Worker runs handlers. Register them with Task.Handle, then call Run.
type Worker struct {
	queue    *Queue
	options  WorkerOptions
	handlers map[string]*registration
	id       string // names it to others
	err      error

	mu      sync.Mutex
	running bool
	current *run // nil: not running
}

// registration is what Task.Handle leaves behind.
type registration struct {
	kind     string
	options  TaskOptions
	labels   context.Context // of goroutines that its handlers start, so that those left running are found
	meters   meters
	job      func() typedJob // an empty one
	run      func(ctx context.Context, job typedJob, payload []byte) (result []byte, err error)
	batch    *BatchOptions // nil: one job at a time, by run
	runBatch func(ctx context.Context, jobs []typedJob, payloads [][]byte) BatchError
}

// NewWorker makes a worker on a queue. Invalid options are returned by Run.
func NewWorker(q *Queue, o *WorkerOptions) *Worker {
	w := &Worker{queue: q, handlers: make(map[string]*registration), id: newID(time.Now())}
	if o != nil {
		w.options = *o
	}
	w.err = w.options.fill()
	return w
}

func (o *WorkerOptions) fill() error {
	setDefault(&o.Concurrency, 4*runtime.GOMAXPROCS(0))
	setDefault(&o.Lease, 30*time.Second)
	setDefault(&o.StopTimeout, 30*time.Second)
	setDefault(&o.AbandonAfter, 30*time.Second)
	switch {
	case o.Concurrency < 1 || o.Concurrency > 10_000:
		return &InvalidError{"Concurrency", "must be between 1 and 10,000"}
	case o.Lease < 100*time.Millisecond:
		return &InvalidError{"Lease", "must be at least 100 ms"}
	case o.AbandonAfter < -1:
		return &InvalidError{"AbandonAfter", "must not be negative (-1 means never)"}
	case o.StopTimeout < -1:
		return &InvalidError{"StopTimeout", "must not be negative (-1 means at once)"}
	}
	queues := maps.Clone(o.Queues)
	if len(queues) == 0 {
		queues = map[string]QueueOptions{DefaultQueue: {}}
	}
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		q := queues[name]
		setDefault(&q.Weight, 1)
		setDefault(&q.Concurrency, o.Concurrency)
		setDefault(&q.Burst, 1)
		if err := validName("Queues", name); err != nil {
			return err
		}
		switch {
		case q.Weight < 1 || q.Weight > 1000:
			return &InvalidError{"Queues[" + name + "].Weight", "must be between 1 and 1000"}
		case q.Concurrency < 1:
			return &InvalidError{"Queues[" + name + "].Concurrency", "must be positive"}
		case q.Rate < 0 || q.Burst < 1:
			return &InvalidError{"Queues[" + name + "].Rate", "must not be negative, and Burst must be positive"}
		}
		queues[name] = q
	}
	o.Queues = queues
	return nil
}

func (w *Worker) handle(kind string, err error, r *registration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
	case err != nil:
		w.err = err
	case w.running:
		w.err = &InvalidError{"handler", fmt.Sprintf("for %q set after Run", kind)}
	case w.handlers[kind] != nil:
		w.err = &InvalidError{"handler", fmt.Sprintf("for %q set twice", kind)}
	default:
		r.kind = kind
		r.labels = pprof.WithLabels(context.Background(), pprof.Labels(kindLabel, w.id+"/"+kind))
		w.handlers[kind] = r
	}
}

// Run works until ctx ends. Then it takes no more jobs, gives back those not
// started, waits up to StopTimeout for running handlers, cancels the context
// of those still at it with the cause ErrStopping (their jobs go back without
// counting the attempt), and returns nil; ErrStopTimeout when handlers ignored
// even that for five seconds: their jobs come back when the lease ends.
//
// While the backend is down Run keeps trying, with growing pauses, and logs.
// It returns at once with what is wrong with options or handlers, with
// ErrClosed when the queue was closed, and with ErrInvalid when called twice.
func (w *Worker) Run(ctx context.Context) error {
	w.mu.Lock()
	if w.err == nil && w.running {
		w.err = &InvalidError{"worker", "Run was called twice"}
	}
	err := w.err
	w.running = true
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if err := w.queue.open(); err != nil {
		return err
	}
	for _, reg := range w.handlers {
		if reg.options.ResultTTL > 0 && w.queue.State() == nil {
			return unsupported("results")
		}
	}
	r := newRun(w)
	w.setCurrent(r)
	defer w.setCurrent(nil)
	return r.run(ctx)
}

func (w *Worker) setCurrent(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = r
}
