package natsqueue_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/natsqueue"
)

func TestBadOptions(t *testing.T) {
	t.Parallel()
	_, err := natsqueue.Open(t.Context(), nil, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	nc := connect(t, testenvtest.NATS(t).DSN)
	for field, o := range map[string]*natsqueue.Options{
		"Prefix": {Prefix: "a.b"}, "Replicas": {Replicas: 2}, "Duplicates": {Duplicates: time.Millisecond},
		"Wait": {Wait: -1}, "Domain": {Domain: "a b"},
	} {
		_, err := natsqueue.Open(t.Context(), nc, o)
		invalid := new(notify.InvalidError)
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, field, invalid.Field)
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	q := open(t, testenvtest.NATS(t).DSN, quiet())
	e := &notify.Envelope{ID: "a", Kind: "test.count", Queue: "default", Payload: bytes.Repeat([]byte("x"), 8<<20), RunAt: time.Now(), MaxAttempts: 1}
	err := q.Driver().Publish(t.Context(), []*notify.Envelope{e})
	require.ErrorIs(t, err, notify.ErrTooLarge)
}

// A publish whose answer was lost is sent again, and the job is there once.
func TestPublishedAgainIsKeptOnce(t *testing.T) {
	t.Parallel()
	q := open(t, testenvtest.NATS(t).DSN, quiet())
	now := time.Now().UTC()
	e := notify.Envelope{ID: "a", Kind: "test.count", Queue: "default", Payload: []byte("1"), EnqueuedAt: now, RunAt: now, MaxAttempts: 1}
	for range 3 {
		again := e
		require.NoError(t, q.Driver().Publish(t.Context(), []*notify.Envelope{&again}))
	}
	require.Len(t, fetch(t, q, 10), 1)
}

// Names with dots are streams of their own.
func TestQueueNames(t *testing.T) {
	t.Parallel()
	q := open(t, testenvtest.NATS(t).DSN, quiet())
	names := []string{"a.b", "a-b", "a_b", "A.B"}
	for i, name := range names {
		enqueue(t, q, i, notify.InQueue(name))
	}
	stats, err := q.Stats(t.Context())
	require.NoError(t, err)
	require.Len(t, stats, len(names))
	for _, s := range stats {
		require.Contains(t, names, s.Queue)
		require.Equal(t, map[notify.State]int{notify.Available: 1}, s.Counts)
	}
}

// A stream that somebody deletes while it is in use is made anew, and what was enqueued after that is there.
func TestDeletedStreamIsMadeAnew(t *testing.T) {
	t.Parallel()
	url, o := testenvtest.NATS(t).DSN, quiet()
	q := open(t, url, o)
	enqueue(t, q, 1)
	_, err := q.Driver().Ack(t.Context(), fetch(t, q, 1))
	require.NoError(t, err)
	js, err := jetstream.New(connect(t, url))
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), o.Prefix+"-default"))
	job := enqueue(t, q, 2)
	require.Equal(t, job.ID, fetch(t, q, 1)[0].ID)
}

func TestClocksNeedNotAgree(t *testing.T) {
	t.Parallel()
	url, o := testenvtest.NATS(t).DSN, *quiet()
	chaos.WrongClock(t, func(now func() time.Time) *notify.Queue {
		o.Now = now
		return open(t, url, &o)
	})
}
