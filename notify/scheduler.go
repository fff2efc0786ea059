package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify/cron"
)

// SchedulerOptions configure a Scheduler. Zero means the default.
type SchedulerOptions struct {
	// Location is the time zone of expressions that name none. Default UTC.
	Location *time.Location
}

// Scheduler enqueues jobs at times given by cron expressions. Run one in every
// process if you like: each tick is enqueued once over all of them, by a unique
// key of entry and time. Add entries with Task.Schedule, then call Run.
//
// Ticks that pass while no scheduler runs are not made up for.
type Scheduler struct {
	client  *Client
	options SchedulerOptions

	mu      sync.Mutex
	entries []*entry
	running bool
}

type entry struct {
	name     string
	kind     string
	schedule *cron.Schedule
	enqueue  func(ctx context.Context, tick time.Time) (*Enqueued, error)
}

// ScheduleInfo is what schedulers tell of an entry.
type ScheduleInfo struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	Expression string    `json:"expression"`
	Next       time.Time `json:"next"`
	Last       time.Time `json:"last,omitzero"`      // the tick enqueued last
	LastJob    string    `json:"last_job,omitempty"` // its job
}

// Schedules lists the entries of the schedulers that run, by name. The backend needs StateStore.
func (q *Queue) Schedules(ctx context.Context) ([]ScheduleInfo, error) {
	return listState[ScheduleInfo](ctx, q, "schedules", "schedule/")
}

// tell keeps what Schedules lists. One that cannot be told of is enqueued all the same.
func (s *Scheduler) tell(ctx context.Context, e *entry, next time.Time, last *Enqueued, tick time.Time) {
	state := s.client.queue.State()
	if state == nil || next.IsZero() {
		return
	}
	now := s.now(ctx)
	err := swapJSON(ctx, state, "schedule/"+e.name, func(info *ScheduleInfo, _ bool) time.Duration {
		info.Name, info.Kind, info.Expression, info.Next = e.name, e.kind, e.schedule.String(), next.UTC()
		if last != nil && !tick.Before(info.Last) {
			info.Last, info.LastJob = tick.UTC(), last.ID
		}
		return next.Sub(now) + 10*time.Minute
	})
	if err != nil && ctx.Err() == nil {
		s.client.queue.options.Logger.Warn("notify: cannot tell of a schedule", "schedule", e.name, "error", err)
	}
}

// tickWindow is how long the unique key of a tick is held: longer than clocks differ and restarts take.
const tickWindow = 24 * time.Hour

// NewScheduler makes a scheduler. The client's backend needs UniquePublisher or StateStore.
func NewScheduler(c *Client, o *SchedulerOptions) *Scheduler {
	s := &Scheduler{client: c}
	if o != nil {
		s.options = *o
	}
	return s
}

// Schedule adds an entry: from Run on, args are enqueued whenever the
// expression is due (see notify/cron). The name identifies the entry over
// processes and releases: letters, digits, dots, dashes and underscores. Errors: ErrInvalid, cron.ErrInvalid.
func (t *Task[T]) Schedule(s *Scheduler, name, expression string, args T, options ...Option) error {
	if err := validName("name", name); err != nil {
		return err
	}
	schedule, err := cron.Parse(expression, s.options.Location)
	if err != nil {
		return err
	}
	if _, err := t.envelope(s.client, args, options); err != nil {
		return err // now rather than at the first tick
	}
	return s.add(&entry{name: name, kind: t.kind, schedule: schedule, enqueue: func(ctx context.Context, tick time.Time) (*Enqueued, error) {
		key := name + "@" + strconv.FormatInt(tick.Unix(), 10)
		return t.Enqueue(ctx, s.client, args, append(slices.Clone(options), UniqueKey(key, tickWindow))...)
	}})
}

func (s *Scheduler) add(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return &InvalidError{"schedule", "added after Run"}
	}
	for _, other := range s.entries {
		if other.name == e.name {
			return &InvalidError{"name", fmt.Sprintf("%q is scheduled twice", e.name)}
		}
	}
	s.entries = append(s.entries, e)
	return nil
}

// Run enqueues until ctx ends; then it returns nil. A tick that cannot be
// enqueued because the backend fails is tried again until it succeeds or the
// next one is due. It returns at once with errors.ErrUnsupported when the backend cannot refuse duplicates.
func (s *Scheduler) Run(ctx context.Context) error {
	if _, ok := s.client.queue.driver.(UniquePublisher); !ok && s.client.queue.State() == nil {
		return unsupported("schedule")
	}
	s.mu.Lock()
	if s.running {
		s.mu.Unlock()
		return &InvalidError{"scheduler", "Run was called twice"}
	}
	s.running = true
	s.mu.Unlock()
	var group sync.WaitGroup
	for _, e := range s.entries {
		group.Go(func() { s.follow(ctx, e) })
	}
	<-ctx.Done()
	group.Wait()
	return nil
}

// longestSleep lets a changed system clock be noticed.
const longestSleep = time.Minute

// now is the time by the clock of the queue, so that ticks come when they are due for the
// jobs' backend, also to processes whose own clocks are wrong.
func (s *Scheduler) now(ctx context.Context) time.Time {
	return s.client.queue.now(ctx, s.client.queue.driver)
}

func (s *Scheduler) follow(ctx context.Context, e *entry) {
	tick := e.schedule.Next(s.now(ctx))
	s.tell(ctx, e, tick, nil, time.Time{})
	for !tick.IsZero() {
		if wait := tick.Sub(s.now(ctx)); wait > 0 {
			if pause.For(ctx, min(wait, longestSleep)) != nil {
				return
			}
			continue
		}
		next := e.schedule.Next(tick)
		if !s.fire(ctx, e, tick, next) {
			return
		}
		if !next.IsZero() && s.now(ctx).After(next) { // asleep for longer than a period: those are gone
			next = e.schedule.Next(s.now(ctx))
		}
		tick = next
	}
}

// fire enqueues one tick; false when ctx has ended.
func (s *Scheduler) fire(ctx context.Context, e *entry, tick, next time.Time) bool {
	options := s.client.queue.options
	for failures := 1; ; failures++ {
		job, err := e.enqueue(ctx, tick)
		if err == nil {
			s.tell(ctx, e, next, job, tick)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		options.Logger.Error("notify: cannot enqueue a scheduled job", "schedule", e.name, "tick", tick, "error", err)
		if pause.For(ctx, fullJitter(200*time.Millisecond, 30*time.Second, failures)) != nil {
			return false
		}
		if !next.IsZero() && !s.now(ctx).Before(next) {
			return true
		}
	}
}
