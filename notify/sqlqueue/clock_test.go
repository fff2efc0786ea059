package sqlqueue_test

import (
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/stretchr/testify/require"
)

// TestWrongClocksShareTheDatabasesTime has processes whose clocks are an hour apart: a job is
// due at once for all of them, and none takes what another holds.
func TestWrongClocksShareTheDatabasesTime(t *testing.T) {
	for name, backend := range backends {
		if name == "sqlite" {
			continue // all its processes have one clock
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := backend(t)
			at := func(ahead time.Duration) *notify.Queue {
				o := *silent
				q, err := sqlqueue.Open(t.Context(), openServer(t, driver, dsn), sqlqueue.LocalClock(&o, func() time.Time { return time.Now().Add(ahead) }))
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, q.Close()) })
				return q
			}
			ahead := map[*notify.Queue]time.Duration{}
			right, early, late := at(0), at(time.Hour), at(-time.Hour)
			ahead[early], ahead[late] = time.Hour, -time.Hour
			one := notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute}
			for _, producer := range []*notify.Queue{right, early, late} {
				for _, worker := range []*notify.Queue{right, early, late} {
					job, err := count.Enqueue(t.Context(), notify.NewClient(producer, nil), 1, notify.ExpireAfter(time.Minute))
					require.NoError(t, err)
					held, err := worker.Driver().Fetch(t.Context(), one)
					require.NoError(t, err)
					require.Equal(t, job.ID, held[0].ID)
					for _, other := range []*notify.Queue{right, early, late} {
						records, err := other.List(t.Context(), notify.Filter{State: notify.Running})
						require.NoError(t, err)
						require.Len(t, records, 1)
						stats, err := other.Stats(t.Context())
						require.NoError(t, err)
						require.Equal(t, 1, stats[0].Counts[notify.Running])
					}
					wait := held[0].ExpiresAt.Sub(time.Now().Add(ahead[worker]))
					require.InDelta(t, time.Minute, wait, float64(10*time.Second), "by the worker's own clock")

					// Others look, and find nothing that has ended.
					_, err = count.Enqueue(t.Context(), notify.NewClient(producer, nil), 2, notify.After(time.Hour))
					require.NoError(t, err)
					last, err := count.Enqueue(t.Context(), notify.NewClient(producer, nil), 3)
					require.NoError(t, err)
					for _, other := range []*notify.Queue{early, late} {
						got, err := other.Driver().Fetch(t.Context(), one)
						require.NoError(t, err)
						require.Equal(t, last.ID, got[0].ID)
						_, err = other.Driver().Nack(t.Context(), []notify.Nack{{Delivery: got[0], Envelope: got[0].Envelope}})
						require.NoError(t, err)
					}
					lost, err := worker.Driver().Ack(t.Context(), held)
					require.NoError(t, err)
					require.Empty(t, lost)
					rest, err := right.List(t.Context(), notify.Filter{})
					require.NoError(t, err)
					require.Len(t, rest, 2)
					n, err := right.Delete(t.Context(), "default", rest[0].ID, rest[1].ID)
					require.NoError(t, err)
					require.Equal(t, 2, n)
				}
			}
		})
	}
}
