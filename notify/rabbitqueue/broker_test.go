package rabbitqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/rabbitqueue"
)

var count, enqueue, fetch = chaos.Count, chaos.Enqueue, chaos.Fetch

func ack(t testing.TB, q *notify.Queue, deliveries ...*notify.Delivery) {
	t.Helper()
	lost, err := q.Driver().Ack(t.Context(), deliveries)
	require.NoError(t, err)
	require.Empty(t, lost)
}

// channel is a channel of our own on a broker.
func channel(t testing.TB, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the test may have ended the broker
	c, err := conn.Channel()
	require.NoError(t, err)
	return c
}

func shared(t testing.TB) string { return testenvtest.RabbitMQ(t).DSN }

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]rabbitqueue.Options{
		"Prefix": {Prefix: "a*"}, "MaxLength": {MaxLength: -1}, "Wait": {Wait: -1}, "Heartbeat": {Heartbeat: time.Millisecond},
	} {
		_, err := rabbitqueue.Open(t.Context(), "amqp://127.0.0.1:1/", &o)
		require.ErrorIs(t, err, notify.ErrInvalid)
		require.ErrorContains(t, err, name)
	}
	_, err := rabbitqueue.Open(t.Context(), "amqp://user:geheim@host:bad/", nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	require.NotContains(t, err.Error(), "geheim")
	_, err = rabbitqueue.Open(t.Context(), "amqp://user:geheim@127.0.0.1:1/", nil)
	require.ErrorContains(t, err, "rabbitqueue: connect")
	require.NotContains(t, err.Error(), "geheim")
}

func TestQueuesMadeOtherwiseAreRefused(t *testing.T) {
	t.Parallel()
	url, o := shared(t), quiet()
	enqueue(t, open(t, url, o), 1)
	o.Classic = true
	_, err := count.Enqueue(t.Context(), notify.NewClient(open(t, url, o), nil), 2)
	require.ErrorContains(t, err, "made with other options")
	refusal, ok := errors.AsType[*amqp.Error](err)
	require.True(t, ok)
	require.Equal(t, amqp.PreconditionFailed, refusal.Code)
}

func TestFullQueueRefusesAndKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	o := quiet()
	o.Classic, o.MaxLength = true, 3 // a quorum queue would count a little late
	q := open(t, shared(t), o)
	for i := range 3 {
		enqueue(t, q, i)
	}
	_, err := count.Enqueue(t.Context(), notify.NewClient(q, nil), 4)
	require.ErrorContains(t, err, "refused 1 of 1 jobs")
	ack(t, q, fetch(t, q, 1)...)
	require.Eventually(t, func() bool {
		_, err := count.Enqueue(t.Context(), notify.NewClient(q, nil), 5)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "there is room again")
}

// A message that the broker does not take closes the channel. Those beside it are stored all the same.
func TestMessageTooLargeForTheBroker(t *testing.T) {
	t.Parallel()
	q := open(t, shared(t), quiet())
	now := time.Now()
	envelope := func(id string, size int) *notify.Envelope {
		return &notify.Envelope{ID: id, Kind: "test", Queue: "default", Payload: bytes.Repeat([]byte{7}, size), EnqueuedAt: now, RunAt: now, MaxAttempts: 1}
	}
	err := q.Driver().Publish(t.Context(), []*notify.Envelope{envelope("a", 10), envelope("b", 128<<20)})
	require.ErrorIs(t, err, notify.ErrTooLarge)
	_, err = notify.NewTask[[]byte]("test.large", nil).Enqueue(t.Context(), notify.NewClient(q, nil), make([]byte, 128<<20))
	require.ErrorIs(t, err, notify.ErrTooLarge)
	require.NoError(t, q.Driver().Publish(t.Context(), []*notify.Envelope{envelope("c", 10)}))
	require.Equal(t, "c", fetch(t, q, 1)[0].ID)
}

func TestForeignMessageBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	url, o := shared(t), quiet()
	q := open(t, url, o)
	enqueue(t, q, 1)
	ack(t, q, fetch(t, q, 1)...)
	c := channel(t, url)
	for _, id := range []string{"damaged", ""} {
		require.NoError(t, c.PublishWithContext(t.Context(), "", o.Prefix+"default", true, false, amqp.Publishing{MessageId: id, Body: []byte("\xff\x00\xde\xad")}))
	}
	w := notify.NewWorker(q, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	require.Eventually(t, func() bool {
		records, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
		return err == nil && len(records) == 2 && records[0].Failure.Reason == notify.Unreadable && string(records[0].Payload) == "\xff\x00\xde\xad"
	}, 20*time.Second, 50*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

// A job whose worker's connection breaks comes back with one crash more, on both kinds of queues.
func TestBrokenConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	for _, classic := range []bool{false, true} {
		t.Run(fmt.Sprint("classic ", classic), func(t *testing.T) {
			t.Parallel()
			server := testenvtest.RabbitMQ(t)
			proxy := testenvtest.Proxy(t, server.Addr)
			o := quiet()
			o.Classic = classic
			q := open(t, "amqp://guest:guest@"+proxy.Addr()+"/", o)
			job := enqueue(t, q, 1)
			for crashes := range 3 {
				got := fetch(t, q, 1)
				require.Equal(t, job.ID, got[0].ID)
				require.Equal(t, crashes, got[0].Crashes)
				proxy.Cut()
				require.NoError(t, proxy.Heal())
				require.Eventually(t, func() bool {
					lost, err := q.Driver().Extend(t.Context(), got, time.Minute)
					return err == nil && len(lost) == 1
				}, 20*time.Second, time.Millisecond)
				lost, err := q.Driver().Ack(t.Context(), got)
				require.NoError(t, err)
				require.Equal(t, got, lost)
			}
		})
	}
}

// What nobody fetches any more goes to those who do, without counting as a crash.
func TestGivenUpFetchLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	url, o := shared(t), quiet()
	hoarder, other := open(t, url, o), open(t, url, o)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := hoarder.Driver().Fetch(ctx, notify.FetchRequest{Queue: "default", Max: 100, Lease: time.Minute})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for i := range 10 {
		enqueue(t, other, i)
	}
	for left := 10; left > 0; {
		got := fetch(t, other, left)
		for _, d := range got {
			require.Zero(t, d.Crashes)
		}
		ack(t, other, got...)
		left -= len(got)
	}
}

func TestClocksNeedNotAgree(t *testing.T) {
	t.Parallel()
	url, o := shared(t), *quiet()
	chaos.WrongClock(t, func(now func() time.Time) *notify.Queue {
		o.Now = now
		return open(t, url, &o)
	})
}

func TestLongDelaysAreOnTheirWay(t *testing.T) {
	t.Parallel()
	url, o := shared(t), quiet()
	q := open(t, url, o)
	for _, delay := range []time.Duration{time.Hour, 40 * 24 * time.Hour, 3 * 365 * 24 * time.Hour} {
		enqueue(t, q, 1, notify.After(delay))
	}
	total := 0
	c := channel(t, url)
	for bit := 3; bit <= 31; bit++ {
		info, err := c.QueueDeclarePassive(fmt.Sprintf("%s:delay:%d", o.Prefix, bit), true, false, false, false, nil)
		require.NoError(t, err)
		total += info.Messages
	}
	require.Equal(t, 3, total)
}

// What did not fit into one path is sent on by whoever consumes the queue.
func TestRestOfADelayIsNotForgotten(t *testing.T) {
	t.Parallel()
	url, o := shared(t), quiet()
	q := open(t, url, o)
	job := enqueue(t, q, 1)
	c := channel(t, url)
	var m amqp.Delivery
	require.Eventually(t, func() bool {
		got, ok, err := c.Get(o.Prefix+"default", true)
		m = got
		return err == nil && ok
	}, 20*time.Second, time.Millisecond)
	start := time.Now()
	require.NoError(t, c.PublishWithContext(t.Context(), "", o.Prefix+"default", true, false, amqp.Publishing{
		MessageId: m.MessageId, Body: m.Body, Headers: amqp.Table{"notify-rest": int64(500)},
	}))
	require.Equal(t, job.ID, fetch(t, q, 1)[0].ID)
	require.GreaterOrEqual(t, time.Since(start), 499*time.Millisecond)
}

// A broker whose disk is full blocks publishers; consuming goes on.
func TestFullDiskIsSaidAndPasses(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRabbitMQ(t, nil)
	o := quiet()
	o.Wait = 2 * time.Second
	q := open(t, server.DSN, o)
	stored := enqueue(t, q, 1)
	_, err := server.Control(t.Context(), "set_disk_free_limit", "900000GB")
	require.NoError(t, err)
	client := notify.NewClient(q, nil)
	require.Eventually(t, func() bool { // the broker tells of it when it gets the next message
		_, err = count.Enqueue(t.Context(), client, 2)
		return err != nil
	}, 30*time.Second, time.Millisecond)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "the broker takes no messages")
	require.Equal(t, stored.ID, fetch(t, q, 1)[0].ID)
	_, err = server.Control(t.Context(), "set_disk_free_limit", "50MB")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := count.Enqueue(t.Context(), client, 3)
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
}

func TestConsumingGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRabbitMQ(t, nil)
	q := open(t, server.DSN, quiet())
	handled := make(chan int, 10)
	w := notify.NewWorker(q, nil)
	count.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		handled <- job.Args
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	next := func(want int) { // those before may come again: their acknowledgement may have died with the broker
		for got := 0; got != want; {
			got = <-handled
			require.Positive(t, got)
			require.LessOrEqual(t, got, want)
		}
	}
	enqueue(t, q, 1)
	next(1)
	require.NoError(t, server.Restart(t.Context()))
	enqueue(t, q, 2)
	next(2)
	require.NoError(t, server.Kill())
	sent := make(chan error, 1)
	go func() { // waits for the broker
		_, err := count.Enqueue(t.Context(), notify.NewClient(q, nil), 3)
		sent <- err
	}()
	require.NoError(t, server.Restart(t.Context()))
	require.NoError(t, <-sent)
	next(3)
	cancel()
	require.NoError(t, <-done)
}

// Whoever works at a queue that an operator deletes makes it anew, and jobs that are enqueued
// after the deletion run, also those that come later.
func TestDeletedQueueIsMadeAnew(t *testing.T) {
	t.Parallel()
	for _, classic := range []bool{false, true} {
		t.Run(fmt.Sprint("classic ", classic), func(t *testing.T) {
			t.Parallel()
			url, o := shared(t), quiet()
			o.Classic = classic
			q := open(t, url, o)
			var handled sync.Map
			w := notify.NewWorker(q, nil)
			chaos.Count.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
				handled.Store(job.ID, true)
				return nil
			})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.Run(ctx) }()
			chaos.Enqueue(t, q, 1, notify.After(10*time.Millisecond))
			operator := channel(t, url)
			for range 2 {
				_, err := operator.QueueDelete(o.Prefix+"default", false, false, false)
				require.NoError(t, err)
				var all sync.WaitGroup
				for i := range 50 {
					all.Go(func() {
						job, err := chaos.Count.Enqueue(t.Context(), notify.NewClient(q, nil), i, notify.After(time.Duration(i%2)*time.Second))
						if assert.NoError(t, err) {
							assert.Eventually(t, func() bool { _, ok := handled.Load(job.ID); return ok }, time.Minute, 10*time.Millisecond, i)
						}
					})
				}
				all.Wait()
			}
			cancel()
			require.NoError(t, <-done)
		})
	}
}

func TestReplayedLetterRuns(t *testing.T) {
	t.Parallel()
	q := open(t, shared(t), quiet())
	job := enqueue(t, q, 1, notify.MaxAttempts(1))
	w := notify.NewWorker(q, nil)
	count.Handle(w, func(context.Context, *notify.Job[int]) error { return errors.New("broken") })
	require.Positive(t, notifytest.Drain(t, w))
	n, err := q.Replay(t.Context(), "default", job.ID)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, job.ID, fetch(t, q, 1)[0].ID)
}

func ExampleOpen() {
	queue, err := rabbitqueue.Open(context.Background(), "amqp://guest:guest@127.0.0.1:1/", &rabbitqueue.Options{Prefix: "shop:"})
	if err != nil { // Open connects, and there is no broker
		fmt.Println("no queue")
		return
	}
	defer queue.Close()
	// Output: no queue
}
