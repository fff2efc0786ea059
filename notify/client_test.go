package notify_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var number = notify.NewTask[int]("test.number", nil)

func openQueue(t *testing.T) *notify.Queue {
	t.Helper()
	q := memqueue.Open(&notify.Options{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

// bare hides every ability beyond the driver's six methods.
type bare struct{ notify.Driver }

func TestEnqueueRefusesBadInput(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		task   *notify.Task[int]
		option notify.Option
		field  string
	}{
		"no kind":             {task: notify.NewTask[int]("", nil), field: "kind"},
		"kind with space":     {task: notify.NewTask[int]("a b", nil), field: "kind"},
		"kind with newline":   {task: notify.NewTask[int]("a\nb", nil), field: "kind"},
		"long kind":           {task: notify.NewTask[int](long, nil), field: "kind"},
		"bad queue":           {task: notify.NewTask[int]("a", &notify.TaskOptions{Queue: "q/../x"}), field: "queue"},
		"attempts":            {task: notify.NewTask[int]("a", &notify.TaskOptions{MaxAttempts: -2}), field: "MaxAttempts"},
		"timeout":             {task: notify.NewTask[int]("a", &notify.TaskOptions{Timeout: -time.Second}), field: "Timeout"},
		"backoff":             {task: notify.NewTask[int]("a", &notify.TaskOptions{MinBackoff: 2 * time.Hour}), field: "MinBackoff"},
		"negative delay":      {option: notify.After(-time.Second), field: "After"},
		"no unique window":    {option: notify.Unique(0), field: "Unique"},
		"empty unique key":    {option: notify.UniqueKey("", time.Hour), field: "UniqueKey"},
		"priority":            {option: notify.Priority(10), field: "Priority"},
		"negative priority":   {option: notify.Priority(-1), field: "Priority"},
		"other queue":         {option: notify.InQueue("a b"), field: "InQueue"},
		"long key":            {option: notify.Key(long), field: "Key"},
		"key not UTF-8":       {option: notify.Key("\xff"), field: "Key"},
		"empty header":        {option: notify.Header("", "x"), field: "Header"},
		"large header":        {option: notify.Header("a", strings.Repeat("x", 5<<10)), field: "Header"},
		"max attempts":        {option: notify.MaxAttempts(0), field: "MaxAttempts"},
		"expires in the past": {option: notify.ExpireAfter(-1), field: "ExpireAfter"},
	} {
		t.Run(name, func(t *testing.T) {
			task, options := number, []notify.Option(nil)
			if c.task != nil {
				task = c.task
			} else {
				options = append(options, c.option)
			}
			_, err := task.Enqueue(t.Context(), client, 1, options...)
			invalid, ok := errors.AsType[*notify.InvalidError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.field, invalid.Field)
			require.NotEmpty(t, invalid.Reason)
			require.ErrorIs(t, err, notify.ErrInvalid)
		})
	}
	stats, err := q.Stats(t.Context())
	require.NoError(t, err)
	require.Empty(t, stats, "nothing was stored")
}

func TestEnqueueRefusesLargePayload(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, &notify.ClientOptions{MaxPayload: 10})
	text := notify.NewTask[string]("test.text", nil)
	_, err := text.Enqueue(t.Context(), client, "12345678")
	require.NoError(t, err)
	_, err = text.EnqueueMany(t.Context(), client, []string{"fits", "123456789"})
	large, ok := errors.AsType[*notify.TooLargeError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, &notify.TooLargeError{Kind: "test.text", Size: 11, Max: 10}, large)
	require.ErrorIs(t, err, notify.ErrTooLarge)
	require.ErrorIs(t, err, notify.ErrInvalid)
	require.Equal(t, []string{"12345678"}, notifytest.Waiting(t, q, text), "all or none")
}

// 128 MB are refused by the default limit, and by the highest that can be set.
func TestEnqueueRefusesHugePayload(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	huge := notify.NewTask[[]byte]("test.huge", nil)
	args := make([]byte, 96_000_000) // base64 makes 128 MB of it
	for _, o := range []*notify.ClientOptions{nil, {MaxPayload: 64 << 20}} {
		_, err := huge.Enqueue(t.Context(), notify.NewClient(q, o), args)
		large, ok := errors.AsType[*notify.TooLargeError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 128_000_002, large.Size)
	}
	_, err := huge.Enqueue(t.Context(), notify.NewClient(q, &notify.ClientOptions{MaxPayload: 128 << 20}), nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	require.Empty(t, notifytest.Waiting(t, q, huge))
}

func TestEnqueueRefusesWhatJSONCannotHold(t *testing.T) {
	t.Parallel()
	task := notify.NewTask[func()]("test.func", nil)
	_, err := task.Enqueue(t.Context(), notify.NewClient(openQueue(t), nil), func() {})
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func TestBadOptionsSurface(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	_, err := number.Enqueue(t.Context(), notify.NewClient(q, &notify.ClientOptions{MaxPayload: -1}), 1)
	require.ErrorIs(t, err, notify.ErrInvalid)
	for name, o := range map[string]*notify.WorkerOptions{
		"concurrency": {Concurrency: -1}, "lease": {Lease: time.Millisecond}, "stop": {StopTimeout: -2},
		"queue":  {Queues: map[string]notify.QueueOptions{"a b": {}}},
		"weight": {Queues: map[string]notify.QueueOptions{"a": {Weight: -1}}},
		"rate":   {Queues: map[string]notify.QueueOptions{"a": {Rate: -1}}},
	} {
		require.ErrorIs(t, notify.NewWorker(q, o).Run(t.Context()), notify.ErrInvalid, name)
	}
	w := notify.NewWorker(q, nil)
	handler := func(context.Context, *notify.Job[int]) error { return nil }
	number.Handle(w, handler)
	number.Handle(w, handler)
	require.ErrorContains(t, w.Run(t.Context()), "set twice")
	w = notify.NewWorker(q, nil)
	notify.NewTask[int]("bad kind", nil).Handle(w, handler)
	require.ErrorIs(t, w.Run(t.Context()), notify.ErrInvalid)
}

func TestUnsupportedIsAnError(t *testing.T) {
	t.Parallel()
	q := notify.New(bare{openQueue(t).Driver()}, nil)
	client := notify.NewClient(q, nil)
	ctx := t.Context()
	_, err := number.Enqueue(ctx, client, 1)
	require.NoError(t, err)
	_, unique := number.Enqueue(ctx, client, 1, notify.Unique(time.Hour))
	_, keyed := number.Enqueue(ctx, client, 1, notify.Key("a"))
	_, tx := number.EnqueueTx(ctx, client, new(sql.Tx), 1)
	_, stats := q.Stats(ctx)
	_, list := q.List(ctx, notify.Filter{})
	_, replay := q.Replay(ctx, "default", "a")
	_, remove := q.Delete(ctx, "default", "a")
	schedule := notify.NewScheduler(client, nil).Run(ctx)
	for i, err := range []error{unique, keyed, tx, stats, list, replay, remove, q.Pause(ctx, "default"), schedule} {
		require.ErrorIs(t, err, errors.ErrUnsupported, "%d", i)
	}
	w := notify.NewWorker(q, nil)
	handled := 0
	number.Handle(w, func(context.Context, *notify.Job[int]) error { handled++; return nil })
	require.Equal(t, 1, notifytest.Drain(t, w), "a bare driver works, too")
	require.Equal(t, 1, handled)
}

func TestOperatorRefusesBadInput(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	_, err := q.List(t.Context(), notify.Filter{State: "lost"})
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = q.List(t.Context(), notify.Filter{Limit: 501})
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = q.List(t.Context(), notify.Filter{Offset: -1})
	require.ErrorIs(t, err, notify.ErrInvalid)
	require.ErrorIs(t, q.Pause(t.Context(), "a b"), notify.ErrInvalid)
	_, err = q.Replay(t.Context(), "", "x")
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func TestUniqueByArgumentsAndByKey(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	enqueue := func(n int, o ...notify.Option) *notify.Enqueued {
		job, err := number.Enqueue(t.Context(), client, n, o...)
		require.NoError(t, err)
		return job
	}
	first := enqueue(1, notify.Unique(time.Hour))
	require.False(t, first.Duplicate)
	again := enqueue(1, notify.Unique(time.Hour))
	require.True(t, again.Duplicate)
	require.Equal(t, first.ID, again.ID)
	require.False(t, enqueue(2, notify.Unique(time.Hour)).Duplicate)
	require.False(t, enqueue(1, notify.Unique(time.Hour), notify.InQueue("other")).Duplicate)
	require.False(t, enqueue(1).Duplicate, "without the option nothing is refused")
	require.False(t, enqueue(1, notify.UniqueKey("k", time.Hour)).Duplicate)
	require.True(t, enqueue(9, notify.UniqueKey("k", time.Hour)).Duplicate)
}

// gated lets a test hold publishing.
type gated struct {
	notify.Driver
	entered chan int
	open    chan struct{}
	fail    error
}

func (g *gated) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	g.entered <- len(envelopes)
	select {
	case <-g.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.fail != nil {
		return g.fail
	}
	return g.Driver.Publish(ctx, envelopes)
}

func TestConcurrentCallersShareAWrite(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	g := &gated{Driver: q.Driver(), entered: make(chan int, 100), open: make(chan struct{})}
	client := notify.NewClient(notify.New(g, nil), nil)
	var group sync.WaitGroup
	enqueue := func(ctx context.Context, n int) {
		group.Go(func() {
			if _, err := number.Enqueue(ctx, client, n); err != nil {
				t.Error(err)
			}
		})
	}
	enqueue(t.Context(), 0)
	require.Equal(t, 1, <-g.entered)
	// Until the first write ends the others gather. One of them gives up waiting.
	ctx, cancel := context.WithCancel(t.Context())
	quit := make(chan error, 1)
	go func() {
		_, err := number.Enqueue(ctx, client, 99)
		quit <- err
	}()
	for i := range 20 {
		enqueue(t.Context(), i+1)
	}
	require.Eventually(t, func() bool { return notify.Gathered(client) == 21 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-quit, context.Canceled)
	close(g.open)
	group.Wait()
	require.Equal(t, 20, <-g.entered)
	require.Len(t, notifytest.Waiting(t, q, number), 21)
}

// picky takes no job of the number 7.
type picky struct{ *gated }

func (p picky) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	for _, e := range envelopes {
		if string(e.Payload) == "7" {
			<-p.open
			return &notify.TooLargeError{Kind: e.Kind, Size: 1}
		}
	}
	return p.gated.Publish(ctx, envelopes)
}

func TestOneRefusedJobDoesNotFailThoseItWaitedWith(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	g := picky{&gated{Driver: q.Driver(), entered: make(chan int, 100), open: make(chan struct{})}}
	client := notify.NewClient(notify.New(g, nil), nil)
	var group sync.WaitGroup
	enqueue := func(n int) {
		group.Go(func() {
			if _, err := number.Enqueue(t.Context(), client, n); n == 7 != errors.Is(err, notify.ErrTooLarge) {
				t.Error(n, err)
			}
		})
	}
	enqueue(0)
	<-g.entered
	for n := range 9 {
		enqueue(n + 1)
	}
	require.Eventually(t, func() bool { return notify.Gathered(client) == 9 }, 10*time.Second, time.Millisecond)
	close(g.open)
	group.Wait()
	require.Len(t, notifytest.Waiting(t, q, number), 9)
}

func TestBackendErrorReachesEveryCaller(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	g := &gated{Driver: openQueue(t).Driver(), entered: make(chan int, 100), open: make(chan struct{}), fail: broken}
	close(g.open)
	client := notify.NewClient(notify.New(g, nil), nil)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, err := number.Enqueue(t.Context(), client, 1); !errors.Is(err, broken) {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func ExampleTask_Enqueue() {
	queue := memqueue.Open(nil)
	defer queue.Close()
	client := notify.NewClient(queue, nil)
	ctx := context.Background()

	first, _ := sendWelcome.Enqueue(ctx, client, welcome{Name: "Mei"}, notify.Unique(time.Minute))
	again, _ := sendWelcome.Enqueue(ctx, client, welcome{Name: "Mei"}, notify.Unique(time.Minute))
	fmt.Println(again.Duplicate, again.ID == first.ID)

	_, err := sendWelcome.Enqueue(ctx, client, welcome{Name: "Mei"}, notify.After(-time.Hour))
	fmt.Println(err)
	// Output:
	// true true
	// notify: invalid After: must not be negative
}
