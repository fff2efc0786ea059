package sqlqueue_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/stretchr/testify/require"
)

var (
	count  = notify.NewTask[int]("test.count", &notify.TaskOptions{MaxAttempts: 100})
	silent = &sqlqueue.Options{Options: notify.Options{Logger: slog.New(slog.DiscardHandler)}}
)

func stillStored(t *testing.T, q *notify.Queue) []*notify.Record {
	t.Helper()
	records, err := q.List(t.Context(), notify.Filter{Limit: 500})
	require.NoError(t, err)
	return records
}

func TestCorruptBodyIsBuriedAndShown(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "queue.db"))
	q, err := sqlqueue.Open(t.Context(), db, silent)
	require.NoError(t, err)
	defer q.Close()
	job, err := count.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
	require.NoError(t, err)
	_, err = db.Exec("UPDATE notify_jobs SET body = x'FF00DEAD'")
	require.NoError(t, err)
	require.Equal(t, notify.Unreadable, stillStored(t, q)[0].Failure.Reason, "an operator sees it")

	w := notify.NewWorker(q, nil)
	count.Handle(w, func(context.Context, *notify.Job[int]) error { t.Error("handled"); return nil })
	notifytest.Drain(t, w)
	letter := stillStored(t, q)[0]
	require.Equal(t, job.ID, letter.ID)
	require.Equal(t, notify.Dead, letter.State)
	require.Equal(t, notify.Unreadable, letter.Failure.Reason)
	require.Equal(t, "\xff\x00\xde\xad", string(letter.Payload))
}

func TestPublishedTwiceIsStoredOnce(t *testing.T) {
	t.Parallel()
	q, err := sqlqueue.Open(t.Context(), openDB(t, filepath.Join(t.TempDir(), "queue.db")), silent)
	require.NoError(t, err)
	defer q.Close()
	for range 2 {
		e := &notify.Envelope{ID: "same", Kind: "k", Queue: "default", RunAt: time.Now(), MaxAttempts: 1, UniqueKey: "u", UniqueFor: time.Hour}
		ids, err := q.Driver().(notify.UniquePublisher).PublishUnique(t.Context(), []*notify.Envelope{e})
		require.NoError(t, err)
		require.Equal(t, []string{"same"}, ids)
	}
	require.Len(t, stillStored(t, q), 1)
}

func TestIdleQueueWritesNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "queue.db")
	q, err := sqlqueue.Open(t.Context(), openDB(t, file), silent)
	require.NoError(t, err)
	defer q.Close()
	watch := openDB(t, file)
	watch.SetMaxOpenConns(1) // data_version tells of changes by other connections
	version := func() (v int) {
		require.NoError(t, watch.QueryRow("PRAGMA data_version").Scan(&v))
		return v
	}
	before := version()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = q.Driver().Fetch(ctx, notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, before, version())
}

func TestMigratingAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "queue.db")
	var group sync.WaitGroup
	for range 6 {
		db := openDB(t, file)
		group.Go(func() {
			if err := sqlqueue.Migrate(t.Context(), db); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	q, err := sqlqueue.Open(t.Context(), openDB(t, file), &sqlqueue.Options{SkipMigrations: true})
	require.NoError(t, err)
	require.NoError(t, q.Close())
}

func TestOneConnectionAndAnOpenTransaction(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "queue.db"))
	db.SetMaxOpenConns(1)
	q, err := sqlqueue.Open(t.Context(), db, silent)
	require.NoError(t, err)
	defer q.Close()
	client := notify.NewClient(q, nil)
	w := notify.NewWorker(q, nil)
	done := make(chan int, 1)
	count.Handle(w, func(_ context.Context, job *notify.Job[int]) error { done <- job.Args; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("CREATE TABLE orders (id INTEGER)")
	require.NoError(t, err)
	first, err := count.EnqueueTx(t.Context(), client, tx, 7, notify.Unique(time.Hour))
	require.NoError(t, err)
	again, err := count.EnqueueTx(t.Context(), client, tx, 7, notify.Unique(time.Hour))
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	require.True(t, again.Duplicate)
	require.NoError(t, tx.Commit())
	require.Equal(t, 7, <-done)
	cancel()
	require.NoError(t, <-ended)
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	_, err := sqlqueue.Open(t.Context(), nil, &sqlqueue.Options{PollInterval: -1})
	require.ErrorIs(t, err, notify.ErrInvalid)
	db := openDB(t, filepath.Join(t.TempDir(), "missing", "queue.db"))
	_, err = sqlqueue.Open(t.Context(), db, nil)
	require.ErrorContains(t, err, "sqlqueue: open")
}

func ExampleOpen() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // of a database in memory each connection would get its own
	queue, err := sqlqueue.Open(ctx, db, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer queue.Close()

	task := notify.NewTask[string]("order.paid", nil)
	client := notify.NewClient(queue, nil)
	tx, _ := db.BeginTx(ctx, nil)
	_, err = task.EnqueueTx(ctx, client, tx, "order-1001") // with the order, or not at all
	fmt.Println(err, tx.Commit())

	worker := notify.NewWorker(queue, nil)
	task.Handle(worker, func(_ context.Context, job *notify.Job[string]) error {
		fmt.Println("paid:", job.Args)
		return nil
	})
	n, err := worker.Drain(ctx)
	fmt.Println(n, err)
	// Output:
	// <nil> <nil>
	// paid: order-1001
	// 1 <nil>
}
