package redisqueue_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest/redistest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/redisqueue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *redisqueue.Options {
	return &redisqueue.Options{Options: notify.Options{Logger: slog.New(slog.DiscardHandler)}}
}

// open opens a queue that is closed before its client.
func open(t testing.TB, c redis.UniversalClient) *notify.Queue {
	t.Helper()
	q, err := redisqueue.Open(t.Context(), c, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

func TestConformance(t *testing.T) {
	server := testenvtest.Redis(t)
	notifytest.Run(t, func(t *testing.T) notifytest.Harness {
		url := testenvtest.RedisURL(t, server)
		return notifytest.Harness{
			Open: func(t *testing.T, o *notify.Options) *notify.Queue {
				q, err := redisqueue.Open(t.Context(), redistest.Connect(t, url), &redisqueue.Options{Options: *o})
				require.NoError(t, err)
				return q
			},
			Shared: true,
		}
	})
}

var count, enqueue, fetch = chaos.Count, chaos.Enqueue, chaos.Fetch

func private(t *testing.T, args ...string) *redis.Client {
	t.Helper()
	return redistest.Connect(t, testenvtest.PrivateRedis(t, &testenv.Options{Args: args}).DSN)
}

func shared(t *testing.T) *redis.Client {
	t.Helper()
	return redistest.Connect(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
}

func TestEvictingServerIsRefused(t *testing.T) {
	t.Parallel()
	c := private(t, "--maxmemory-policy", "allkeys-lru")
	_, err := redisqueue.Open(t.Context(), c, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	require.ErrorContains(t, err, "maxmemory-policy allkeys-lru")
	q, err := redisqueue.Open(t.Context(), c, &redisqueue.Options{AllowEviction: true})
	require.NoError(t, err)
	require.NoError(t, q.Close())
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "volatile-lru").Err())
	open(t, c) // jobs have no time to live
}

func TestFullServerStoresNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	c := private(t)
	q := open(t, c)
	kept := enqueue(t, q, 1)
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	_, err := count.EnqueueMany(t.Context(), notify.NewClient(q, nil), []int{2, 3, 4})
	require.True(t, redis.IsOOMError(err), "%v", err)
	require.ErrorContains(t, err, "redisqueue: publish")
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory", "0").Err())
	got := fetch(t, q, 10)
	require.Len(t, got, 1)
	require.Equal(t, kept.ID, got[0].ID)
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	_, err := redisqueue.Open(t.Context(), nil, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = redisqueue.Open(t.Context(), shared(t), &redisqueue.Options{Prefix: "a{b}:"})
	require.ErrorIs(t, err, notify.ErrInvalid)
	gone := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer gone.Close()
	_, err = redisqueue.Open(t.Context(), gone, nil)
	require.ErrorContains(t, err, "redisqueue: open")
}

// A Cluster needs all keys that a script touches in one slot, and two prefixes must not meet.
func TestKeysOfAQueueShareASlot(t *testing.T) {
	t.Parallel()
	c := shared(t)
	for _, prefix := range []string{"", "other:"} {
		o := quiet()
		o.Prefix = prefix
		q, err := redisqueue.Open(t.Context(), c, o)
		require.NoError(t, err)
		enqueue(t, q, 1, notify.Unique(time.Hour))
		enqueue(t, q, 2, notify.After(time.Hour), notify.Priority(9))
		require.NoError(t, q.Pause(t.Context(), "default"))
		require.NoError(t, q.Close())
	}
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Greater(t, len(keys), 10)
	for _, key := range keys {
		if key != "notify:queues" && key != "other:queues" {
			require.Regexp(t, `^(notify|other):\{default\}:`, key)
		}
	}
}

// The group, or all of a stream's leases, may be gone after a failover or by hand.
func TestLostGroupIsMadeAnewAndLosesNoJob(t *testing.T) {
	t.Parallel()
	c := shared(t)
	q := open(t, c)
	enqueue(t, q, 1)
	first := fetch(t, q, 1)
	require.NoError(t, c.XGroupDestroy(t.Context(), "notify:{default}:stream:0", "workers").Err())
	lost, err := q.Driver().Extend(t.Context(), first, time.Minute)
	require.NoError(t, err)
	require.Equal(t, first, lost)
	again := fetch(t, q, 1)
	require.Equal(t, first[0].ID, again[0].ID)
	lost, err = q.Driver().Ack(t.Context(), again)
	require.NoError(t, err)
	require.Empty(t, lost)

	require.NoError(t, c.Del(t.Context(), "notify:{default}:stream:0").Err())
	enqueue(t, q, 2)
	require.Len(t, fetch(t, q, 1), 1)
}

func TestForeignEntriesBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	c := shared(t)
	q := open(t, c)
	for _, values := range [][]string{{"i", "damaged", "b", "\xff\x00\xde\xad"}, {"something", "else"}} {
		require.NoError(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "notify:{default}:stream:0", Values: values}).Err())
	}
	records, err := q.List(t.Context(), notify.Filter{Queue: "default", ID: "damaged"})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, notify.Unreadable, records[0].Failure.Reason, "an operator sees it")
	notifytest.Drain(t, notify.NewWorker(q, nil))
	records, err = q.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Len(t, records, 2)
	for _, r := range records {
		require.Equal(t, notify.Unreadable, r.Failure.Reason)
	}
}

// resend sends every script twice, as the client does when an answer is lost.
type resend struct{}

func (resend) DialHook(next redis.DialHook) redis.DialHook { return next }

func (resend) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (resend) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && cmd.Name() == "evalsha" {
			err = next(ctx, cmd)
		}
		return err
	}
}

func TestPublishSentTwiceIsStoredOnce(t *testing.T) {
	t.Parallel()
	url := testenvtest.RedisURL(t, testenvtest.Redis(t))
	twice := redistest.Connect(t, url)
	twice.AddHook(resend{})
	publishing := open(t, twice)
	for i := range 5 {
		enqueue(t, publishing, i)
		unique := enqueue(t, publishing, i, notify.Unique(time.Hour))
		require.False(t, unique.Duplicate)
	}
	records, err := publishing.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	require.Len(t, records, 10)
}

func TestReclaimedJobComesBeforeOthersAndIsFenced(t *testing.T) {
	t.Parallel()
	c := shared(t)
	q := open(t, c)
	d := q.Driver()
	job := enqueue(t, q, 1)
	late, err := d.Fetch(t.Context(), notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Millisecond})
	require.NoError(t, err)
	enqueue(t, q, 2)
	var got []*notify.Delivery
	require.Eventually(t, func() bool { // the same consumer, so that its name alone tells nothing
		got, err = d.Fetch(t.Context(), notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute})
		if err == nil && len(got) == 1 && got[0].ID != job.ID {
			_, err = d.Nack(t.Context(), []notify.Nack{{Delivery: got[0], Envelope: got[0].Envelope}})
		}
		return err == nil && len(got) == 1 && got[0].ID == job.ID
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, 1, got[0].Crashes)
	lost, err := d.Extend(t.Context(), late, time.Minute)
	require.NoError(t, err)
	require.Equal(t, late, lost)
	lost, err = d.Ack(t.Context(), append(late, got...))
	require.NoError(t, err)
	require.Equal(t, late, lost)
	left, err := c.Exists(t.Context(), "notify:{default}:reclaimed").Result()
	require.NoError(t, err)
	require.Zero(t, left)
}

// More than one process's worth of work wakes more than one process.
func TestDelayedJobWakesWhoeverWaits(t *testing.T) {
	t.Parallel()
	url := testenvtest.RedisURL(t, testenvtest.Redis(t))
	waiting, publishing := open(t, redistest.Connect(t, url)), open(t, redistest.Connect(t, url))
	got := make(chan *notify.Delivery, 1)
	go func() {
		found, _ := waiting.Driver().Fetch(t.Context(), notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute})
		if len(found) == 1 {
			got <- found[0]
		}
		close(got)
	}()
	enqueue(t, publishing, 1, notify.After(time.Hour))
	soon := enqueue(t, publishing, 2, notify.After(50*time.Millisecond))
	require.Equal(t, soon.ID, (<-got).ID)
}

func TestClocksNeedNotAgree(t *testing.T) {
	t.Parallel()
	c, o := shared(t), quiet()
	chaos.WrongClock(t, func(now func() time.Time) *notify.Queue {
		o.Now = now
		q, err := redisqueue.Open(t.Context(), c, o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, q.Close()) })
		return q
	})
}

func ExampleOpen() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close()
	queue, err := redisqueue.Open(ctx, rdb, nil)
	if err != nil { // Open asks the server, and there is none
		fmt.Println("no queue")
		return
	}
	defer queue.Close()
	// Output: no queue
}

// TestClockIsTheServers is for processes whose own clocks are wrong: limits and schedules go by it.
func TestClockIsTheServers(t *testing.T) {
	t.Parallel()
	rdb := redistest.Connect(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	for _, ahead := range []time.Duration{-time.Hour, 0, time.Hour} {
		o := quiet()
		o.Now = func() time.Time { return time.Now().Add(ahead) }
		q, err := redisqueue.Open(t.Context(), rdb, o)
		require.NoError(t, err)
		defer q.Close()
		clock, ok := q.Driver().(notify.Clock)
		require.True(t, ok)
		there, err := rdb.Time(t.Context()).Result()
		require.NoError(t, err)
		require.WithinDuration(t, there, clock.Now(t.Context()), 5*time.Second)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.WithinDuration(t, there, clock.Now(gone), 5*time.Second, "by the look before")
	}
}
