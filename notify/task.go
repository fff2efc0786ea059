package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// TaskOptions configure a Task. Zero means the default.
type TaskOptions struct {
	// Queue is the named queue jobs go to unless InQueue says otherwise. Default "default".
	Queue string
	// MaxAttempts is how often a job is tried before it becomes a dead letter. Default 10; at most 1000.
	MaxAttempts int
	// Timeout bounds one attempt through the handler's context. Default 5 minutes; -1 none.
	Timeout time.Duration
	// MinBackoff and MaxBackoff bound the delay before the next attempt: a
	// random time between 0 and min(MaxBackoff, MinBackoff·2^(attempt-1)), which
	// is "full jitter" (AWS Architecture Blog, "Exponential Backoff And Jitter").
	// Defaults 2 seconds and 1 hour.
	MinBackoff, MaxBackoff time.Duration
	// Version of the arguments' form, written into every job; see Upgrade. Default 1.
	Version int
	// Concurrency bounds the handlers of this task that run at once: over all
	// workers where the backend keeps shared values (StateStore), else in each worker. Default no bound.
	Concurrency int
	// Rate bounds the starts a second in the same way, with bursts of up to Burst. Default no bound; Burst 1.
	Rate  float64
	Burst int
	// ResultTTL is how long the outcome of a job can be asked for with Result. The
	// backend needs StateStore. Default: an hour for HandleResult, else outcomes are not kept; -1 never.
	ResultTTL time.Duration
}

// Task is a kind of job with typed arguments. Make it once, as a package
// variable that producers and workers share. Arguments travel as JSON.
type Task[T any] struct {
	kind     string
	options  TaskOptions
	err      error
	upgrades map[int]upgrade
	plain    plainArgs
}

// NewTask describes a task. The kind is its name in the queue, stable over
// releases: letters, digits, dots, dashes and underscores, 1 to 100 bytes.
// What is wrong with kind or options is returned by Enqueue and by Worker.Run,
// so that a package variable needs no error handling.
func NewTask[T any](kind string, o *TaskOptions) *Task[T] {
	t := &Task[T]{kind: kind, plain: plainArgsOf(reflect.TypeFor[T]())}
	if o != nil {
		t.options = *o
	}
	t.err = t.options.fill(kind)
	return t
}

func (o *TaskOptions) fill(kind string) error {
	if o.Queue == "" {
		o.Queue = DefaultQueue
	}
	setDefault(&o.MaxAttempts, 10)
	setDefault(&o.Timeout, 5*time.Minute)
	setDefault(&o.MinBackoff, 2*time.Second)
	setDefault(&o.MaxBackoff, time.Hour)
	setDefault(&o.Version, 1)
	setDefault(&o.Burst, 1)
	if err := validName("kind", kind); err != nil {
		return err
	}
	if err := validName("queue", o.Queue); err != nil {
		return err
	}
	switch {
	case o.MaxAttempts < 1 || o.MaxAttempts > 1000:
		return &InvalidError{"MaxAttempts", "must be between 1 and 1000"}
	case o.Timeout < -1:
		return &InvalidError{"Timeout", "must not be negative (-1 means none)"}
	case o.MinBackoff < 0 || o.MaxBackoff < o.MinBackoff:
		return &InvalidError{"MinBackoff", "must be between 0 and MaxBackoff"}
	case o.Version < 1:
		return &InvalidError{"Version", "must be positive"}
	case o.Concurrency < 0:
		return &InvalidError{"Concurrency", "must not be negative"}
	case o.Rate < 0 || o.Burst < 1:
		return &InvalidError{"Rate", "must not be negative, and Burst must be positive"}
	case o.ResultTTL < 0 && o.ResultTTL != -1 || o.ResultTTL > 0 && o.ResultTTL < time.Second:
		return &InvalidError{"ResultTTL", "must be at least a second (-1 means never)"}
	}
	return nil
}

func setDefault[V comparable](v *V, def V) {
	var zero V
	if *v == zero {
		*v = def
	}
}

// Kind returns the task's name in the queue.
func (t *Task[T]) Kind() string { return t.kind }

// Enqueue stores one job and returns when it is durable. With Unique, a
// duplicate is not stored: the answer then describes the first and says
// Duplicate. When ctx ends first the job may or may not have been stored.
//
// Errors: ErrInvalid, ErrTooLarge, ErrClosed, errors.ErrUnsupported for an
// option the backend cannot honour, or the backend's error.
func (t *Task[T]) Enqueue(ctx context.Context, c *Client, args T, options ...Option) (*Enqueued, error) {
	e, err := t.envelope(c, args, options)
	if err != nil {
		return nil, err
	}
	return c.enqueue(ctx, e)
}

// EnqueueMany stores one job for each of args, in as few round trips as the
// backend allows, and returns when all are durable. Nothing is stored when
// any of them is invalid. On a backend's error some may have been stored.
func (t *Task[T]) EnqueueMany(ctx context.Context, c *Client, args []T, options ...Option) ([]*Enqueued, error) {
	envelopes := make([]*Envelope, len(args))
	for i, a := range args {
		e, err := t.envelope(c, a, options)
		if err != nil {
			return nil, fmt.Errorf("notify: job %d: %w", i, err)
		}
		envelopes[i] = e
	}
	return c.publish(ctx, envelopes)
}

// EnqueueTx stores one job in the host's own transaction: with the order, or
// not at all. Workers see it once tx commits. The backend must keep its jobs
// in the database tx belongs to; others return errors.ErrUnsupported.
func (t *Task[T]) EnqueueTx(ctx context.Context, c *Client, tx *sql.Tx, args T, options ...Option) (*Enqueued, error) {
	e, err := t.envelope(c, args, options)
	if err != nil {
		return nil, err
	}
	return c.publishTx(ctx, tx, e)
}

func (t *Task[T]) envelope(c *Client, args T, options []Option) (*Envelope, error) {
	if t.err != nil {
		return nil, t.err
	}
	payload, err := json.Marshal(args)
	if err != nil {
		return nil, &InvalidError{"args", "cannot be encoded as JSON: " + err.Error()}
	}
	return c.envelope(t.kind, &t.options, payload, options)
}

// Job is one attempt at a job, as its handler sees it.
type Job[T any] struct {
	JobInfo
	Args T
}

// Handle sets the handler of this task's jobs on a worker. Call it before
// Run; a second handler for one kind, or an invalid task, makes Run return an
// error. The handler's context ends with the task's Timeout, when the lease is
// lost, and when the worker's StopTimeout has passed; context.Cause tells which.
//
// A nil return acknowledges the job. An error (or a panic) leads to another
// attempt after a backoff, or to the dead letters; see Permanent and RetryAfter.
func (t *Task[T]) Handle(w *Worker, handler func(ctx context.Context, job *Job[T]) error) {
	w.handle(t.kind, t.err, &registration{options: t.options, job: newJob[T], run: func(ctx context.Context, j typedJob, payload []byte) ([]byte, error) {
		job, err := t.decode(j, payload)
		if err != nil {
			return nil, err
		}
		return nil, handler(ctx, job)
	}})
}

// typedJob is a *Job[T] to who does not know T.
type typedJob interface{ about() *JobInfo }

func newJob[T any]() typedJob { return new(Job[T]) }

func (j *Job[T]) about() *JobInfo { return &j.JobInfo }

// decode fills in the arguments, whatever version they have.
func (t *Task[T]) decode(j typedJob, payload []byte) (*Job[T], error) {
	job := j.(*Job[T])
	if job.Version != t.options.Version {
		var err error
		if payload, err = t.upgrade(job.Version, payload); err != nil {
			return nil, err
		}
	}
	var none T
	job.Args = none // a middleware may try again
	if t.plain.read(payload, reflect.ValueOf(&job.Args).Elem()) {
		return job, nil
	}
	job.Args = none
	if err := json.Unmarshal(payload, &job.Args); err != nil {
		return nil, &unreadableError{err}
	}
	return job, nil
}

type unreadableError struct{ err error }

func (e *unreadableError) Error() string { return "notify: decode arguments: " + e.err.Error() }
func (e *unreadableError) Unwrap() error { return e.err }
