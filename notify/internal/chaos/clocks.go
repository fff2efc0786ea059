package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/notify"
)

// WrongClock has two processes, whose clocks are an hour apart, agree on when a job and its retry are due. open opens
// the same queue by another clock each time.
func WrongClock(t *testing.T, open func(now func() time.Time) *notify.Queue) {
	t.Helper()
	const delay = 300 * time.Millisecond
	right, ahead := open(time.Now), open(func() time.Time { return time.Now().Add(time.Hour) })
	start := time.Now()
	job := Enqueue(t, right, 1, notify.After(delay))
	got := Fetch(t, ahead, 1)
	require.Equal(t, job.ID, got[0].ID)
	require.GreaterOrEqual(t, time.Since(start), delay-time.Millisecond)
	start = time.Now()
	_, err := ahead.Driver().Nack(t.Context(), []notify.Nack{{Delivery: got[0], Envelope: got[0].Envelope, Delay: delay}})
	require.NoError(t, err)
	require.Equal(t, job.ID, Fetch(t, right, 1)[0].ID)
	require.GreaterOrEqual(t, time.Since(start), delay-time.Millisecond)
}
