package notifytest

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

// Harness makes one empty store for one test.
type Harness struct {
	// Open opens the store; opening it again is another process on the same jobs.
	// Of a backend that lives in one process it may be called once only.
	Open func(t *testing.T, o *notify.Options) *notify.Queue
	// Shared says that Open may be called again.
	Shared bool
	// ConnectionLeases says that a job comes back when its connection is gone
	// and not when its lease has ended.
	ConnectionLeases bool
	// LettersOnly says that of all jobs only dead letters can be listed, replayed and
	// deleted, and that Stats count no others than those available and dead.
	LettersOnly bool
	// Bare says that there are no priorities, no order, and no delays but those of retries.
	Bare bool
	// DB is the host's database for backends that publish in its transaction.
	DB *sql.DB
}

// Run checks a backend against the contract of notify.Driver and what stands
// on it. It calls newStore for each test. Tests of abilities the driver does not have are left out.
func Run(t *testing.T, newStore func(t *testing.T) Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, *store)
	}{
		{"round trip", testRoundTrip},
		{"odd payloads", testOddPayloads},
		{"fetch waits", testFetchWaits},
		{"fetch ends with its context", testFetchCancelled},
		{"queues are apart", testQueuesApart},
		{"not before its time", testDelay},
		{"priority", testPriority},
		{"oldest first", testOldestFirst},
		{"everyone gets their own", testConcurrentFetch},
		{"lease ends", testLeaseEnds},
		{"lease is extended", testExtend},
		{"nack", testNack},
		{"dead letter", testDeadLetter},
		{"delete", testDelete},
		{"pause", testPause},
		{"stats", testStats},
		{"list", testList},
		{"unique", testUnique},
		{"unique in parallel", testUniqueParallel},
		{"key", testKey},
		{"transaction", testTransaction},
		{"closed", testClosed},
		{"reopen", testReopen},
		{"state", testState},
		{"state ends", testStateEnds},
		{"state in parallel", testStateParallel},
		{"worker handles all", testWorkerHandlesAll},
		{"two workers", testTwoWorkers},
		{"retry", testRetry},
		{"failures are kept", testFailuresAreKept},
		{"stop gives back", testStopGivesBack},
		{"crashing job", testCrashingJob},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &store{Harness: newStore(t)})
		})
	}
}

// store is a harness with shorthands.
type store struct {
	Harness
}

// open opens the store with a quiet log and closes it at the end.
func (s *store) open(t *testing.T) (*notify.Queue, notify.Driver) {
	t.Helper()
	q := s.Open(t, &notify.Options{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q, q.Driver()
}

// patience bounds what must happen; impatience what must not.
const (
	patience   = 20 * time.Second
	impatience = 150 * time.Millisecond
	shortLease = 400 * time.Millisecond
	longLease  = time.Minute
)

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// job is an envelope that is due.
func job(id string, change ...func(*notify.Envelope)) *notify.Envelope {
	now := time.Now().UTC()
	e := &notify.Envelope{
		ID: id, Kind: "test.kind", Queue: "default", Payload: []byte(`{"n":1}`),
		EnqueuedAt: now, RunAt: now, MaxAttempts: 5,
	}
	for _, c := range change {
		c(e)
	}
	return e
}

func publish(t *testing.T, d notify.Driver, envelopes ...*notify.Envelope) {
	t.Helper()
	require.NoError(t, d.Publish(within(t, patience), envelopes))
}

// fetch gets exactly n jobs.
func fetch(t *testing.T, d notify.Driver, n int, lease time.Duration) []*notify.Delivery {
	t.Helper()
	ctx := within(t, patience)
	var all []*notify.Delivery
	for len(all) < n {
		got, err := d.Fetch(ctx, notify.FetchRequest{Queue: "default", Max: n - len(all), Lease: lease})
		require.NoError(t, err, "fetched %d of %d", len(all), n)
		require.NotEmpty(t, got)
		require.LessOrEqual(t, len(got), n-len(all), "more than Max")
		all = append(all, got...)
	}
	return all
}

func fetchNothing(t *testing.T, d notify.Driver, queue string) {
	t.Helper()
	got, err := d.Fetch(within(t, impatience), notify.FetchRequest{Queue: queue, Max: 10, Lease: longLease})
	require.Empty(t, got)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func ack(t *testing.T, d notify.Driver, deliveries ...*notify.Delivery) {
	t.Helper()
	lost, err := d.Ack(within(t, patience), deliveries)
	require.NoError(t, err)
	require.Empty(t, lost)
}

func ids(deliveries []*notify.Delivery) string {
	var all []string
	for _, d := range deliveries {
		all = append(all, d.ID)
	}
	return strings.Join(all, " ")
}

// eventually waits for a condition on the backend that nothing signals.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, 5*time.Millisecond)
}
