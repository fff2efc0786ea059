package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// How often workers tell of themselves, and how long what they told is kept.
const (
	reportEvery = 5 * time.Second
	reportTTL   = 20 * time.Second
	fadeEvery   = 12 // reports: the latencies of a minute ago weigh half
	// maxReported bounds the running jobs that a worker names.
	maxReported = 50
)

// WorkerInfo is what a worker tells of itself.
type WorkerInfo struct {
	ID          string         `json:"id"`
	Host        string         `json:"host"`
	PID         int            `json:"pid"`
	StartedAt   time.Time      `json:"started_at"`
	SeenAt      time.Time      `json:"seen_at"`
	Concurrency int            `json:"concurrency"`
	Queues      []WorkerQueue  `json:"queues"`
	Kinds       []KindInfo     `json:"kinds"`
	Running     []RunningJob   `json:"running,omitempty"`   // the longest first, at most 50
	Abandoned   int            `json:"abandoned,omitempty"` // handlers left behind that still run
	Leaked      map[string]int `json:"leaked,omitempty"`    // goroutines that handlers left running, by kind
}

// WorkerQueue is one queue of a worker.
type WorkerQueue struct {
	Name        string  `json:"name"`
	Weight      int     `json:"weight"`
	Concurrency int     `json:"concurrency"`
	Rate        float64 `json:"rate,omitempty"`
	Running     int     `json:"running"`
}

// KindInfo is how one kind of job does in a worker. Counts are since its start;
// latencies are of the last minutes, those of a minute ago counting half.
type KindInfo struct {
	Kind    string        `json:"kind"`
	Queue   string        `json:"queue"` // of the task
	Handled int64         `json:"handled"`
	Failed  int64         `json:"failed"` // attempts
	Wait50  time.Duration `json:"wait50"` // from when a job was due until it was started: median
	Wait99  time.Duration `json:"wait99"`
	Run50   time.Duration `json:"run50"` // of the handler
	Run99   time.Duration `json:"run99"`
}

// RunningJob is a job that a handler is at.
type RunningJob struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Queue   string    `json:"queue"`
	Attempt int       `json:"attempt"`
	Since   time.Time `json:"since"`
}

// Workers lists the workers that told of themselves within the last 20 seconds, by start. The backend needs StateStore.
func (q *Queue) Workers(ctx context.Context) ([]WorkerInfo, error) {
	all, err := listState[WorkerInfo](ctx, q, "workers", "worker/")
	slices.SortFunc(all, func(a, b WorkerInfo) int {
		if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all, err
}

func listState[V any](ctx context.Context, q *Queue, what, prefix string) ([]V, error) {
	state := q.State()
	if state == nil {
		return nil, unsupported(what)
	}
	if err := q.open(); err != nil {
		return nil, err
	}
	var all []V
	var broken error
	err := scan(ctx, state, prefix, func(e StateEntry) {
		var v V
		if err := json.Unmarshal(e.Value, &v); err != nil {
			broken = fmt.Errorf("notify: stored value %s: %w", e.Key, err)
			return
		}
		all = append(all, v)
	})
	if err == nil {
		err = broken
	}
	return all, err
}

// Info describes the worker as it is now, for metrics and for deciding how many
// workers there should be. Before Run and after it nothing is running.
func (w *Worker) Info() WorkerInfo {
	w.mu.Lock()
	r := w.current
	w.mu.Unlock()
	if r == nil {
		return WorkerInfo{ID: w.id, Concurrency: w.options.Concurrency, Kinds: w.kinds()}
	}
	return r.info()
}

func (w *Worker) kinds() []KindInfo {
	var all []KindInfo
	for _, kind := range slices.Sorted(maps.Keys(w.handlers)) {
		m := &w.handlers[kind].meters
		all = append(all, KindInfo{
			Kind: kind, Queue: w.handlers[kind].options.Queue, Handled: m.handled.Load(), Failed: m.failedCount.Load(),
			Wait50: m.wait.quantile(0.5), Wait99: m.wait.quantile(0.99), Run50: m.run.quantile(0.5), Run99: m.run.quantile(0.99),
		})
	}
	return all
}

func (r *run) info() WorkerInfo {
	host, _ := os.Hostname()
	info := WorkerInfo{
		ID: r.id, Host: host, PID: os.Getpid(), StartedAt: r.started.UTC(), SeenAt: r.queue.options.Now().UTC(),
		Concurrency: r.options.Concurrency, Kinds: r.kinds(), Abandoned: int(r.abandoned.Load()),
	}
	r.sources.mu.Lock()
	for _, src := range r.sources.all {
		info.Queues = append(info.Queues, WorkerQueue{
			Name: src.name, Weight: src.options.Weight, Concurrency: src.options.Concurrency, Rate: src.options.Rate, Running: src.running,
		})
	}
	info.Leaked = maps.Clone(r.leaks.leaked)
	r.sources.mu.Unlock()
	slices.SortFunc(info.Queues, func(a, b WorkerQueue) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range r.leases.attempts() {
		d := a.jobs[0]
		info.Running = append(info.Running, RunningJob{ID: d.ID, Kind: d.Kind, Queue: d.Queue, Attempt: d.Attempt + d.Crashes + 1, Since: a.begun.UTC()})
	}
	slices.SortFunc(info.Running, func(a, b RunningJob) int { return a.Since.Compare(b.Since) })
	info.Running = info.Running[:min(len(info.Running), maxReported)]
	return info
}

// report tells of the worker until ctx ends, where the backend keeps shared values,
// and looks for goroutines that handlers left running.
func (r *run) report(ctx context.Context) {
	state := r.queue.State()
	for n := 1; ; n++ {
		if state != nil {
			r.tell(ctx, state)
		}
		if pause.For(ctx, reportEvery) != nil {
			break
		}
		r.findLeaks()
		if n%fadeEvery == 0 {
			for _, reg := range r.Worker.handlers {
				reg.meters.wait.fade()
				reg.meters.run.fade()
			}
		}
	}
	if state != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = state.SwapState(ending, []StateChange{{Key: "worker/" + r.id, Version: AnyVersion}}) // else it ends by itself
	}
}

func (r *run) tell(ctx context.Context, state StateStore) {
	value, err := json.Marshal(r.info())
	if err == nil {
		_, err = state.SwapState(ctx, []StateChange{{Key: "worker/" + r.id, Value: value, Version: AnyVersion, TTL: reportTTL}})
	}
	if err != nil && ctx.Err() == nil {
		r.log.Warn("notify: cannot tell of this worker", "error", err)
	}
}

func (r *run) findLeaks() {
	running := make(map[string]int)
	for _, a := range r.leases.attempts() {
		running[a.reg.kind]++
	}
	r.sources.mu.Lock()
	growing := r.leaks.scan(r.id, running)
	leaked := maps.Clone(r.leaks.leaked)
	r.sources.mu.Unlock()
	for _, kind := range growing {
		r.log.Warn("notify: handlers leave goroutines running", "kind", kind, "goroutines", leaked[kind])
	}
}
