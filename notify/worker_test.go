package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

// slowAck answers an Ack long after it was done.
type slowAck struct{ notify.Driver }

func (s slowAck) Ack(ctx context.Context, d []*notify.Delivery) ([]*notify.Delivery, error) {
	lost, err := s.Driver.Ack(ctx, d)
	<-time.After(5 * time.Second)
	return lost, err
}

// TestRenewalDuringAnAckIsNoLostLease has leases renewed while their jobs are gone already and the
// worker does not know yet.
func TestRenewalDuringAnAckIsNoLostLease(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		var log synced
		w := notify.NewWorker(notify.New(slowAck{q.Driver()}, &notify.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}), &notify.WorkerOptions{Lease: 3 * time.Second})
		task := notify.NewTask[int]("test.slowly", nil)
		task.Handle(w, func(context.Context, *notify.Job[int]) error { return nil })
		_, err := task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stop := start(w)
		<-time.After(time.Minute)
		require.NoError(t, stop())
		require.NotContains(t, log.String(), "lease lost")
	})
}

func quiet() *notify.Options { return &notify.Options{Logger: slog.New(slog.DiscardHandler)} }

// bubble runs fn under a fake clock with a queue, and a function that starts a worker.
func bubble(t *testing.T, fn func(t *testing.T, q *notify.Queue, start func(*notify.Worker) (stop func() error))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := memqueue.Open(quiet())
		defer q.Close()
		fn(t, q, func(w *notify.Worker) func() error {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.Run(ctx) }()
			return func() error { cancel(); return <-done }
		})
	})
}

func dead(t *testing.T, q *notify.Queue) []*notify.Record {
	t.Helper()
	records, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	return records
}

func TestBackoffIsFullJitterWithACap(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		task := notify.NewTask[int]("test.retry", &notify.TaskOptions{MinBackoff: time.Second, MaxBackoff: 8 * time.Second, MaxAttempts: 40})
		var at []time.Time
		w := notify.NewWorker(q, nil)
		task.Handle(w, func(context.Context, *notify.Job[int]) error {
			at = append(at, time.Now())
			return errors.New("no")
		})
		_, err := task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stop := start(w)
		<-time.After(10 * time.Minute)
		synctest.Wait()
		require.NoError(t, stop())
		require.Len(t, at, 40)
		longest, short := time.Duration(0), 0
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			bound := min(time.Second<<min(i-1, 10), 8*time.Second)
			require.LessOrEqual(t, pause, bound, "after attempt %d", i)
			longest = max(longest, pause)
			if pause < bound/2 {
				short++
			}
		}
		require.Greater(t, longest, 4*time.Second, "it grows")
		require.Greater(t, short, 5, "it is spread over the whole range")
		require.Len(t, dead(t, q), 1)
	})
}

func TestRetryAfterIsExact(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		var at []time.Time
		w := notify.NewWorker(q, nil)
		number.Handle(w, func(context.Context, *notify.Job[int]) error {
			if at = append(at, time.Now()); len(at) == 1 {
				return notify.RetryAfter(42*time.Minute, errors.New("429"))
			}
			return nil
		})
		_, err := number.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stop := start(w)
		<-time.After(time.Hour)
		synctest.Wait()
		require.NoError(t, stop())
		require.Len(t, at, 2)
		require.Equal(t, 42*time.Minute, at[1].Sub(at[0]))
	})
}

func TestTimeoutCancelsAndCounts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		task := notify.NewTask[int]("test.slow", &notify.TaskOptions{Timeout: 3 * time.Second, MaxAttempts: 1})
		w := notify.NewWorker(q, nil)
		task.Handle(w, func(ctx context.Context, _ *notify.Job[int]) error {
			<-ctx.Done()
			return ctx.Err()
		})
		_, err := task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stop := start(w)
		<-time.After(4 * time.Second)
		synctest.Wait()
		require.NoError(t, stop())
		require.Equal(t, notify.TimedOut, dead(t, q)[0].Failure.Reason)
	})
}

func TestLeaseIsRenewedWhileTheHandlerRuns(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		task := notify.NewTask[int]("test.long", &notify.TaskOptions{Timeout: -1})
		var runs atomic.Int32
		w := notify.NewWorker(q, &notify.WorkerOptions{Lease: 3 * time.Second})
		task.Handle(w, func(context.Context, *notify.Job[int]) error {
			runs.Add(1)
			<-time.After(time.Minute)
			return nil
		})
		_, err := task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stop := start(w)
		<-time.After(2 * time.Minute)
		require.NoError(t, stop())
		require.EqualValues(t, 1, runs.Load())
		records, err := q.List(t.Context(), notify.Filter{})
		require.NoError(t, err)
		require.Empty(t, records)
	})
}

// partitioned is cut off from its backend once it has fetched a job.
type partitioned struct {
	notify.Driver
	cut atomic.Bool
}

func (p *partitioned) Extend(ctx context.Context, d []*notify.Delivery, lease time.Duration) ([]*notify.Delivery, error) {
	if p.cut.Load() {
		return nil, errors.New("no route to host")
	}
	return p.Driver.Extend(ctx, d, lease)
}

func (p *partitioned) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	if p.cut.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	deliveries, err := p.Driver.Fetch(ctx, r)
	p.cut.Store(len(deliveries) > 0)
	return deliveries, err
}

func TestLostLeaseCancelsAndIsDiscarded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		cut := &partitioned{Driver: q.Driver()}
		task := notify.NewTask[int]("test.lost", &notify.TaskOptions{Timeout: -1})
		var cause error
		late := notify.NewWorker(notify.New(cut, quiet()), &notify.WorkerOptions{Lease: 3 * time.Second})
		task.Handle(late, func(ctx context.Context, _ *notify.Job[int]) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil // too late: must not acknowledge what another worker has
		})
		_, err := task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stopLate := start(late)
		<-time.After(2 * time.Second)
		synctest.Wait()
		var attempt int
		other := notify.NewWorker(q, nil)
		task.Handle(other, func(_ context.Context, job *notify.Job[int]) error {
			attempt = job.Attempt
			return nil
		})
		stopOther := start(other)
		<-time.After(time.Minute)
		synctest.Wait()
		require.NoError(t, stopLate())
		require.NoError(t, stopOther())
		require.ErrorIs(t, cause, notify.ErrLeaseLost)
		require.Equal(t, 2, attempt, "the lost lease counts as attempt")
	})
}

func TestStopWaitsThenCancelsThenLeavesBehind(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		client := notify.NewClient(q, nil)
		task := notify.NewTask[string]("test.stop", &notify.TaskOptions{Timeout: -1})
		w := notify.NewWorker(q, &notify.WorkerOptions{StopTimeout: 10 * time.Second, Concurrency: 3})
		var finished, cancelled, stubborn atomic.Bool
		release := make(chan struct{})
		task.Handle(w, func(ctx context.Context, job *notify.Job[string]) error {
			switch job.Args {
			case "quick":
				<-time.After(8 * time.Second)
				finished.Store(ctx.Err() == nil)
			case "polite":
				<-ctx.Done()
				cancelled.Store(errors.Is(context.Cause(ctx), notify.ErrStopping))
				return ctx.Err()
			case "stubborn":
				<-release
				stubborn.Store(true)
			}
			return nil
		})
		_, err := task.EnqueueMany(t.Context(), client, []string{"quick", "polite", "stubborn"})
		require.NoError(t, err)
		stop := start(w)
		synctest.Wait()
		begin := time.Now()
		require.ErrorIs(t, stop(), notify.ErrStopTimeout)
		require.Equal(t, 15*time.Second, time.Since(begin))
		require.True(t, finished.Load())
		require.True(t, cancelled.Load())
		require.False(t, stubborn.Load())
		records, err := q.List(t.Context(), notify.Filter{})
		require.NoError(t, err)
		require.Len(t, records, 2, "the quick one is done, the polite one given back, the stubborn one leased")
		for _, r := range records {
			require.Zero(t, r.Attempt)
		}
		close(release)
		synctest.Wait()
	})
}

func TestExpiredJobsAreDropped(t *testing.T) {
	t.Parallel()
	clock := notifytest.NewClock(time.Now())
	q := memqueue.Open(&notify.Options{Now: clock.Now, Logger: slog.New(slog.DiscardHandler)})
	defer q.Close()
	_, err := number.Enqueue(t.Context(), notify.NewClient(q, nil), 1, notify.ExpireAfter(time.Minute))
	require.NoError(t, err)
	clock.Advance(2 * time.Minute)
	w := notify.NewWorker(q, nil)
	number.Handle(w, func(context.Context, *notify.Job[int]) error { t.Error("handled"); return nil })
	require.Equal(t, 1, notifytest.Drain(t, w))
	records, err := q.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	require.Empty(t, records)
}

func TestMiddlewareWrapsInOrderAndMayRefuse(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	var log []string
	named := func(name string) notify.Middleware {
		return func(ctx context.Context, job *notify.JobInfo, next func(context.Context) error) error {
			log = append(log, name+" in "+job.Headers["trace"])
			defer func() { log = append(log, name+" out") }()
			return next(ctx)
		}
	}
	refuse := func(context.Context, *notify.JobInfo, func(context.Context) error) error {
		return notify.Permanent(errors.New("not today"))
	}
	client := notify.NewClient(q, nil)
	run := func(m ...notify.Middleware) {
		_, err := number.Enqueue(t.Context(), client, 1, notify.Header("trace", "t1"))
		require.NoError(t, err)
		w := notify.NewWorker(q, &notify.WorkerOptions{Middleware: m})
		number.Handle(w, func(context.Context, *notify.Job[int]) error { log = append(log, "handler"); return nil })
		notifytest.Drain(t, w)
	}
	run(named("a"), named("b"))
	require.Equal(t, []string{"a in t1", "b in t1", "handler", "b out", "a out"}, log)
	run(refuse)
	require.Len(t, log, 5)
	require.Len(t, dead(t, q), 1)
}

func TestWeightsShareTheHandlers(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 8} {
		bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
			client := notify.NewClient(q, nil)
			for _, name := range []string{"often", "seldom"} {
				_, err := number.EnqueueMany(t.Context(), client, make([]int, 2000), notify.InQueue(name))
				require.NoError(t, err)
			}
			w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: concurrency, Queues: map[string]notify.QueueOptions{
				"often": {Weight: 3}, "seldom": {Weight: 1},
			}})
			var often, seldom atomic.Int32
			number.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
				<-time.After(25*time.Millisecond + rand.N(50*time.Millisecond))
				if job.Queue == "often" {
					often.Add(1)
				} else {
					seldom.Add(1)
				}
				return nil
			})
			stop := start(w)
			<-time.After(10 * time.Second)
			require.NoError(t, stop())
			require.InDelta(t, 3, float64(often.Load())/float64(seldom.Load()), 0.5)
		})
	}
}

func TestQueueConcurrencyAndRate(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		client := notify.NewClient(q, nil)
		_, err := number.EnqueueMany(t.Context(), client, make([]int, 20), notify.InQueue("narrow"))
		require.NoError(t, err)
		_, err = number.EnqueueMany(t.Context(), client, make([]int, 20), notify.InQueue("slow"))
		require.NoError(t, err)
		w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 16, Queues: map[string]notify.QueueOptions{
			"narrow": {Concurrency: 2}, "slow": {Rate: 2},
		}})
		var mu sync.Mutex
		running, most, slow := 0, 0, 0
		number.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
			mu.Lock()
			if job.Queue == "slow" {
				slow++
				mu.Unlock()
				return nil
			}
			running++
			most = max(most, running)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		})
		stop := start(w)
		<-time.After(5*time.Second + time.Millisecond)
		synctest.Wait()
		mu.Lock()
		require.Equal(t, 2, most)
		require.Equal(t, 11, slow, "one at once and two a second")
		mu.Unlock()
		<-time.After(time.Minute)
		require.NoError(t, stop())
	})
}

// flaky fails the first calls of each kind.
type flaky struct {
	notify.Driver
	fetches, acks atomic.Int32
}

func (f *flaky) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	if f.fetches.Add(1) <= 3 {
		return nil, errors.New("connection reset")
	}
	return f.Driver.Fetch(ctx, r)
}

func (f *flaky) Ack(ctx context.Context, d []*notify.Delivery) ([]*notify.Delivery, error) {
	if f.acks.Add(1) <= 3 {
		return nil, errors.New("connection reset")
	}
	return f.Driver.Ack(ctx, d)
}

func TestWorkerOutlivesABackendThatFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q *notify.Queue, start func(*notify.Worker) func() error) {
		w := notify.NewWorker(notify.New(&flaky{Driver: q.Driver()}, quiet()), nil)
		handled := 0
		number.Handle(w, func(context.Context, *notify.Job[int]) error { handled++; return nil })
		_, err := number.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
		require.NoError(t, err)
		stop := start(w)
		<-time.After(time.Minute)
		require.NoError(t, stop())
		require.Equal(t, 1, handled)
		records, err := q.List(t.Context(), notify.Filter{})
		require.NoError(t, err)
		require.Empty(t, records)
	})
}

func ExampleWorker_middleware() {
	queue := memqueue.Open(nil)
	defer queue.Close()
	client := notify.NewClient(queue, nil)
	timed := func(ctx context.Context, job *notify.JobInfo, next func(context.Context) error) error {
		err := next(ctx)
		fmt.Println(job.Kind, "attempt", job.Attempt, "error", err)
		return err
	}
	worker := notify.NewWorker(queue, &notify.WorkerOptions{Middleware: []notify.Middleware{timed}})
	sendWelcome.Handle(worker, func(context.Context, *notify.Job[welcome]) error { return nil })
	_, _ = sendWelcome.Enqueue(context.Background(), client, welcome{Name: "Mei"})
	n, err := worker.Drain(context.Background())
	fmt.Println(n, err)
	// Output:
	// mail.welcome attempt 1 error <nil>
	// 1 <nil>
}

func TestSnoozeCountsNoAttempt(t *testing.T) {
	t.Parallel()
	clock := notifytest.NewClock(time.Now())
	q := memqueue.Open(&notify.Options{Now: clock.Now, Logger: slog.New(slog.DiscardHandler)})
	defer q.Close()
	_, err := number.Enqueue(t.Context(), notify.NewClient(q, nil), 1, notify.MaxAttempts(1))
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	var attempts []int
	number.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		if attempts = append(attempts, job.Attempt); len(attempts) < 3 {
			return notify.Snooze(time.Hour)
		}
		return nil
	})
	for range 5 {
		notifytest.Drain(t, w)
		clock.Advance(time.Hour)
	}
	require.Equal(t, []int{1, 1, 1}, attempts)
}
