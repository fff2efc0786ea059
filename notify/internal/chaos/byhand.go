package chaos

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/notify"
)

// Enqueue enqueues one [Count].
func Enqueue(t testing.TB, q *notify.Queue, n int, options ...notify.Option) *notify.Enqueued {
	t.Helper()
	job, err := Count.Enqueue(t.Context(), notify.NewClient(q, nil), n, options...)
	require.NoError(t, err)
	return job
}

// Fetch leases up to most jobs of the queue "default" for a minute, as a worker would, and waits for the first.
func Fetch(t testing.TB, q *notify.Queue, most int) []*notify.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := q.Driver().Fetch(ctx, notify.FetchRequest{Queue: "default", Max: most, Lease: time.Minute})
	require.NoError(t, err)
	return got
}
