package redisqueue_test

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

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/redisqueue"
)

// ledger is what happened to jobs.
type ledger struct {
	mu       sync.Mutex
	enqueued map[string]bool // acknowledged
	handled  map[string]int
	attempts map[string]int // by ID and number
}

func newLedger() *ledger {
	return &ledger{enqueued: map[string]bool{}, handled: map[string]int{}, attempts: map[string]int{}}
}

func (l *ledger) enqueue(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enqueued[id] = true
}

func (l *ledger) handle(id string, attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handled[id]++
	l.attempts[fmt.Sprintf("%s %d", id, attempt)]++
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.enqueued)
}

// check requires that nothing acknowledged was lost, and that nothing was handled
// again but as a further attempt, which only the end of a lease begins.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, again := 0, 0
	for id := range l.enqueued {
		if l.handled[id] == 0 {
			lost++
		}
	}
	for _, n := range l.handled {
		if n > 1 {
			again++
		}
	}
	t.Logf("%d acknowledged, %d lost, %d handled again after a lease had ended", len(l.enqueued), lost, again)
	require.Zero(t, lost)
	for attempt, n := range l.attempts {
		require.Equal(t, 1, n, "attempt %s", attempt)
	}
}

// work runs a worker with short leases until stop is called.
func (l *ledger) work(t *testing.T, q *notify.Queue) (stop func()) {
	t.Helper()
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 8, Lease: time.Second})
	count.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		l.handle(job.ID, job.Attempt)
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

// produce enqueues from many callers until stop is called; every third job is delayed.
func (l *ledger) produce(t *testing.T, q *notify.Queue) (stop func()) {
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
				if job, err := count.Enqueue(context.WithoutCancel(ctx), client, i, options...); err == nil {
					l.enqueue(job.ID)
				}
			}
		})
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// drained waits until the queue holds nothing.
func drained(t *testing.T, q *notify.Queue) {
	t.Helper()
	require.Eventually(t, func() bool {
		stats, err := q.Stats(t.Context())
		if err != nil {
			return false
		}
		for _, s := range stats {
			if len(s.Counts) > 0 {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond)
}

// rounds is how often a chaos test strikes.
func rounds() int {
	if testenvtest.Long() {
		return 25
	}
	return 3
}

// more waits until that many further jobs were acknowledged.
func (l *ledger) more(t *testing.T, n int) {
	t.Helper()
	want := l.size() + n
	require.Eventually(t, func() bool { return l.size() >= want }, time.Minute, time.Millisecond)
}

func TestChaosCutLinesLoseNothing(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	proxy := testenvtest.Proxy(t, server.Addr)
	through := redis.NewClient(&redis.Options{Addr: proxy.Addr(), ReadTimeout: 500 * time.Millisecond})
	t.Cleanup(func() { require.NoError(t, through.Close()) })
	q := open(t, through)
	l := newLedger()
	stopWorker, stopProducers := l.work(t, q), l.produce(t, q)
	for round := range rounds() {
		l.more(t, 300)
		if round%2 == 0 {
			proxy.Cut()
		} else {
			proxy.HalfOpen()
		}
		require.NoError(t, proxy.Heal())
	}
	l.more(t, 300)
	stopProducers()
	drained(t, q)
	stopWorker()
	l.check(t)
}

// The child enqueues and handles until it is killed. It reports each job that
// was acknowledged to its producer, and each that it handled.
const childVariable = "REDISQUEUE_CHILD"

func TestChild(t *testing.T) {
	url := os.Getenv(childVariable)
	if url == "" {
		return // only as a child of TestChaosKilledWorkerLosesNothing
	}
	ctx := context.Background()
	q, err := redisqueue.Open(ctx, connect(t, url), quiet())
	require.NoError(t, err)
	client := notify.NewClient(q, nil)
	var out sync.Mutex
	report := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(words...)
	}
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 8, Lease: 500 * time.Millisecond})
	count.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		report("handled", job.ID, job.Attempt)
		return nil
	})
	for range 8 {
		go func() {
			for i := 0; ; i++ {
				job, err := count.Enqueue(ctx, client, i)
				if err != nil {
					panic(err)
				}
				report("enqueued", job.ID)
			}
		}()
	}
	panic(w.Run(ctx))
}

func TestChaosKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	url := testenvtest.RedisURL(t, testenvtest.Redis(t))
	l := newLedger()
	for range rounds() {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), childVariable+"="+url)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); {
			var id string
			var attempt int
			if _, err := fmt.Sscanf(lines.Text(), "handled %s %d", &id, &attempt); err == nil {
				l.handle(id, attempt)
			} else if after, ok := strings.CutPrefix(lines.Text(), "enqueued "); ok {
				l.enqueue(after)
			}
			if n++; n == 500 {
				require.NoError(t, child.Process.Kill()) // SIGKILL; what it wrote before is read to the end
			}
		}
		require.Error(t, child.Wait())
	}
	q := open(t, connect(t, url))
	stop := l.work(t, q)
	drained(t, q)
	stop()
	l.check(t)
}
