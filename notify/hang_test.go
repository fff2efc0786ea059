package notify_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/stretchr/testify/require"
)

// hangHere is found in the stack that is kept of it.
func hangHere(release <-chan struct{}) { <-release }

func TestHungHandlerIsLeftBehindAndReported(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	slow := notify.NewTask[int]("test.slow", &notify.TaskOptions{Timeout: 20 * time.Millisecond, MaxAttempts: 1})
	release, handled := make(chan struct{}), make(chan struct{})
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 1, AbandonAfter: 30 * time.Millisecond})
	slow.Handle(w, func(context.Context, *notify.Job[int]) error {
		hangHere(release)
		return nil
	})
	number.Handle(w, func(context.Context, *notify.Job[int]) error { close(handled); return nil })
	stop := runWorker(t, w)
	_, err := slow.Enqueue(t.Context(), client, 1)
	require.NoError(t, err)
	_, err = number.Enqueue(t.Context(), client, 1)
	require.NoError(t, err)
	<-handled // the only place was taken by another goroutine
	require.Eventually(t, func() bool {
		dead, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
		return err == nil && len(dead) == 1
	}, 20*time.Second, time.Millisecond)
	dead, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Equal(t, notify.TimedOut, dead[0].Failure.Reason)
	require.Contains(t, dead[0].Failure.Stack, "hangHere")
	require.Equal(t, 1, w.Info().Abandoned)
	stop() // does not wait for it
	close(release)
}

func TestWorkersAndSchedulesAreListed(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 3, Queues: map[string]notify.QueueOptions{"default": {Weight: 2}, "bulk": {}}})
	begun, release := make(chan struct{}), make(chan struct{})
	number.Handle(w, func(context.Context, *notify.Job[int]) error {
		close(begun)
		<-release
		return nil
	})
	job, err := number.Enqueue(t.Context(), client, 1)
	require.NoError(t, err)
	stop := runWorker(t, w)
	<-begun
	info := w.Info()
	require.Len(t, info.Running, 1)
	require.Equal(t, job.ID, info.Running[0].ID)
	require.Equal(t, []string{"bulk", "default"}, []string{info.Queues[0].Name, info.Queues[1].Name})
	require.Equal(t, 1, info.Queues[1].Running)
	close(release)
	require.Eventually(t, func() bool {
		all, err := q.Workers(t.Context())
		return err == nil && len(all) == 1 && all[0].ID == info.ID && all[0].Concurrency == 3 && all[0].PID > 0
	}, 20*time.Second, time.Millisecond)
	stop()
	all, err := q.Workers(t.Context())
	require.NoError(t, err)
	require.Empty(t, all, "it has said goodbye")
	kinds := w.Info().Kinds
	require.Equal(t, int64(1), kinds[0].Handled)
	require.Positive(t, kinds[0].Run99)

	s := notify.NewScheduler(client, nil)
	require.NoError(t, number.Schedule(s, "nightly", "0 3 * * *", 1))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	require.Eventually(t, func() bool {
		all, err := q.Schedules(t.Context())
		return err == nil && len(all) == 1 && all[0].Kind == "test.number" && all[0].Expression == "0 3 * * *" && all[0].Next.Hour() == 3
	}, 20*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	_, err = notify.New(bare{q.Driver()}, &notify.Options{Logger: slog.New(slog.DiscardHandler)}).Workers(t.Context())
	require.Error(t, err)
}

func TestGoroutinesOfHandlersThatLeakAreReported(t *testing.T) {
	t.Parallel()
	var log synced
	q := memqueue.Open(&notify.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	defer q.Close()
	leaky := notify.NewTask[int]("test.leaky", nil)
	w := notify.NewWorker(q, nil)
	release, handled := make(chan struct{}), make(chan struct{}, 2)
	var left sync.WaitGroup
	leaky.Handle(w, func(context.Context, *notify.Job[int]) error {
		left.Go(func() { <-release })
		handled <- struct{}{}
		return nil
	})
	stop := runWorker(t, w)
	for i := range 2 {
		_, err := leaky.Enqueue(t.Context(), notify.NewClient(q, nil), i)
		require.NoError(t, err)
		<-handled
	}
	require.Eventually(t, func() bool {
		notify.FindLeaks(w)
		return w.Info().Leaked["test.leaky"] == 2
	}, 20*time.Second, time.Millisecond)
	require.Contains(t, log.String(), "handlers leave goroutines running")
	require.Contains(t, log.String(), "kind=test.leaky")
	close(release)
	left.Wait()
	stop()
}
