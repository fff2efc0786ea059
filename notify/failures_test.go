package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

func TestUnknownKindAndBadArgumentsBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	stray := notify.NewTask[int]("test.stray", nil)
	words := notify.NewTask[string]("test.number", nil) // another release's idea of the same kind
	_, err := stray.Enqueue(t.Context(), client, 1)
	require.NoError(t, err)
	_, err = words.Enqueue(t.Context(), client, "not a number")
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	number.Handle(w, func(context.Context, *notify.Job[int]) error { return nil })
	notifytest.Drain(t, w)
	reasons := map[string]notify.Reason{}
	for _, r := range dead(t, q) {
		reasons[r.Kind] = r.Failure.Reason
	}
	require.Equal(t, map[string]notify.Reason{"test.stray": notify.UnknownKind, "test.number": notify.Unreadable}, reasons)

	// A release that knows the kind replays it.
	n, err := q.Replay(t.Context(), "default", dead(t, q)[0].ID, dead(t, q)[1].ID)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	w = notify.NewWorker(q, nil)
	handled := 0
	stray.Handle(w, func(context.Context, *notify.Job[int]) error { handled++; return nil })
	words.Handle(w, func(context.Context, *notify.Job[string]) error { handled++; return nil })
	notifytest.Drain(t, w)
	require.Equal(t, 2, handled)
	require.Empty(t, dead(t, q))
}

func TestPanicsAndGoexitAreContained(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	cause := errors.New("wrapped")
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 1})
	ctx, stop := context.WithCancel(t.Context())
	number.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		switch job.Args {
		case 0:
			panic(cause)
		case 1:
			runtime.Goexit()
		case 2:
			var m map[string]int
			m["x"] = 1
		case 3:
			stop()
		}
		return nil
	})
	for i := range 4 {
		_, err := number.Enqueue(t.Context(), client, i, notify.MaxAttempts(1))
		require.NoError(t, err)
	}
	require.NoError(t, w.Run(ctx), "the only handler goroutine survives all of it")
	letters := dead(t, q)
	require.Len(t, letters, 3)
	for _, r := range letters {
		require.Equal(t, notify.Panicked, r.Failure.Reason)
		require.Equal(t, 1, r.Attempt)
	}
}

func TestCorruptStoredPayloadIsBuried(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	now := time.Now()
	require.NoError(t, q.Driver().Publish(t.Context(), []*notify.Envelope{{
		ID: "x", Kind: "test.number", Queue: "default", Payload: []byte(`{"broken`), RunAt: now, MaxAttempts: 3,
	}}))
	w := notify.NewWorker(q, nil)
	number.Handle(w, func(context.Context, *notify.Job[int]) error { return nil })
	notifytest.Drain(t, w)
	letter := dead(t, q)[0]
	require.Equal(t, notify.Unreadable, letter.Failure.Reason)
	require.Equal(t, `{"broken`, string(letter.Payload), "kept as it is")
}

func TestSecretsDoNotReachTheLog(t *testing.T) {
	t.Parallel()
	var log synced
	q := memqueue.Open(&notify.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	defer q.Close()
	text := notify.NewTask[string]("test.text", nil)
	_, err := text.Enqueue(t.Context(), notify.NewClient(q, nil), "hunter2", notify.MaxAttempts(1))
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	text.Handle(w, func(context.Context, *notify.Job[string]) error { return errors.New("failed") })
	notifytest.Drain(t, w)
	require.Contains(t, log.String(), "dead letter")
	require.NotContains(t, log.String(), "hunter2")
}
