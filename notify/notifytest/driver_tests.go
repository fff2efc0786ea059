package notifytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

func testRoundTrip(t *testing.T, s *store) {
	_, d := s.open(t)
	sent := job("a", func(e *notify.Envelope) {
		e.Attempt, e.MaxAttempts = 2, 7
		if !s.Bare {
			e.Priority = 3
		}
		e.Headers = map[string]string{"locale": "zh", "trace": "1-2"}
		e.ExpiresAt = e.RunAt.Add(time.Hour)
		e.Failure = &notify.Failure{At: e.RunAt, Reason: notify.Failed, Error: "was broken", Stack: "here"}
	})
	want := *sent
	publish(t, d, sent)
	got := fetch(t, d, 1, longLease)[0]
	require.NoError(t, got.Err)
	require.Zero(t, got.Crashes)
	requireSame(t, &want, got.Envelope)
	ack(t, d, got)
	fetchNothing(t, d, "default")
}

// requireSame compares to the microsecond, which is what databases keep.
func requireSame(t *testing.T, want, got *notify.Envelope) {
	t.Helper()
	for _, pair := range [][2]time.Time{{want.EnqueuedAt, got.EnqueuedAt}, {want.RunAt, got.RunAt}, {want.ExpiresAt, got.ExpiresAt}} {
		require.WithinDuration(t, pair[0], pair[1], time.Millisecond)
	}
	w, g := *want, *got
	for _, e := range []*notify.Envelope{&w, &g} {
		e.EnqueuedAt, e.RunAt, e.ExpiresAt = time.Time{}, time.Time{}, time.Time{}
		if e.Failure != nil {
			f := *e.Failure
			f.At = time.Time{}
			e.Failure = &f
		}
	}
	require.Equal(t, w, g)
}

func testOddPayloads(t *testing.T, s *store) {
	_, d := s.open(t)
	for name, payload := range map[string][]byte{
		"binary": {0, 255, 10, 13, 0, 34, 39}, "chinese": []byte(`"订单"`), "large": bytes.Repeat([]byte("0123456789abcdef"), 1<<16),
	} {
		publish(t, d, job(name, func(e *notify.Envelope) {
			e.Payload, e.Headers = payload, map[string]string{"名": "值\r\n"}
		}))
		got := fetch(t, d, 1, longLease)[0]
		require.True(t, bytes.Equal(payload, got.Payload), name)
		require.Equal(t, "值\r\n", got.Headers["名"])
		ack(t, d, got)
	}
}

func testFetchWaits(t *testing.T, s *store) {
	_, d := s.open(t)
	got := make(chan []*notify.Delivery, 1)
	go func() {
		deliveries, _ := d.Fetch(within(t, patience), notify.FetchRequest{Queue: "default", Max: 1, Lease: longLease})
		got <- deliveries
	}()
	fetchNothing(t, d, "default") // by then the other one waits, too
	publish(t, d, job("a"))
	require.Equal(t, "a", ids(<-got))
}

func testFetchCancelled(t *testing.T, s *store) {
	_, d := s.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	publish(t, d, job("a"))
	got, err := d.Fetch(ctx, notify.FetchRequest{Queue: "default", Max: 1, Lease: longLease})
	if len(got) == 0 {
		require.ErrorIs(t, err, context.Canceled)
		got = fetch(t, d, 1, longLease)
		require.Zero(t, got[0].Crashes)
	}
	require.Equal(t, "a", ids(got))
}

func testQueuesApart(t *testing.T, s *store) {
	_, d := s.open(t)
	publish(t, d, job("a", func(e *notify.Envelope) { e.Queue = "other" }))
	fetchNothing(t, d, "default")
	got, err := d.Fetch(within(t, patience), notify.FetchRequest{Queue: "other", Max: 1, Lease: longLease})
	require.NoError(t, err)
	require.Equal(t, "a", ids(got))
}

func testDelay(t *testing.T, s *store) {
	_, d := s.open(t)
	due := time.Now().Add(600 * time.Millisecond)
	if s.Bare {
		err := d.Publish(within(t, patience), []*notify.Envelope{job("later", func(e *notify.Envelope) { e.RunAt = due })})
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	publish(t, d, job("later", func(e *notify.Envelope) { e.RunAt = due }), job("now"))
	require.Equal(t, "now", ids(fetch(t, d, 1, longLease)))
	fetchNothing(t, d, "default")
	require.Equal(t, "later", ids(fetch(t, d, 1, longLease)))
	require.False(t, time.Now().Before(due.Add(-time.Millisecond)), "delivered too early")
}

func testPriority(t *testing.T, s *store) {
	_, d := s.open(t)
	high := job("high", func(e *notify.Envelope) { e.Priority = 9 })
	if s.Bare {
		require.ErrorIs(t, d.Publish(within(t, patience), []*notify.Envelope{high}), errors.ErrUnsupported)
		return
	}
	publish(t, d, job("low"), high)
	first := fetch(t, d, 1, longLease)
	ack(t, d, first...)
	require.Equal(t, "high", ids(first))
	require.Equal(t, "low", ids(fetch(t, d, 1, longLease)))
}

func testOldestFirst(t *testing.T, s *store) {
	if s.Bare {
		return
	}
	_, d := s.open(t)
	var want []string
	for i := range 20 {
		id := fmt.Sprintf("job-%02d", i)
		want = append(want, id)
		publish(t, d, job(id))
	}
	for _, id := range want {
		got := fetch(t, d, 1, longLease)
		require.Equal(t, id, ids(got))
		ack(t, d, got...)
	}
}

func testConcurrentFetch(t *testing.T, s *store) {
	_, d := s.open(t)
	const jobs, fetchers = 200, 8
	envelopes := make([]*notify.Envelope, jobs)
	for i := range envelopes {
		envelopes[i] = job(fmt.Sprintf("job-%d", i))
	}
	publish(t, d, envelopes...)
	var mu sync.Mutex
	seen := make(map[string]int)
	ctx, done := context.WithTimeout(t.Context(), patience)
	defer done()
	var group sync.WaitGroup
	for range fetchers {
		group.Go(func() {
			for {
				got, err := d.Fetch(ctx, notify.FetchRequest{Queue: "default", Max: 7, Lease: longLease})
				if err != nil {
					return
				}
				_, _ = d.Ack(ctx, got)
				mu.Lock()
				for _, g := range got {
					seen[g.ID]++
				}
				if len(seen) == jobs {
					done()
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	require.Len(t, seen, jobs)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func testLeaseEnds(t *testing.T, s *store) {
	if s.ConnectionLeases {
		return
	}
	_, d := s.open(t)
	publish(t, d, job("a"))
	first := fetch(t, d, 1, shortLease)
	second := fetch(t, d, 1, longLease)
	require.Equal(t, "a", ids(second))
	require.Equal(t, 1, second[0].Crashes)

	ctx := within(t, patience)
	lost, err := d.Ack(ctx, first)
	require.NoError(t, err)
	require.Equal(t, first, lost, "ack by the late one")
	lost, err = d.Nack(ctx, []notify.Nack{{Delivery: first[0], Envelope: first[0].Envelope}})
	require.NoError(t, err)
	require.Equal(t, first, lost, "nack by the late one")
	lost, err = d.Extend(ctx, first, longLease)
	require.NoError(t, err)
	require.Equal(t, first, lost, "extend by the late one")
	ack(t, d, second...)
	fetchNothing(t, d, "default")
}

func testExtend(t *testing.T, s *store) {
	_, d := s.open(t)
	publish(t, d, job("a"))
	got := fetch(t, d, 1, shortLease)
	lost, err := d.Extend(within(t, patience), got, longLease)
	require.NoError(t, err)
	require.Empty(t, lost)
	ctx := within(t, 2*shortLease)
	again, err := d.Fetch(ctx, notify.FetchRequest{Queue: "default", Max: 1, Lease: longLease})
	require.Empty(t, again)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ack(t, d, got...)
}

func testNack(t *testing.T, s *store) {
	_, d := s.open(t)
	publish(t, d, job("a"))
	got := fetch(t, d, 1, longLease)[0]
	e := *got.Envelope
	e.Attempt, e.Failure = 1, &notify.Failure{At: time.Now().UTC(), Reason: notify.Failed, Error: "try again"}
	start := time.Now()
	lost, err := d.Nack(within(t, patience), []notify.Nack{{Delivery: got, Envelope: &e, Delay: 400 * time.Millisecond, Failed: true}})
	require.NoError(t, err)
	require.Empty(t, lost)
	fetchNothing(t, d, "default")
	again := fetch(t, d, 1, longLease)[0]
	require.GreaterOrEqual(t, time.Since(start), 399*time.Millisecond)
	require.Equal(t, 1, again.Attempt)
	require.Equal(t, "try again", again.Failure.Error)
	require.Zero(t, again.Crashes)

	lost, err = d.Nack(within(t, patience), []notify.Nack{{Delivery: again, Envelope: again.Envelope}})
	require.NoError(t, err)
	require.Empty(t, lost)
	ack(t, d, fetch(t, d, 1, longLease)...) // at once, without a delay
}

func testClosed(t *testing.T, s *store) {
	q, d := s.open(t)
	ended := make(chan error, 1)
	go func() {
		_, err := d.Fetch(within(t, patience), notify.FetchRequest{Queue: "default", Max: 1, Lease: longLease})
		ended <- err
	}()
	fetchNothing(t, d, "default")
	require.NoError(t, q.Close())
	require.NoError(t, q.Close())
	require.ErrorIs(t, <-ended, notify.ErrClosed)
	require.ErrorIs(t, d.Publish(t.Context(), []*notify.Envelope{job("a")}), notify.ErrClosed)
	_, err := work.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
	require.ErrorIs(t, err, notify.ErrClosed)
	require.ErrorIs(t, notify.NewWorker(q, nil).Run(t.Context()), notify.ErrClosed)
}

func testReopen(t *testing.T, s *store) {
	if !s.Shared {
		return
	}
	q, d := s.open(t)
	publish(t, d, job("waiting"), job("later", func(e *notify.Envelope) { e.RunAt = e.RunAt.Add(500 * time.Millisecond) }))
	require.NoError(t, q.Close())
	_, d = s.open(t)
	got := fetch(t, d, 2, longLease)
	require.Equal(t, "waiting later", ids(got))
	ack(t, d, got...)
}
