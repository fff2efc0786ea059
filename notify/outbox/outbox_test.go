package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/outbox"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type mail struct{ Order int }

var (
	send   = notify.NewTask[mail]("mail.order", nil)
	silent = slog.New(slog.DiscardHandler)
)

// place is how a database is reached, also from another process.
type place struct{ driver, dsn string }

var places = map[string]func(t testing.TB) place{
	"sqlite": func(t testing.TB) place {
		return place{"sqlite", "file:" + filepath.Join(t.TempDir(), "shop.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate&_pragma=synchronous(OFF)"}
	},
	"mariadb":  func(t testing.TB) place { return place{"mysql", testenvtest.Database(t, testenvtest.MariaDB(t))} },
	"mysql":    func(t testing.TB) place { return place{"mysql", testenvtest.Database(t, testenvtest.MySQL(t))} },
	"postgres": func(t testing.TB) place { return place{"pgx", testenvtest.Database(t, testenvtest.Postgres(t))} },
}

func (p place) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.driver, p.dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(8)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// everywhere runs a test on each database.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	for name, make := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, make(t))
		})
	}
}

func openTarget(t testing.TB) *notify.Queue {
	q := memqueue.Open(&notify.Options{Logger: silent})
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

// inTx enqueues in a transaction that commits, or is rolled back.
func inTx(t testing.TB, db *sql.DB, client *notify.Client, commit bool, orders []int, options ...notify.Option) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	for _, order := range orders {
		_, err := send.EnqueueTx(t.Context(), client, tx, mail{order}, options...)
		require.NoError(t, err)
	}
	if commit {
		require.NoError(t, tx.Commit())
	}
}

func TestOnlyWhatIsCommittedReachesTheQueue(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		db, target := p.open(t), openTarget(t)
		box, err := outbox.Open(t.Context(), db, nil)
		require.NoError(t, err)
		client := notify.NewClient(box, nil)
		relay, err := outbox.NewRelay(t.Context(), db, target, &outbox.RelayOptions{Logger: silent})
		require.NoError(t, err)
		inTx(t, db, client, true, []int{1, 2})
		inTx(t, db, client, false, []int{3})
		_, err = send.Enqueue(t.Context(), client, mail{4}, notify.After(time.Hour), notify.Priority(3), notify.Header("a", "b"))
		require.NoError(t, err)
		for range 2 {
			_, err = send.Enqueue(t.Context(), client, mail{5}, notify.Unique(time.Hour))
			require.NoError(t, err)
		}
		require.Empty(t, notifytest.Waiting(t, target, send))
		n, err := relay.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 5, n)
		require.ElementsMatch(t, []mail{{1}, {2}, {4}, {5}}, notifytest.Waiting(t, target, send))
		later, err := target.List(t.Context(), notify.Filter{State: notify.Scheduled})
		require.NoError(t, err)
		require.Len(t, later, 1)
		require.Equal(t, 3, later[0].Priority)
		require.Equal(t, "b", later[0].Headers["a"])
		n, err = relay.Drain(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.EqualValues(t, 5, relay.Moved())
	})
}

func TestSeveralRelaysKeepTheOrderOfEachKey(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		db, target := p.open(t), openTarget(t)
		box, err := outbox.Open(t.Context(), db, nil)
		require.NoError(t, err)
		client := notify.NewClient(box, nil)
		ctx, stop := context.WithCancel(t.Context())
		var relays sync.WaitGroup
		for range 3 {
			relay, err := outbox.NewRelay(t.Context(), p.open(t), target, &outbox.RelayOptions{Logger: silent, Batch: 7})
			require.NoError(t, err)
			relays.Go(func() {
				if err := relay.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		const keys, each = 5, 40
		for i := range each {
			for k := range keys {
				inTx(t, db, client, true, []int{k*1000 + i}, notify.Key(fmt.Sprint("customer ", k)))
			}
		}
		seen := make(map[int][]int)
		var mu sync.Mutex
		done := make(chan struct{})
		total := 0
		w := notify.NewWorker(target, nil)
		send.Handle(w, func(_ context.Context, job *notify.Job[mail]) error {
			mu.Lock()
			defer mu.Unlock()
			seen[job.Args.Order/1000] = append(seen[job.Args.Order/1000], job.Args.Order%1000)
			if total++; total == keys*each {
				close(done)
			}
			return nil
		})
		working := make(chan error, 1)
		go func() { working <- w.Run(ctx) }()
		<-done
		stop()
		relays.Wait()
		require.NoError(t, <-working)
		for k := range keys {
			for i, order := range seen[k] {
				require.Equal(t, i, order, "customer %d", k)
			}
		}
	})
}

// failing is a queue that is down until it is told otherwise.
type failing struct {
	notify.Driver
	down atomic.Bool
}

func (f *failing) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	if f.down.Load() {
		return errors.New("queue down")
	}
	return f.Driver.Publish(ctx, envelopes)
}

func TestRelayOutlivesAQueueThatIsDownAndRowsThatAreDamaged(t *testing.T) {
	t.Parallel()
	db, target := places["sqlite"](t).open(t), openTarget(t)
	flaky := &failing{Driver: target.Driver()}
	flaky.down.Store(true)
	relay, err := outbox.NewRelay(t.Context(), db, notify.New(flaky, &notify.Options{Logger: silent}), &outbox.RelayOptions{Logger: silent})
	require.NoError(t, err)
	box, err := outbox.Open(t.Context(), db, nil)
	require.NoError(t, err)
	inTx(t, db, notify.NewClient(box, nil), true, []int{1})
	_, err = db.ExecContext(t.Context(), "INSERT INTO notify_outbox (shard, body) VALUES (0, 'damaged')")
	require.NoError(t, err)
	for range 3 { // whichever shard comes first
		_, err = relay.Drain(t.Context())
	}
	require.ErrorContains(t, err, "queue down")
	flaky.down.Store(false)
	_, err = relay.Drain(t.Context())
	require.NoError(t, err)
	require.Equal(t, []mail{{1}}, notifytest.Waiting(t, target, send))
	var kept int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM notify_outbox WHERE shard = -1").Scan(&kept))
	require.Equal(t, 1, kept, "nothing is thrown away")
}

func TestInboxMakesAnEffectOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		db := p.open(t)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE effects (id VARCHAR(40) NOT NULL)")
		require.NoError(t, err)
		inbox, err := outbox.NewInbox(t.Context(), db, "shipping", nil)
		require.NoError(t, err)
		effect := func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO effects (id) VALUES ('job')")
			return err
		}
		failed := errors.New("no stock")
		require.ErrorIs(t, inbox.Do(t.Context(), "job", func(tx *sql.Tx) error {
			require.NoError(t, effect(tx))
			return failed
		}), failed, "what failed may come again")
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := inbox.Do(t.Context(), "job", effect); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM effects").Scan(&n))
		require.Equal(t, 1, n)
		other, err := outbox.NewInbox(t.Context(), db, "billing", nil)
		require.NoError(t, err)
		require.NoError(t, other.Do(t.Context(), "job", effect))
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM effects").Scan(&n))
		require.Equal(t, 2, n, "consumers are apart")
	})
}

func TestInboxForgetsAfterItsTime(t *testing.T) {
	t.Parallel()
	db := places["sqlite"](t).open(t)
	clock := notifytest.NewClock(time.Now())
	inbox, err := outbox.NewInbox(t.Context(), db, "a", &outbox.InboxOptions{Keep: time.Hour, Now: clock.Now})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, inbox.Do(t.Context(), "one", func(*sql.Tx) error { return nil }))
		clock.Advance(2 * time.Hour)
	}
	require.NoError(t, inbox.Do(t.Context(), "two", func(*sql.Tx) error { return nil }))
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM notify_inbox").Scan(&n))
	require.Equal(t, 1, n)
}

func TestBadOptionsAndWorkers(t *testing.T) {
	t.Parallel()
	db, target := places["sqlite"](t).open(t), openTarget(t)
	for name, o := range map[string]*outbox.RelayOptions{"batch": {Batch: -1}, "lease": {Lease: 1}, "poll": {PollInterval: -1}} {
		_, err := outbox.NewRelay(t.Context(), db, target, o)
		require.ErrorIs(t, err, notify.ErrInvalid, name)
	}
	_, err := outbox.NewRelay(t.Context(), db, nil, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = outbox.NewInbox(t.Context(), db, "", nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	box, err := outbox.Open(t.Context(), db, nil)
	require.NoError(t, err)
	_, err = box.Driver().Fetch(t.Context(), notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.NoError(t, box.Close())
	_, err = send.Enqueue(t.Context(), notify.NewClient(box, nil), mail{1})
	require.ErrorIs(t, err, notify.ErrClosed)
}

func ExampleOpen() {
	ctx := context.Background()
	db, _ := sql.Open("sqlite", "file:example?mode=memory&cache=shared")
	defer db.Close()
	queue := memqueue.Open(nil) // in earnest Redis or RabbitMQ
	defer queue.Close()
	box, err := outbox.Open(ctx, db, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	relay, _ := outbox.NewRelay(ctx, db, queue, nil)

	tx, _ := db.BeginTx(ctx, nil)
	// … the order itself …
	_, err = send.EnqueueTx(ctx, notify.NewClient(box, nil), tx, mail{Order: 1001})
	fmt.Println(err, tx.Commit())

	n, err := relay.Drain(ctx) // in earnest: go relay.Run(ctx)
	fmt.Println(n, err)
	// Output:
	// <nil> <nil>
	// 1 <nil>
}
