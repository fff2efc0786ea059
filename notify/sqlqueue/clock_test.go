package sqlqueue_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/stretchr/testify/require"
)

// openAhead opens a queue as a process does whose clock is ahead.
func openAhead(t *testing.T, driver, dsn string, ahead time.Duration) *notify.Queue {
	t.Helper()
	o := *silent
	q, err := sqlqueue.Open(t.Context(), openServer(t, driver, dsn), sqlqueue.LocalClock(&o, func() time.Time { return time.Now().Add(ahead) }))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

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
			at := func(ahead time.Duration) *notify.Queue { return openAhead(t, driver, dsn, ahead) }
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

// TestWrongClocksShareLimitsAndTicks has workers one after the other whose clocks are hours apart:
// the start that one has paid for does not hold up the next for hours, nor does a permit that one
// holds look ended to another. Schedules tick by the database's clock.
func TestWrongClocksShareLimitsAndTicks(t *testing.T) {
	for name, backend := range backends {
		if name == "sqlite" {
			continue // all its processes have one clock
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := backend(t)
			limited := notify.NewTask[int]("test.limited", &notify.TaskOptions{Rate: 50, Concurrency: 1})
			for _, ahead := range []time.Duration{time.Hour, 0, -time.Hour} {
				q := openAhead(t, driver, dsn, ahead)
				_, err := limited.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
				require.NoError(t, err)
				w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 2})
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				var held string
				limited.Handle(w, func(context.Context, *notify.Job[int]) error {
					entries, err := q.State().LoadState(t.Context(), []string{"limit/test.limited"})
					require.NoError(t, err)
					held = string(entries[0].Value)
					stop()
					return nil
				})
				require.NoError(t, w.Run(ctx))
				require.NotEmpty(t, held, "not run within a minute by who is ahead by %s", ahead)
				var value struct {
					Holders map[string]struct{ Until time.Time }
				}
				require.NoError(t, json.Unmarshal([]byte(held), &value))
				require.Len(t, value.Holders, 1)
				for _, permit := range value.Holders {
					require.WithinDuration(t, time.Now(), permit.Until, time.Minute, "by the database's clock")
				}

				s := notify.NewScheduler(notify.NewClient(q, nil), nil)
				require.NoError(t, count.Schedule(s, "hourly", "0 * * * *", 1))
				ctx, stop = context.WithCancel(t.Context())
				ended := make(chan error, 1)
				begun := time.Now()
				go func() { ended <- s.Run(ctx) }()
				require.Eventually(t, func() bool {
					all, err := q.Schedules(t.Context())
					return err == nil && len(all) == 1
				}, time.Minute, 5*time.Millisecond)
				all, err := q.Schedules(t.Context())
				require.NoError(t, err)
				next := begun.UTC().Truncate(time.Hour).Add(time.Hour)
				if time.Now().Before(next) { // the hour has not turned meanwhile
					require.True(t, next.Equal(all[0].Next), "%s", all[0].Next)
				}
				stop()
				require.NoError(t, <-ended)
				_, err = q.State().SwapState(t.Context(), []notify.StateChange{{Key: "schedule/hourly", Version: notify.AnyVersion}})
				require.NoError(t, err)
			}
		})
	}
}
