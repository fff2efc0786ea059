package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// ErrNoResult is returned for a job that has none: it has not ended yet, its
// results are not kept, or they are gone after ResultTTL.
var ErrNoResult = errors.New("notify: no result")

// FailedError is the result of a job that became a dead letter.
type FailedError struct {
	ID string
	Failure
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("notify: job %s failed (%s): %s", e.ID, e.Reason, e.Failure.Error)
}

// maxResult bounds an encoded result in bytes.
const maxResult = 128 << 10

// outcome is how a job ended, as kept.
type outcome struct {
	Value   []byte   `json:"value,omitempty"` // JSON, or sealed
	Secret  string   `json:"secret,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
}

func resultKey(id string) string { return "result/" + id }

// HandleResult is Task.Handle for a handler that answers with a value, which is
// kept as JSON of at most 128 KiB for TaskOptions.ResultTTL.
func HandleResult[T, R any](t *Task[T], w *Worker, handler func(ctx context.Context, job *Job[T]) (R, error)) {
	options := t.options
	setDefault(&options.ResultTTL, time.Hour)
	w.handle(t.kind, t.err, &registration{options: options, job: newJob[T], run: func(ctx context.Context, j typedJob, payload []byte) ([]byte, error) {
		job, err := t.decode(j, payload)
		if err != nil {
			return nil, err
		}
		result, err := handler(ctx, job)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(result)
		if err != nil {
			return nil, Permanent(fmt.Errorf("notify: encode result: %w", err))
		}
		if len(value) > maxResult {
			return nil, Permanent(fmt.Errorf("notify: result of %d bytes, at most %d are kept", len(value), maxResult))
		}
		return value, nil
	}})
}

// Result returns what the handler of a job answered. Errors: ErrNoResult,
// *FailedError, errors.ErrUnsupported, or the backend's.
func Result[R any](ctx context.Context, q *Queue, id string) (R, error) {
	var result R
	if err := validName("id", id); err != nil {
		return result, err
	}
	state := q.State()
	if state == nil {
		return result, unsupported("results")
	}
	if err := q.open(); err != nil {
		return result, err
	}
	entries, err := state.LoadState(ctx, []string{resultKey(id)})
	if err != nil {
		return result, err
	}
	if len(entries) == 0 {
		return result, ErrNoResult
	}
	var o outcome
	if err := json.Unmarshal(entries[0].Value, &o); err != nil {
		return result, fmt.Errorf("notify: result of %s: %w", id, err)
	}
	if o.Failure != nil {
		return result, &FailedError{id, *o.Failure}
	}
	value := o.Value
	if o.Secret != "" {
		if q.options.Keys == nil {
			return result, fmt.Errorf("%w: no keys were given", ErrKey)
		}
		if value, err = q.options.Keys.clear(o.Secret, value, []byte(resultKey(id))); err != nil {
			return result, err
		}
	}
	if len(value) == 0 {
		return result, nil
	}
	if err := json.Unmarshal(value, &result); err != nil {
		return result, fmt.Errorf("notify: result of %s: %w", id, err)
	}
	return result, nil
}

// AwaitResult is Result that waits until the job has ended or ctx ends. It looks every
// 5 ms at first and every half second in the end.
func AwaitResult[R any](ctx context.Context, q *Queue, id string) (R, error) {
	for rest := 5 * time.Millisecond; ; rest = min(2*rest, 500*time.Millisecond) {
		result, err := Result[R](ctx, q, id)
		if !errors.Is(err, ErrNoResult) {
			return result, err
		}
		if pause.For(ctx, rest) != nil {
			return result, context.Cause(ctx)
		}
	}
}

// encode is the stored form of a successful outcome.
func (q *Queue) encodeOutcome(id string, value []byte, failure *Failure) ([]byte, error) {
	o := outcome{Value: value, Failure: failure}
	if keys := q.options.Keys; keys != nil && len(value) > 0 {
		o.Secret, o.Value = keys.first, keys.ciphertext(keys.first, value, []byte(resultKey(id)))
	}
	return json.Marshal(o)
}
