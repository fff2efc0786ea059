package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is where a job is. docs/task-states.md draws the legal moves.
type State string

// The states of a job. A job that was handled is gone.
const (
	Scheduled State = "scheduled" // not due yet, never tried
	Available State = "available" // due, waits for a worker
	Running   State = "running"   // leased by a worker
	Retrying  State = "retrying"  // failed, waits for its next attempt
	Dead      State = "dead"      // a dead letter: will not run unless replayed
)

// States are all states, in the order a job goes through them.
var States = []State{Scheduled, Available, Running, Retrying, Dead}

// Record is a stored job as an operator sees it.
type Record struct {
	*Envelope
	State      State
	LeaseUntil time.Time // of a running job
}

// Filter selects records.
type Filter struct {
	Queue string // empty: all
	State State  // empty: all
	Kind  string // empty: all
	ID    string // empty: all
	// Text is looked for in key, payload, headers and failure, in either case.
	// Drivers need not know it: Queue.List looks through at most 20,000 records for it.
	Text   string
	Limit  int // default 50, at most 500
	Offset int
}

// QueueStats counts one queue.
type QueueStats struct {
	Queue  string
	Paused bool
	Counts map[State]int
	// Oldest is when the oldest available job became due; zero without one.
	Oldest time.Time
	// Minutes are the last up to 60 minutes with activity, oldest first.
	Minutes []MinuteStats
}

// MinuteStats counts what happened in one minute.
type MinuteStats struct {
	Start   time.Time
	Handled int // acknowledged
	Failed  int // attempts that failed, dead letters included
}

// Stats describes the queues, by name.
func (q *Queue) Stats(ctx context.Context) ([]QueueStats, error) {
	d, ok := q.driver.(StatsReader)
	if !ok {
		return nil, unsupported("stats")
	}
	if err := q.open(); err != nil {
		return nil, err
	}
	return d.Stats(ctx)
}

// List returns stored jobs that match filter, newest first.
func (q *Queue) List(ctx context.Context, filter Filter) ([]*Record, error) {
	d, ok := q.driver.(Lister)
	if !ok {
		return nil, unsupported("list")
	}
	if err := q.open(); err != nil {
		return nil, err
	}
	if filter.Limit == 0 {
		filter.Limit = 50
	}
	if filter.Limit < 0 || filter.Limit > 500 {
		return nil, &InvalidError{"limit", "must be between 1 and 500"}
	}
	if filter.State != "" && !slices.Contains(States, filter.State) {
		return nil, &InvalidError{"state", "is none of the states"}
	}
	if filter.Offset < 0 {
		return nil, &InvalidError{"offset", "must not be negative"}
	}
	if len(filter.Text) > maxSearch {
		return nil, &InvalidError{"text", fmt.Sprintf("must be at most %d bytes", maxSearch)}
	}
	if filter.Text == "" {
		records, err := d.List(ctx, filter)
		q.decrypt(records)
		return records, err
	}
	return q.search(ctx, d, filter)
}

// Bounds of a search by text.
const (
	maxSearch   = 200
	maxSearched = 20_000
)

// search goes through what the other conditions select.
func (q *Queue) search(ctx context.Context, d Lister, filter Filter) ([]*Record, error) {
	text, limit, skip := strings.ToLower(filter.Text), filter.Limit, filter.Offset
	var found []*Record
	filter.Text, filter.Limit = "", 500
	for filter.Offset = 0; filter.Offset < maxSearched; filter.Offset += filter.Limit {
		records, err := d.List(ctx, filter)
		if err != nil {
			return nil, err
		}
		q.decrypt(records)
		for _, r := range records {
			if !r.holds(text) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if found = append(found, r); len(found) == limit {
				return found, nil
			}
		}
		if len(records) < filter.Limit {
			break
		}
	}
	return found, nil
}

// holds tells whether a text in lower case occurs in the record.
func (r *Record) holds(text string) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	if has(r.ID) || has(r.Kind) || has(r.Key) || has(r.Group) || has(string(r.Payload)) {
		return true
	}
	for name, value := range r.Headers {
		if has(name) || has(value) {
			return true
		}
	}
	return r.Failure != nil && (has(string(r.Failure.Reason)) || has(r.Failure.Error) || has(r.Failure.Stack))
}

// decrypt shows payloads in clear as far as the keys go; others stay as they are.
func (q *Queue) decrypt(records []*Record) {
	for _, r := range records {
		if payload, err := q.options.Keys.open(r.Envelope); err == nil && r.Secret != "" {
			r.Payload, r.Secret = payload, ""
		}
	}
}

// ReplayAll is Replay for all jobs that match a filter, in any number; Limit and
// Offset do not count. Those that become due or dead meanwhile may be left out.
func (q *Queue) ReplayAll(ctx context.Context, filter Filter) (int, error) {
	return q.changeAll(ctx, filter, q.Replay)
}

// DeleteAll is Delete for all jobs that match a filter; see ReplayAll.
func (q *Queue) DeleteAll(ctx context.Context, filter Filter) (int, error) {
	return q.changeAll(ctx, filter, q.Delete)
}

// changeAll works through the records page by page, each of them once, and goes on to
// the next page when the one it sees holds nothing new.
func (q *Queue) changeAll(ctx context.Context, filter Filter, change func(ctx context.Context, queue string, ids ...string) (int, error)) (int, error) {
	total := 0
	seen := make(map[string]bool)
	filter.Limit, filter.Offset = 500, 0
	for {
		records, err := q.List(ctx, filter)
		if err != nil || len(records) == 0 {
			return total, err
		}
		ids := make(map[string][]string)
		for _, r := range records {
			if !seen[r.ID] {
				seen[r.ID] = true
				ids[r.Queue] = append(ids[r.Queue], r.ID)
			}
		}
		if len(ids) == 0 {
			filter.Offset += len(records)
		}
		for queue, of := range ids {
			n, err := change(ctx, queue, of...)
			if total += n; err != nil {
				return total, err
			}
		}
	}
}

// Replay makes the scheduled, retrying or dead jobs of a queue available at
// once, dead ones with a fresh count of attempts, and returns how many it moved.
func (q *Queue) Replay(ctx context.Context, queue string, ids ...string) (int, error) {
	d, ok := q.driver.(Replayer)
	if !ok {
		return 0, unsupported("replay")
	}
	if err := q.check(queue); err != nil || len(ids) == 0 {
		return 0, err
	}
	return d.Replay(ctx, queue, ids)
}

// Delete removes jobs of a queue that are not running and returns how many.
func (q *Queue) Delete(ctx context.Context, queue string, ids ...string) (int, error) {
	d, ok := q.driver.(Deleter)
	if !ok {
		return 0, unsupported("delete")
	}
	if err := q.check(queue); err != nil || len(ids) == 0 {
		return 0, err
	}
	return d.Delete(ctx, queue, ids)
}

// Pause stops all workers from taking jobs of the queue. Running ones go on,
// and jobs can still be enqueued.
func (q *Queue) Pause(ctx context.Context, queue string) error {
	return q.setPaused(ctx, queue, true)
}

// Resume ends a Pause.
func (q *Queue) Resume(ctx context.Context, queue string) error {
	return q.setPaused(ctx, queue, false)
}

func (q *Queue) setPaused(ctx context.Context, queue string, paused bool) error {
	d, ok := q.driver.(Pauser)
	if !ok {
		return unsupported("pause")
	}
	if err := q.check(queue); err != nil {
		return err
	}
	return d.SetPaused(ctx, queue, paused)
}

// check is the guard of calls that name a queue.
func (q *Queue) check(queue string) error {
	if err := validName("queue", queue); err != nil {
		return err
	}
	return q.open()
}
