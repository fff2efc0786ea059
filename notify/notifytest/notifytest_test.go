package notifytest_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var remind = notify.NewTask[string]("cart.remind", nil)

// TestHelpers is how a host tests its own tasks.
func TestHelpers(t *testing.T) {
	t.Parallel()
	clock := notifytest.NewClock(time.Date(2026, time.January, 2, 9, 0, 0, 0, time.UTC))
	queue := memqueue.Open(&notify.Options{Now: clock.Now})
	defer queue.Close()
	client := notify.NewClient(queue, nil)
	var reminded []string
	worker := notify.NewWorker(queue, nil)
	remind.Handle(worker, func(_ context.Context, job *notify.Job[string]) error {
		reminded = append(reminded, job.Args)
		return nil
	})
	for _, cart := range []string{"mei", "ana"} {
		_, err := remind.Enqueue(t.Context(), client, cart, notify.After(24*time.Hour))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"mei", "ana"}, notifytest.Waiting(t, queue, remind))
	require.Zero(t, notifytest.Drain(t, worker), "not due yet")
	clock.Advance(24 * time.Hour)
	require.Equal(t, 2, notifytest.Drain(t, worker))
	require.Equal(t, []string{"mei", "ana"}, reminded)
	require.Empty(t, notifytest.Waiting(t, queue, remind))
}
