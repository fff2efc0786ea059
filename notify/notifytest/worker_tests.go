package notifytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

var (
	work  = notify.NewTask[int]("test.work", &notify.TaskOptions{MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond, MaxAttempts: 3})
	stray = notify.NewTask[int]("test.stray", nil)
)

// start runs a worker and returns a function that stops it and waits.
func start(t *testing.T, q *notify.Queue, o *notify.WorkerOptions, handler func(context.Context, *notify.Job[int]) error) (stop func()) {
	t.Helper()
	w := notify.NewWorker(q, o)
	work.Handle(w, handler)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(patience):
			t.Fatal("the worker does not stop")
		}
	})
}

func wait(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("waited too long")
	}
}

func testWorkerHandlesAll(t *testing.T, s *store) {
	q, _ := s.open(t)
	client := notify.NewClient(q, nil)
	handleAll(t, client, q)
	fetchNothing(t, q.Driver(), "default")
}

// handleAll enqueues in every way and handles each job once on the queues in turn.
func handleAll(t *testing.T, client *notify.Client, queues ...*notify.Queue) {
	t.Helper()
	const callers, each, bulk = 16, 10, 140
	var seen [callers*each + bulk]atomic.Int32
	var handled atomic.Int32
	done := make(chan struct{})
	var stops []func()
	for _, q := range queues {
		stops = append(stops, start(t, q, &notify.WorkerOptions{Concurrency: 8}, func(_ context.Context, job *notify.Job[int]) error {
			seen[job.Args].Add(1)
			if handled.Add(1) == int32(len(seen)) {
				close(done)
			}
			return nil
		}))
	}
	var group sync.WaitGroup
	for c := range callers {
		group.Go(func() {
			for i := range each {
				if _, err := work.Enqueue(t.Context(), client, c*each+i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	args := make([]int, bulk)
	for i := range args {
		args[i] = callers*each + i
	}
	jobs, err := work.EnqueueMany(t.Context(), client, args)
	require.NoError(t, err)
	require.Len(t, jobs, bulk)
	group.Wait()
	wait(t, done)
	for _, stop := range stops {
		stop()
	}
	for i := range seen {
		require.EqualValues(t, 1, seen[i].Load(), "job %d", i)
	}
}

func testTwoWorkers(t *testing.T, s *store) {
	if !s.Shared {
		return
	}
	a, _ := s.open(t)
	b, _ := s.open(t)
	handleAll(t, notify.NewClient(a, nil), a, b)
	fetchNothing(t, a.Driver(), "default")
}

func testRetry(t *testing.T, s *store) {
	q, _ := s.open(t)
	var attempts []int
	done := make(chan struct{})
	stop := start(t, q, &notify.WorkerOptions{Concurrency: 1}, func(_ context.Context, job *notify.Job[int]) error {
		attempts = append(attempts, job.Attempt)
		if job.Attempt < 3 {
			return errors.New("not yet")
		}
		close(done)
		return nil
	})
	_, err := work.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
	require.NoError(t, err)
	wait(t, done)
	stop()
	require.Equal(t, []int{1, 2, 3}, attempts)
	fetchNothing(t, q.Driver(), "default")
}

func testFailuresAreKept(t *testing.T, s *store) {
	q, _ := s.open(t)
	if _, ok := q.Driver().(notify.Lister); !ok {
		return
	}
	client := notify.NewClient(q, nil)
	for i := range 3 {
		_, err := work.Enqueue(t.Context(), client, i)
		require.NoError(t, err)
	}
	_, err := stray.Enqueue(t.Context(), client, 3)
	require.NoError(t, err)
	stop := start(t, q, nil, func(_ context.Context, job *notify.Job[int]) error {
		switch job.Args {
		case 0:
			return notify.Permanent(errors.New("never"))
		case 1:
			panic("boom")
		}
		return fmt.Errorf("attempt %d", job.Attempt)
	})
	var records []*notify.Record
	eventually(t, func() bool {
		records, err = q.List(t.Context(), notify.Filter{State: notify.Dead})
		return err == nil && len(records) == 4
	})
	stop()
	found := make(map[string]*notify.Record)
	for _, r := range records {
		found[r.Kind+string(r.Payload)] = r
	}
	require.Equal(t, notify.PermanentBy, found["test.work0"].Failure.Reason)
	require.Equal(t, 1, found["test.work0"].Attempt)
	require.Equal(t, notify.Panicked, found["test.work1"].Failure.Reason)
	require.Contains(t, found["test.work1"].Failure.Stack, "testFailuresAreKept")
	require.Equal(t, "attempt 3", found["test.work2"].Failure.Error)
	require.Equal(t, 3, found["test.work2"].Attempt)
	require.Equal(t, notify.UnknownKind, found["test.stray3"].Failure.Reason)
}

func testStopGivesBack(t *testing.T, s *store) {
	q, _ := s.open(t)
	client := notify.NewClient(q, nil)
	args := make([]int, 12)
	_, err := work.EnqueueMany(t.Context(), client, args)
	require.NoError(t, err)
	begun := make(chan struct{}, len(args))
	stop := start(t, q, &notify.WorkerOptions{Concurrency: 2, StopTimeout: -1}, func(ctx context.Context, _ *notify.Job[int]) error {
		begun <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	<-begun
	stop()
	var handled atomic.Int32
	done := make(chan struct{})
	stop = start(t, q, nil, func(_ context.Context, job *notify.Job[int]) error {
		if job.Attempt != 1 {
			t.Errorf("a stop counted as attempt: %d", job.Attempt)
		}
		if handled.Add(1) == int32(len(args)) {
			close(done)
		}
		return nil
	})
	wait(t, done)
	stop()
}

// testCrashingJob takes a job down as a dying worker does, until it is a dead letter.
func testCrashingJob(t *testing.T, s *store) {
	q, d := s.open(t)
	if _, ok := d.(notify.Lister); !ok || s.ConnectionLeases {
		return
	}
	_, err := work.Enqueue(t.Context(), notify.NewClient(q, nil), 1, notify.MaxAttempts(2))
	require.NoError(t, err)
	for crashes := range 2 {
		require.Equal(t, crashes, fetch(t, d, 1, 100*time.Millisecond)[0].Crashes)
	}
	stop := start(t, q, nil, func(context.Context, *notify.Job[int]) error {
		t.Error("handled once more")
		return nil
	})
	defer stop()
	eventually(t, func() bool {
		records, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
		return err == nil && len(records) == 1 && records[0].Failure.Reason == notify.Crashed && records[0].Attempt == 2
	})
}
