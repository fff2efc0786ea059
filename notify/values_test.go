package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

// runWorker runs a worker until the test ends, or stop is called.
func runWorker(t *testing.T, w *notify.Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

type mailV1 struct{ To string }

type mailV2 struct {
	To   []string
	Lang string
}

func TestOldArgumentsAreUpgraded(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	first := notify.NewTask[mailV1]("mail", nil)
	second := notify.NewTask[mailV2]("mail", &notify.TaskOptions{Version: 3})
	notify.Upgrade(second, 1, func(old mailV1) ([]string, error) {
		if old.To == "" {
			return nil, errors.New("no address")
		}
		return []string{old.To}, nil
	})
	notify.Upgrade(second, 2, func(to []string) (mailV2, error) { return mailV2{To: to, Lang: "en"}, nil })
	for _, to := range []string{"mei@example.com", ""} {
		_, err := first.Enqueue(t.Context(), client, mailV1{to})
		require.NoError(t, err)
	}
	_, err := second.Enqueue(t.Context(), client, mailV2{To: []string{"a", "b"}, Lang: "zh"})
	require.NoError(t, err)
	var got []mailV2
	var versions []int
	w := notify.NewWorker(q, nil)
	second.Handle(w, func(_ context.Context, job *notify.Job[mailV2]) error {
		got, versions = append(got, job.Args), append(versions, job.Version)
		return nil
	})
	notifytest.Drain(t, w)
	require.Equal(t, []mailV2{{[]string{"mei@example.com"}, "en"}, {[]string{"a", "b"}, "zh"}}, got)
	require.Equal(t, []int{1, 3}, versions)
	dead, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Len(t, dead, 1)
	require.Equal(t, notify.Unreadable, dead[0].Failure.Reason)
	require.Contains(t, dead[0].Failure.Error, "no address")
}

func TestJobsOfANewerProgramWaitForIt(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	_, err := notify.NewTask[int]("n", &notify.TaskOptions{Version: 2}).Enqueue(t.Context(), notify.NewClient(q, nil), 1)
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	notify.NewTask[int]("n", nil).Handle(w, func(context.Context, *notify.Job[int]) error {
		t.Error("an old worker handled a new job")
		return nil
	})
	notifytest.Drain(t, w)
	records, err := q.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, notify.Scheduled, records[0].State, "not a failure")
	require.Zero(t, records[0].Attempt)
}

func TestUpgradeRefusesWrongVersions(t *testing.T) {
	t.Parallel()
	client := notify.NewClient(openQueue(t), nil)
	same := func(v int) (int, error) { return v, nil }
	for name, task := range map[string]*notify.Task[int]{
		"own":   notify.Upgrade(notify.NewTask[int]("a", &notify.TaskOptions{Version: 2}), 2, same),
		"zero":  notify.Upgrade(notify.NewTask[int]("a", &notify.TaskOptions{Version: 2}), 0, same),
		"twice": notify.Upgrade(notify.Upgrade(notify.NewTask[int]("a", &notify.TaskOptions{Version: 2}), 1, same), 1, same),
	} {
		_, err := task.Enqueue(t.Context(), client, 1)
		require.ErrorIs(t, err, notify.ErrInvalid, name)
	}
}

func TestBatchesAreFilledAndFailJobByJob(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	args := make([]int, 25)
	for i := range args {
		args[i] = i
	}
	_, err := number.EnqueueMany(t.Context(), client, args, notify.MaxAttempts(2))
	require.NoError(t, err)
	var mu sync.Mutex
	var sizes []int
	seen := make(map[int]int)
	left := 25 + 2 // two of them twice
	done := make(chan struct{})
	w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 1})
	quick := notify.NewTask[int]("test.number", &notify.TaskOptions{MinBackoff: time.Millisecond})
	notify.HandleBatch(quick, w, &notify.BatchOptions{Size: 10, Wait: 20 * time.Millisecond}, func(_ context.Context, jobs []*notify.Job[int]) error {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(jobs))
		failed := notify.BatchError{}
		for i, job := range jobs {
			if seen[job.Args]++; job.Args%20 == 3 && job.Attempt == 1 { // 3 and 23
				failed[i] = errors.New("not yet")
			}
			if job.Attempt == 2 && len(jobs) != 1 {
				t.Error("one that failed before came with others")
			}
		}
		if left -= len(jobs); left == 0 {
			close(done)
		}
		return failed
	})
	stop := runWorker(t, w)
	<-done
	stop()
	require.Equal(t, []int{10, 10, 5}, sizes[:3])
	require.Len(t, seen, 25)
	require.Equal(t, 2, seen[3])
	require.Equal(t, 2, seen[23])
	require.Equal(t, 1, seen[4])
	stats, err := q.Stats(t.Context())
	require.NoError(t, err)
	require.Empty(t, stats[0].Counts, "all handled")
}

func TestPanicInABatchFailsAllAndIsRetriedAlone(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	_, err := number.EnqueueMany(t.Context(), notify.NewClient(q, nil), []int{1, 2, 3}, notify.MaxAttempts(2))
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	var alone []int
	quick := notify.NewTask[int]("test.number", &notify.TaskOptions{MinBackoff: 1, MaxBackoff: 1})
	notify.HandleBatch(quick, w, nil, func(_ context.Context, jobs []*notify.Job[int]) error {
		if len(jobs) > 1 || jobs[0].Args == 2 {
			panic("bad one")
		}
		alone = append(alone, jobs[0].Args)
		return nil
	})
	for len(alone) < 2 {
		notifytest.Drain(t, w)
	}
	notifytest.Drain(t, w)
	require.ElementsMatch(t, []int{1, 3}, alone)
	dead, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Len(t, dead, 1)
	require.Equal(t, notify.Panicked, dead[0].Failure.Reason)
}

func TestResults(t *testing.T) {
	t.Parallel()
	clock := notifytest.NewClock(time.Now())
	q := memqueue.Open(&notify.Options{Now: clock.Now, Logger: slog.New(slog.DiscardHandler)})
	defer q.Close()
	client := notify.NewClient(q, nil)
	task := notify.NewTask[int]("test.square", &notify.TaskOptions{MaxAttempts: 1})
	w := notify.NewWorker(q, nil)
	notify.HandleResult(task, w, func(_ context.Context, job *notify.Job[int]) (map[string]int, error) {
		if job.Args < 0 {
			return nil, errors.New("negative")
		}
		return map[string]int{"square": job.Args * job.Args}, nil
	})
	good, err := task.Enqueue(t.Context(), client, 7)
	require.NoError(t, err)
	bad, err := task.Enqueue(t.Context(), client, -1)
	require.NoError(t, err)
	_, err = notify.Result[map[string]int](t.Context(), q, good.ID)
	require.ErrorIs(t, err, notify.ErrNoResult)
	notifytest.Drain(t, w)
	got, err := notify.AwaitResult[map[string]int](t.Context(), q, good.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"square": 49}, got)
	_, err = notify.Result[map[string]int](t.Context(), q, bad.ID)
	failed, ok := errors.AsType[*notify.FailedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "negative", failed.Failure.Error)
	clock.Advance(time.Hour)
	_, err = notify.Result[map[string]int](t.Context(), q, good.ID)
	require.ErrorIs(t, err, notify.ErrNoResult, "after its time")
	_, err = notify.Result[int](t.Context(), q, "a/b")
	require.ErrorIs(t, err, notify.ErrInvalid)
	bare := notify.New(bare{q.Driver()}, nil)
	_, err = notify.Result[int](t.Context(), bare, "a")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	w = notify.NewWorker(bare, nil)
	notify.HandleResult(task, w, func(context.Context, *notify.Job[int]) (int, error) { return 0, nil })
	require.ErrorIs(t, w.Run(t.Context()), errors.ErrUnsupported)
}

func TestStateOfAnotherBackend(t *testing.T) {
	t.Parallel()
	store := openQueue(t)
	q := notify.New(bare{openQueue(t).Driver()}, &notify.Options{State: store.Driver().(notify.StateStore), Logger: slog.New(slog.DiscardHandler)})
	client := notify.NewClient(q, nil)
	var group sync.WaitGroup
	var stored atomic.Int32
	for range 50 {
		group.Go(func() {
			job, err := number.Enqueue(t.Context(), client, 1, notify.Unique(time.Hour))
			if err != nil {
				t.Error(err)
			} else if !job.Duplicate {
				stored.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, stored.Load(), "unique without a UniquePublisher")
	_, err := number.Enqueue(t.Context(), client, 2, notify.UniqueKey("other", time.Hour))
	require.NoError(t, err)
	handled := 0
	w := notify.NewWorker(q, nil)
	number.Handle(w, func(context.Context, *notify.Job[int]) error { handled++; return nil })
	notifytest.Drain(t, w)
	require.Equal(t, 2, handled)
}

func TestGroupIsFollowedWhenAllHaveEnded(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	part := notify.NewTask[int]("test.part", &notify.TaskOptions{MaxAttempts: 1})
	whole := notify.NewTask[string]("test.whole", nil)
	g := notify.NewGroup(client, nil)
	const members = 40
	for i := range members {
		part.AddTo(g, i)
	}
	whole.Then(g, "catalogue")
	require.NoError(t, g.Enqueue(t.Context()))
	require.NoError(t, g.Enqueue(t.Context()), "again, as after an unclear answer")
	status, err := q.Group(t.Context(), g.ID())
	require.NoError(t, err)
	require.Equal(t, &notify.GroupStatus{ID: g.ID(), Total: members}, status)

	var ended atomic.Int32
	followed := make(chan string, 10)
	var stops []func()
	for range 2 {
		w := notify.NewWorker(q, nil)
		part.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
			defer ended.Add(1)
			if job.Args%13 == 5 {
				return errors.New("no")
			}
			return nil
		})
		whole.Handle(w, func(_ context.Context, job *notify.Job[string]) error {
			if n := ended.Load(); n != members {
				t.Errorf("followed after %d", n)
			}
			followed <- job.Group + " " + job.Args
			return nil
		})
		stops = append(stops, runWorker(t, w))
	}
	require.Equal(t, g.ID()+" catalogue", <-followed)
	for _, stop := range stops {
		stop()
	}
	require.Empty(t, followed, "once")
	status, err = q.Group(t.Context(), g.ID())
	require.NoError(t, err)
	require.Equal(t, &notify.GroupStatus{ID: g.ID(), Total: members, Ended: members, Failed: []int{5, 18, 31}, Done: true}, status)

	empty := notify.NewGroup(client, nil)
	whole.Then(empty, "at once")
	require.NoError(t, empty.Enqueue(t.Context()))
	require.Equal(t, []string{"at once"}, notifytest.Waiting(t, q, whole))

	wrong := notify.NewGroup(client, nil)
	part.AddTo(wrong, 1, notify.Unique(time.Hour))
	require.ErrorIs(t, wrong.Enqueue(t.Context()), notify.ErrInvalid)
	_, err = q.Group(t.Context(), "unknown")
	require.ErrorIs(t, err, notify.ErrNoGroup)
}

func TestConcurrencyOfATaskHoldsOverAllWorkers(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	limited := notify.NewTask[int]("test.limited", &notify.TaskOptions{Concurrency: 3})
	const jobs = 60
	_, err := limited.EnqueueMany(t.Context(), client, make([]int, jobs))
	require.NoError(t, err)
	_, err = number.EnqueueMany(t.Context(), client, make([]int, jobs))
	require.NoError(t, err)
	var running, most, handled, others atomic.Int32
	done := make(chan struct{})
	for range 3 {
		w := notify.NewWorker(q, &notify.WorkerOptions{Concurrency: 8})
		limited.Handle(w, func(context.Context, *notify.Job[int]) error {
			n := running.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			for range 50 { // so that more could overlap
				runtime.Gosched()
			}
			running.Add(-1)
			if handled.Add(1) == jobs {
				close(done)
			}
			return nil
		})
		number.Handle(w, func(context.Context, *notify.Job[int]) error { others.Add(1); return nil })
		runWorker(t, w)
	}
	<-done
	require.LessOrEqual(t, most.Load(), int32(3))
	require.Positive(t, others.Load(), "others are not held up")
}

func TestRateOfATaskHoldsOverAllWorkers(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	limited := notify.NewTask[int]("test.rated", &notify.TaskOptions{Rate: 100, Burst: 5})
	_, err := limited.EnqueueMany(t.Context(), notify.NewClient(q, nil), make([]int, 25))
	require.NoError(t, err)
	var handled atomic.Int32
	done := make(chan struct{})
	begin := time.Now()
	for range 2 {
		w := notify.NewWorker(q, nil)
		limited.Handle(w, func(context.Context, *notify.Job[int]) error {
			if handled.Add(1) == 25 {
				close(done)
			}
			return nil
		})
		runWorker(t, w)
	}
	<-done
	require.GreaterOrEqual(t, time.Since(begin), 190*time.Millisecond, "20 beyond the burst at 100 a second")
}

func TestPayloadsAreEncryptedAndKeysRotate(t *testing.T) {
	t.Parallel()
	secret := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	ring := func(keys ...notify.SecretKey) *notify.Keyring {
		k, err := notify.NewKeyring(keys...)
		require.NoError(t, err)
		return k
	}
	before, after := notify.SecretKey{Name: "2025", Secret: secret(1)}, notify.SecretKey{Name: "2026", Secret: secret(2)}
	stored := openQueue(t)
	open := func(k *notify.Keyring) *notify.Queue {
		return notify.New(stored.Driver(), &notify.Options{Keys: k, Logger: slog.New(slog.DiscardHandler)})
	}
	text := notify.NewTask[string]("test.text", &notify.TaskOptions{MaxAttempts: 1})
	enqueue := func(q *notify.Queue, s string, options ...notify.Option) *notify.Enqueued {
		job, err := text.Enqueue(t.Context(), notify.NewClient(q, nil), s, options...)
		require.NoError(t, err)
		return job
	}
	enqueue(open(ring(before)), "old key")
	enqueue(open(ring(after, before)), "new key")
	enqueue(stored, "in clear")
	require.False(t, enqueue(open(ring(after)), "twice", notify.Unique(time.Hour)).Duplicate)
	require.True(t, enqueue(open(ring(after)), "twice", notify.Unique(time.Hour)).Duplicate, "random nonces do not hide duplicates")
	raw, err := stored.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	for _, r := range raw {
		require.Equal(t, r.Secret == "", strings.Contains(string(r.Payload), "in clear"))
		require.NotContains(t, string(r.Payload), "key")
		require.NotContains(t, string(r.Payload), "twice")
	}
	require.ElementsMatch(t, []string{"old key", "new key", "in clear", "twice"}, notifytest.Waiting(t, open(ring(after, before)), text))

	var got []string
	handle := func(k *notify.Keyring) {
		w := notify.NewWorker(open(k), nil)
		notify.HandleResult(text, w, func(_ context.Context, job *notify.Job[string]) (string, error) {
			got = append(got, job.Args)
			return "answer " + job.Args, nil
		})
		notifytest.Drain(t, w)
	}
	handle(ring(after))
	require.ElementsMatch(t, []string{"new key", "in clear", "twice"}, got)
	dead, err := stored.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Len(t, dead, 1)
	require.Equal(t, notify.Unreadable, dead[0].Failure.Reason)
	_, err = stored.Replay(t.Context(), "default", dead[0].ID)
	require.NoError(t, err)
	handle(ring(after, before))
	require.Equal(t, "old key", got[3], "nothing is lost by a missing key")
	answer, err := notify.Result[string](t.Context(), open(ring(after)), dead[0].ID)
	require.NoError(t, err)
	require.Equal(t, "answer old key", answer)
	_, err = notify.Result[string](t.Context(), stored, dead[0].ID)
	require.ErrorIs(t, err, notify.ErrKey)

	for name, keys := range map[string][]notify.SecretKey{
		"none": {}, "short": {{Name: "a", Secret: secret(1)[:16]}}, "twice": {before, before}, "name": {{Name: "", Secret: secret(1)}},
	} {
		_, err := notify.NewKeyring(keys...)
		require.ErrorIs(t, err, notify.ErrInvalid, name)
	}
}

func TestPayloadOfAnotherJobIsRefused(t *testing.T) {
	t.Parallel()
	keys, err := notify.NewKeyring(notify.SecretKey{Name: "k", Secret: bytes.Repeat([]byte{1}, 32)})
	require.NoError(t, err)
	stored := openQueue(t)
	q := notify.New(stored.Driver(), &notify.Options{Keys: keys, Logger: slog.New(slog.DiscardHandler)})
	text := notify.NewTask[string]("test.text", nil)
	for _, s := range []string{"a", "b"} {
		_, err := text.Enqueue(t.Context(), notify.NewClient(q, nil), s)
		require.NoError(t, err)
	}
	deliveries, err := stored.Driver().Fetch(t.Context(), notify.FetchRequest{Queue: "default", Max: 2, Lease: time.Minute})
	require.NoError(t, err)
	swapped := *deliveries[0].Envelope
	swapped.Payload = deliveries[1].Payload
	_, err = stored.Driver().Nack(t.Context(), []notify.Nack{{Delivery: deliveries[0], Envelope: &swapped}})
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	text.Handle(w, func(context.Context, *notify.Job[string]) error { t.Error("handled"); return nil })
	notifytest.Drain(t, w)
	dead, err := stored.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Len(t, dead, 1)
	require.Contains(t, dead[0].Failure.Error, "of another job")
}

func TestBeforeMayChangeAndRefuse(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	refused := errors.New("not on Sundays")
	client := notify.NewClient(q, &notify.ClientOptions{Before: []func(context.Context, *notify.Envelope) error{
		func(_ context.Context, e *notify.Envelope) error {
			if string(e.Payload) == "7" {
				return refused
			}
			e.Headers = map[string]string{"trace": "1"}
			return nil
		},
	}})
	_, err := number.Enqueue(t.Context(), client, 7)
	require.ErrorIs(t, err, refused)
	_, err = number.Enqueue(t.Context(), client, 1)
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	number.Handle(w, func(_ context.Context, job *notify.Job[int]) error {
		require.Equal(t, 1, job.Args)
		require.Equal(t, "1", job.Headers["trace"])
		return nil
	})
	require.Equal(t, 1, notifytest.Drain(t, w))
}

func TestSearchAndReplayOfDeadLetters(t *testing.T) {
	t.Parallel()
	q := openQueue(t)
	client := notify.NewClient(q, nil)
	text := notify.NewTask[string]("test.text", nil)
	args := make([]string, 1200)
	for i := range args {
		args[i] = fmt.Sprintf("order %d", i)
	}
	_, err := text.EnqueueMany(t.Context(), client, args, notify.MaxAttempts(1))
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	broken := true
	text.Handle(w, func(_ context.Context, job *notify.Job[string]) error {
		switch {
		case !broken:
			return nil
		case strings.HasSuffix(job.Args, "7"):
			return errors.New("Provider said: Mailbox Full")
		}
		return errors.New("provider down")
	})
	notifytest.Drain(t, w)
	full, err := q.List(t.Context(), notify.Filter{State: notify.Dead, Text: "mailbox full", Limit: 500})
	require.NoError(t, err)
	require.Len(t, full, 120)
	page, err := q.List(t.Context(), notify.Filter{Text: "mailbox full", Limit: 100, Offset: 100})
	require.NoError(t, err)
	require.Len(t, page, 20)
	one, err := q.List(t.Context(), notify.Filter{Text: "ORDER 1199"})
	require.NoError(t, err)
	require.Len(t, one, 1)
	_, err = q.List(t.Context(), notify.Filter{Text: strings.Repeat("x", 201)})
	require.ErrorIs(t, err, notify.ErrInvalid)

	n, err := q.DeleteAll(t.Context(), notify.Filter{State: notify.Dead, Text: "mailbox full"})
	require.NoError(t, err)
	require.Equal(t, 120, n)
	n, err = q.ReplayAll(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Equal(t, 1080, n)
	broken = false
	require.Equal(t, 1080, notifytest.Drain(t, w))
}
