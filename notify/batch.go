package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// BatchOptions configure HandleBatch. Zero means the default.
type BatchOptions struct {
	// Size is the most jobs in one batch. Default 100; at most 1000.
	Size int
	// Wait is how long a batch waits for more jobs once it has one. Default 50 ms; -1 takes what is there.
	Wait time.Duration
}

func (o *BatchOptions) fill() error {
	setDefault(&o.Size, 100)
	setDefault(&o.Wait, 50*time.Millisecond)
	switch {
	case o.Size < 1 || o.Size > 1000:
		return &InvalidError{"Size", "must be between 1 and 1000"}
	case o.Wait < -1 || o.Wait > time.Minute:
		return &InvalidError{"Wait", "must be at most a minute (-1 means none)"}
	}
	return nil
}

// BatchError fails some jobs of a batch and lets the others succeed: errors by
// index of the batch.
type BatchError map[int]error

func (e BatchError) Error() string {
	for _, err := range e {
		return fmt.Sprintf("notify: %d jobs of a batch failed, for one: %v", len(e), err)
	}
	return "notify: no job of a batch failed"
}

// HandleBatch is Task.Handle for a handler that takes several jobs at once: to write
// them in one statement, or to send them in one request. An error fails all of them, a BatchError
// those it names. Jobs that have failed before come alone, so that a bad one does not
// fail others again and again. Middleware and tracer see the first job of a batch.
func HandleBatch[T any](t *Task[T], w *Worker, o *BatchOptions, handler func(ctx context.Context, jobs []*Job[T]) error) {
	var options BatchOptions
	if o != nil {
		options = *o
	}
	err := options.fill()
	if t.err != nil {
		err = t.err
	}
	w.handle(t.kind, err, &registration{options: t.options, batch: &options, job: newJob[T], runBatch: func(ctx context.Context, typed []typedJob, payloads [][]byte) BatchError {
		failed := make(BatchError)
		var jobs []*Job[T]
		var places []int
		for i, j := range typed {
			job, err := t.decode(j, payloads[i])
			if err != nil {
				failed[i] = err
				continue
			}
			jobs, places = append(jobs, job), append(places, i)
		}
		if len(jobs) == 0 {
			return failed
		}
		err := handler(ctx, jobs)
		some, partial := errors.AsType[BatchError](err)
		for i, place := range places {
			switch {
			case partial:
				if e := some[i]; e != nil {
					failed[place] = e
				}
			case err != nil:
				failed[place] = err
			}
		}
		return failed
	}})
}
