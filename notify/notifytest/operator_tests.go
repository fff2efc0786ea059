package notifytest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

// bury makes a dead letter of a fresh job.
func bury(t *testing.T, d notify.Driver, id string) {
	t.Helper()
	publish(t, d, job(id))
	got := fetch(t, d, 1, longLease)[0]
	e := *got.Envelope
	e.Attempt, e.Failure = 5, &notify.Failure{At: time.Now().UTC(), Reason: notify.Panicked, Error: "boom", Stack: "main.go:1"}
	lost, err := d.Nack(within(t, patience), []notify.Nack{{Delivery: got, Envelope: &e, Dead: true, Failed: true}})
	require.NoError(t, err)
	require.Empty(t, lost)
}

func testDeadLetter(t *testing.T, s *store) {
	q, d := s.open(t)
	bury(t, d, "a")
	fetchNothing(t, d, "default")
	if _, ok := d.(notify.Lister); ok {
		records, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
		require.NoError(t, err)
		require.Len(t, records, 1)
		require.Equal(t, "a", records[0].ID)
		require.Equal(t, notify.Dead, records[0].State)
		require.Equal(t, "boom", records[0].Failure.Error)
		require.Equal(t, "main.go:1", records[0].Failure.Stack)
		require.Equal(t, 5, records[0].Attempt)
	}
	if _, ok := d.(notify.Replayer); !ok {
		return
	}
	n, err := q.Replay(t.Context(), "default", "a", "unknown")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	got := fetch(t, d, 1, longLease)[0]
	require.Equal(t, "a", got.ID)
	require.Zero(t, got.Attempt)
	n, err = q.Replay(t.Context(), "default", "a")
	require.NoError(t, err)
	require.Zero(t, n, "a running job is left alone")
	ack(t, d, got)
}

func testDelete(t *testing.T, s *store) {
	q, d := s.open(t)
	if _, ok := d.(notify.Deleter); !ok {
		return
	}
	bury(t, d, "dead")
	publish(t, d, job("running"))
	running := fetch(t, d, 1, longLease)
	publish(t, d, job("waiting"), job("later", func(e *notify.Envelope) { e.RunAt = e.RunAt.Add(time.Hour) }))
	want := 3
	if s.LettersOnly {
		want = 1
	}
	n, err := q.Delete(t.Context(), "default", "dead", "waiting", "later", "running", "unknown")
	require.NoError(t, err)
	require.Equal(t, want, n)
	n, err = q.Delete(t.Context(), "default", "dead")
	require.NoError(t, err)
	require.Zero(t, n)
	ack(t, d, running...)
	if s.LettersOnly {
		require.Equal(t, "waiting", ids(fetch(t, d, 1, longLease)))
	}
	fetchNothing(t, d, "default")
}

func testPause(t *testing.T, s *store) {
	q, d := s.open(t)
	if _, ok := d.(notify.Pauser); !ok {
		return
	}
	require.NoError(t, q.Pause(t.Context(), "default"))
	require.NoError(t, q.Pause(t.Context(), "default"))
	publish(t, d, job("a"))
	fetchNothing(t, d, "default")
	got := make(chan []*notify.Delivery, 1)
	go func() {
		deliveries, _ := d.Fetch(within(t, patience), notify.FetchRequest{Queue: "default", Max: 1, Lease: longLease})
		got <- deliveries
	}()
	require.NoError(t, q.Resume(t.Context(), "default"))
	require.Equal(t, "a", ids(<-got))
}

func testStats(t *testing.T, s *store) {
	q, d := s.open(t)
	if _, ok := d.(notify.StatsReader); !ok {
		return
	}
	if s.LettersOnly {
		bury(t, d, "dead")
		publish(t, d, job("waiting"))
		want := []notify.QueueStats{{Queue: "default", Counts: map[notify.State]int{notify.Available: 1, notify.Dead: 1}}}
		eventually(t, func() bool { // a job on its way to a process is in no count
			stats, err := q.Stats(t.Context())
			require.NoError(t, err)
			return reflect.DeepEqual(want, stats)
		})
		return
	}
	bury(t, d, "dead")
	publish(t, d, job("done"), job("held"))
	got := fetch(t, d, 2, longLease)
	ack(t, d, got[0])
	old := time.Now().Add(-time.Minute)
	publish(t, d, job("waiting", func(e *notify.Envelope) { e.RunAt = old }),
		job("later", func(e *notify.Envelope) { e.RunAt = e.RunAt.Add(time.Hour) }),
		job("again", func(e *notify.Envelope) { e.RunAt, e.Attempt = e.RunAt.Add(time.Hour), 1 }))
	require.NoError(t, q.Pause(t.Context(), "asleep"))
	stats, err := q.Stats(t.Context())
	require.NoError(t, err)
	require.Len(t, stats, 2)
	require.Equal(t, "asleep", stats[0].Queue)
	require.True(t, stats[0].Paused)
	require.Equal(t, "default", stats[1].Queue)
	require.False(t, stats[1].Paused)
	require.Equal(t, map[notify.State]int{
		notify.Available: 1, notify.Scheduled: 1, notify.Retrying: 1, notify.Running: 1, notify.Dead: 1,
	}, stats[1].Counts)
	require.WithinDuration(t, old, stats[1].Oldest, time.Millisecond)
	handled, failed := 0, 0
	for _, m := range stats[1].Minutes {
		handled += m.Handled
		failed += m.Failed
	}
	require.Equal(t, 1, handled)
	require.Equal(t, 1, failed)
}

func testList(t *testing.T, s *store) {
	q, d := s.open(t)
	if _, ok := d.(notify.Lister); !ok {
		return
	}
	if s.LettersOnly {
		testListLetters(t, q)
		return
	}
	base := time.Now().Add(time.Hour)
	for i := range 5 {
		publish(t, d, job(fmt.Sprintf("job-%d", i), func(e *notify.Envelope) { e.RunAt = base.Add(time.Duration(i) * time.Second) }))
	}
	publish(t, d, job("due", func(e *notify.Envelope) { e.Kind = "other" }))
	list := func(f notify.Filter) (all []string) {
		records, err := q.List(t.Context(), f)
		require.NoError(t, err)
		for _, r := range records {
			all = append(all, r.ID)
		}
		return all
	}
	require.Equal(t, []string{"job-4", "job-3"}, list(notify.Filter{Limit: 2}))
	require.Equal(t, []string{"job-2", "job-1"}, list(notify.Filter{Limit: 2, Offset: 2}))
	require.Equal(t, []string{"due"}, list(notify.Filter{State: notify.Available}))
	require.Equal(t, []string{"due"}, list(notify.Filter{Kind: "other"}))
	require.Equal(t, []string{"job-3"}, list(notify.Filter{Queue: "default", ID: "job-3"}))
	require.Len(t, list(notify.Filter{State: notify.Scheduled}), 5)
	require.Empty(t, list(notify.Filter{Queue: "other"}))
	require.Empty(t, list(notify.Filter{Offset: 100}))
}

func testListLetters(t *testing.T, q *notify.Queue) {
	_, err := q.List(t.Context(), notify.Filter{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	for _, id := range []string{"a", "b", "c"} {
		bury(t, q.Driver(), id)
	}
	records, err := q.List(t.Context(), notify.Filter{State: notify.Dead, Limit: 2, Offset: 1})
	require.NoError(t, err)
	require.Len(t, records, 2)
	require.Equal(t, []string{"b", "a"}, []string{records[0].ID, records[1].ID}, "newest first")
	records, err = q.List(t.Context(), notify.Filter{State: notify.Dead, ID: "b"})
	require.NoError(t, err)
	require.Len(t, records, 1)
	records, err = q.List(t.Context(), notify.Filter{State: notify.Dead, Kind: "other"})
	require.NoError(t, err)
	require.Empty(t, records)
}

func testUnique(t *testing.T, s *store) {
	_, d := s.open(t)
	u, ok := d.(notify.UniquePublisher)
	if !ok {
		return
	}
	unique := func(id string, window time.Duration) *notify.Envelope {
		return job(id, func(e *notify.Envelope) { e.UniqueKey, e.UniqueFor = "key", window })
	}
	held, err := u.PublishUnique(t.Context(), []*notify.Envelope{unique("first", 500*time.Millisecond), unique("second", time.Hour), job("plain")})
	require.NoError(t, err)
	require.Equal(t, []string{"first", "first", "plain"}, held)
	got := fetch(t, d, 2, longLease)
	require.ElementsMatch(t, []string{"first", "plain"}, []string{got[0].ID, got[1].ID})
	ack(t, d, got...)

	held, err = u.PublishUnique(t.Context(), []*notify.Envelope{unique("again", time.Hour)})
	require.NoError(t, err)
	require.Equal(t, []string{"first"}, held, "the window outlives the job")
	eventually(t, func() bool {
		held, err = u.PublishUnique(t.Context(), []*notify.Envelope{unique("after", time.Hour)})
		return err == nil && held[0] == "after"
	})
	require.Equal(t, "after", ids(fetch(t, d, 1, longLease)))
}

func testUniqueParallel(t *testing.T, s *store) {
	q, _ := s.open(t)
	if _, ok := q.Driver().(notify.UniquePublisher); !ok && q.State() == nil {
		_, err := work.Enqueue(t.Context(), notify.NewClient(q, nil), 7, notify.Unique(time.Hour))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	clients := []*notify.Client{notify.NewClient(q, nil)}
	if s.Shared {
		other, _ := s.open(t)
		clients = append(clients, notify.NewClient(other, nil))
	}
	var mu sync.Mutex
	seen, stored := make(map[string]bool), 0
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			job, err := work.Enqueue(t.Context(), clients[i%len(clients)], 7, notify.Unique(time.Hour))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			seen[job.ID] = true
			if !job.Duplicate {
				stored++
			}
		})
	}
	group.Wait()
	require.Equal(t, 1, stored)
	require.Len(t, seen, 1, "duplicates name the first")

	short := notify.UniqueKey("short", 500*time.Millisecond)
	first, err := work.Enqueue(t.Context(), clients[0], 8, short)
	require.NoError(t, err)
	require.False(t, first.Duplicate)
	eventually(t, func() bool {
		job, err := work.Enqueue(t.Context(), clients[0], 8, short)
		return err == nil && !job.Duplicate && job.ID != first.ID
	})
}

func testKey(t *testing.T, s *store) {
	_, d := s.open(t)
	if k, ok := d.(notify.KeySerializer); !ok || !k.SerializesKeys() {
		return
	}
	keyed := func(id, key string) *notify.Envelope {
		return job(id, func(e *notify.Envelope) { e.Key = key })
	}
	publish(t, d, keyed("a1", "a"), keyed("a2", "a"), keyed("b1", "b"), keyed("a3", "a"))
	first := fetch(t, d, 2, longLease)
	require.ElementsMatch(t, []string{"a1", "b1"}, []string{first[0].ID, first[1].ID})
	fetchNothing(t, d, "default")

	a1 := first[0]
	if a1.ID != "a1" {
		a1 = first[1]
	}
	e := *a1.Envelope
	e.Attempt = 1
	_, err := d.Nack(t.Context(), []notify.Nack{{Delivery: a1, Envelope: &e, Delay: 300 * time.Millisecond, Failed: true}})
	require.NoError(t, err)
	again := fetch(t, d, 1, longLease)
	require.Equal(t, "a1", ids(again), "the one being retried holds back those behind it")
	_, err = d.Nack(t.Context(), []notify.Nack{{Delivery: again[0], Envelope: &e, Dead: true, Failed: true}})
	require.NoError(t, err)
	for _, id := range []string{"a2", "a3"} { // a dead letter holds back nobody
		next := fetch(t, d, 1, longLease)
		require.Equal(t, id, ids(next))
		ack(t, d, next...)
	}
}

func testTransaction(t *testing.T, s *store) {
	q, d := s.open(t)
	if _, ok := d.(notify.TxPublisher); !ok {
		return
	}
	require.NotNil(t, s.DB, "the harness of a TxPublisher needs DB")
	client := notify.NewClient(q, nil)
	tx, err := s.DB.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = work.EnqueueTx(t.Context(), client, tx, 1)
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	fetchNothing(t, d, "default")

	tx, err = s.DB.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	job, err := work.EnqueueTx(t.Context(), client, tx, 2)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.Equal(t, job.ID, ids(fetch(t, d, 1, longLease)))
}
