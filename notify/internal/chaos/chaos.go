// Package chaos keeps the books for tests that break what is between producers
// and workers: what was acknowledged must be handled, and what was handled again is counted.
package chaos

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
)

// patience bounds what must happen, and lease is how long jobs are the worker's.
const (
	patience = 2 * time.Minute
	lease    = time.Second
)

// Count is the task of the tests.
var Count = notify.NewTask[int]("test.count", &notify.TaskOptions{MaxAttempts: 100})

// Ledger is what happened to jobs.
type Ledger struct {
	mu       sync.Mutex
	enqueued map[string]bool // acknowledged
	handled  map[string]int
	attempts map[string]int // by ID and number
}

// NewLedger makes an empty one.
func NewLedger() *Ledger {
	return &Ledger{enqueued: map[string]bool{}, handled: map[string]int{}, attempts: map[string]int{}}
}

// Enqueue notes an acknowledged job.
func (l *Ledger) Enqueue(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enqueued[id] = true
}

// Handle notes an attempt.
func (l *Ledger) Handle(id string, attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handled[id]++
	l.attempts[fmt.Sprintf("%s %d", id, attempt)]++
}

func (l *Ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.enqueued)
}

func (l *Ledger) lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := 0
	for id := range l.enqueued {
		if l.handled[id] == 0 {
			lost++
		}
	}
	return lost
}

// Check requires that nothing acknowledged was lost, and reports what was handled
// again. A job with one attempt twice was published twice; of these it returns how many.
func (l *Ledger) Check(t *testing.T) (doubled int) {
	t.Helper()
	lost := l.lost()
	l.mu.Lock()
	defer l.mu.Unlock()
	again := 0
	for _, n := range l.handled {
		if n > 1 {
			again++
		}
	}
	for _, n := range l.attempts {
		if n > 1 {
			doubled++
		}
	}
	t.Logf("%d acknowledged, %d lost, %d handled again after a lease had ended, %d of one attempt", len(l.enqueued), lost, again, doubled)
	require.Zero(t, lost)
	return doubled
}

// Work runs a worker with short leases until stop is called.
func (l *Ledger) Work(t *testing.T, q *notify.Queue) (stop func()) {
	t.Helper()
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 8, Lease: lease})
	Count.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		l.Handle(job.ID, job.Attempt)
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// Produce enqueues from many callers until stop is called; every third job is delayed.
func (l *Ledger) Produce(t *testing.T, q *notify.Queue) (stop func()) {
	t.Helper()
	client := notify.NewClient(q, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				var options []notify.Option
				if i%3 == 0 {
					options = append(options, notify.After(20*time.Millisecond))
				}
				if job, err := Count.Enqueue(context.WithoutCancel(ctx), client, i, options...); err == nil {
					l.Enqueue(job.ID)
				}
			}
		})
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// Drained waits until all that was acknowledged was handled.
func (l *Ledger) Drained(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return l.lost() == 0 }, patience, 20*time.Millisecond)
}

// More waits until that many further jobs were acknowledged.
func (l *Ledger) More(t *testing.T, n int) {
	t.Helper()
	want := l.size() + n
	require.Eventually(t, func() bool { return l.size() >= want }, patience, time.Millisecond)
}

// Survive lets hurt do its worst while producers and a worker are at work on q, and
// requires what [Ledger.Check] does.
func Survive(t *testing.T, q *notify.Queue, hurt func(l *Ledger)) (doubled int) {
	t.Helper()
	l := NewLedger()
	stopWorker, stopProducers := l.Work(t, q), l.Produce(t, q)
	hurt(l)
	stopProducers()
	l.Drained(t)
	stopWorker()
	return l.Check(t)
}

// SurviveKills kills children of the test named name, which calls [Child], at work on the queue
// that is at where; then a worker on the same queue, which open opens, handles what they
// left. It requires what [Ledger.Check] does.
func SurviveKills(t *testing.T, name, where string, open func() *notify.Queue) (doubled int) {
	t.Helper()
	l := NewLedger()
	l.killChildren(t, name, where)
	stop := l.Work(t, open())
	l.Drained(t)
	stop()
	return l.Check(t)
}

// Scale is how often a test strikes, and how many jobs go through between two strikes: 100,000
// in all in a long round.
func Scale() (strikes, between int) {
	if testenvtest.Long() {
		return 25, 4000
	}
	return 3, 300
}

// variable makes a test binary the child of a test: its value is where the queue is.
const variable = "COMMERCE_CHAOS_CHILD"

// Child enqueues and handles until it is killed, and reports each job that was
// acknowledged to its producer and each that it handled. It returns at once in a process that is no child.
func Child(t *testing.T, open func(where string) *notify.Queue) {
	where := os.Getenv(variable)
	if where == "" {
		return
	}
	q := open(where)
	client := notify.NewClient(q, nil)
	var out sync.Mutex
	report := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(words...)
	}
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 8, Lease: 500 * time.Millisecond})
	Count.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		report("handled", job.ID, job.Attempt)
		return nil
	})
	for range 8 {
		go func() {
			for i := 0; ; i++ {
				job, err := Count.Enqueue(context.Background(), client, i)
				if err != nil {
					panic(err)
				}
				report("enqueued", job.ID)
			}
		}()
	}
	panic(w.Run(context.Background()))
}

// killChildren runs children and kills each in the middle of its work.
func (l *Ledger) killChildren(t *testing.T, name, where string) {
	t.Helper()
	strikes, between := Scale()
	for range strikes {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$")
		child.Env = append(os.Environ(), variable+"="+where)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); {
			var id string
			var attempt int
			if _, err := fmt.Sscanf(lines.Text(), "handled %s %d", &id, &attempt); err == nil {
				l.Handle(id, attempt)
			} else if after, ok := strings.CutPrefix(lines.Text(), "enqueued "); ok {
				l.Enqueue(after)
			}
			if n++; n == 2*between {
				require.NoError(t, child.Process.Kill()) // SIGKILL; what it wrote before is read to the end
			}
		}
		require.Error(t, child.Wait())
	}
}

// Restartable is a server that can be hurt.
type Restartable interface {
	Kill() error
	Pause() error
	Resume() error
	Restart(ctx context.Context) error
}

// HurtServer kills and pauses a server again and again while work goes on.
func (l *Ledger) HurtServer(t *testing.T, servers ...Restartable) {
	t.Helper()
	strikes, between := Scale()
	for strike := range strikes {
		l.More(t, between)
		s := servers[strike%len(servers)]
		require.NoError(t, s.Kill())
		require.NoError(t, s.Restart(t.Context()))
	}
	l.More(t, between)
}

// OutlastLeases has a server stand still for longer than the leases of the ledger's worker last.
func (l *Ledger) OutlastLeases(t *testing.T, s Restartable) {
	t.Helper()
	l.More(t, 300)
	require.NoError(t, s.Pause())
	timer := time.NewTimer(5 * lease / 2) // no sign tells that they have ended
	<-timer.C
	require.NoError(t, s.Resume())
	l.More(t, 300)
}

// Line is a way to a server that can be cut.
type Line interface {
	Cut()
	HalfOpen()
	Heal() error
}

// HurtLine cuts a line, and makes it half open, again and again while work goes on.
func (l *Ledger) HurtLine(t *testing.T, line Line) {
	t.Helper()
	strikes, between := Scale()
	for strike := range strikes {
		l.More(t, between)
		if strike%2 == 0 {
			line.Cut()
		} else {
			line.HalfOpen()
		}
		require.NoError(t, line.Heal())
	}
	l.More(t, between)
}
