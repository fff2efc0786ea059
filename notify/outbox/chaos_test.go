package outbox_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/outbox"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/stretchr/testify/require"
)

// The child places orders, each with its mail, rolls every third back, and relays what it
// committed, until it is killed.
const childVariable = "OUTBOX_CHILD"

func TestChild(t *testing.T) {
	if os.Getenv(childVariable) == "" {
		return // only as a child of TestChaosKilledBetweenCommitAndRelay
	}
	ctx := context.Background()
	db := place{os.Getenv(childVariable), os.Getenv("OUTBOX_DSN")}.open(t)
	box, err := outbox.Open(ctx, db, &notify.Options{Logger: silent})
	require.NoError(t, err)
	client := notify.NewClient(box, nil)
	relay, err := outbox.NewRelay(ctx, db, openDurable(t, os.Getenv("OUTBOX_TARGET")), &outbox.RelayOptions{Logger: silent, Lease: 300 * time.Millisecond, Batch: 3})
	require.NoError(t, err)
	go func() { _ = relay.Run(ctx) }()
	for n := 0; ; n++ {
		order := rand.IntN(1 << 30)
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO orders (id) VALUES (%d)", order))
		require.NoError(t, err)
		_, err = send.EnqueueTx(ctx, client, tx, mail{order})
		require.NoError(t, err)
		if n%3 == 2 {
			require.NoError(t, tx.Rollback())
			continue
		}
		require.NoError(t, tx.Commit())
		fmt.Println("committed", order)
	}
}

func openDurable(t testing.TB, file string) *notify.Queue {
	t.Helper()
	db := place{"sqlite", "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)"}.open(t)
	q, err := sqlqueue.Open(t.Context(), db, &sqlqueue.Options{Options: notify.Options{Logger: silent}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

// TestChaosKilledBetweenCommitAndRelay holds that every order has its mail, and no mail is
// without its order: the orders' own table tells what was committed.
func TestChaosKilledBetweenCommitAndRelay(t *testing.T) {
	rounds := 3
	if testenvtest.Long() {
		rounds = 50
	}
	everywhere(t, func(t *testing.T, p place) {
		db := p.open(t)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id BIGINT NOT NULL PRIMARY KEY)")
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "queue.db")
		target := openDurable(t, file)
		for range rounds {
			killChild(t, p, file)
		}
		left := count(t, db, "SELECT COUNT(*) FROM notify_outbox")
		relay, err := outbox.NewRelay(t.Context(), db, target, &outbox.RelayOptions{Logger: silent})
		require.NoError(t, err)
		require.Eventually(t, func() bool { // the lease of who was killed has to end
			_, err := relay.Drain(t.Context())
			return err == nil && count(t, db, "SELECT COUNT(*) FROM notify_outbox") == 0
		}, 30*time.Second, 20*time.Millisecond)

		handled := make(map[int]int)
		w := notify.NewWorker(target, &notify.WorkerOptions{Concurrency: 200})
		send.Handle(w, func(_ context.Context, job *notify.Job[mail]) error {
			handled[job.Args.Order]++
			return nil
		})
		_, err = w.Drain(t.Context())
		require.NoError(t, err)
		orders, twice := 0, 0
		rows, err := db.QueryContext(t.Context(), "SELECT id FROM orders")
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var id int
			require.NoError(t, rows.Scan(&id))
			require.Positive(t, handled[id], "order %d has no mail", id)
			if handled[id] > 1 {
				twice++
			}
			orders++
		}
		require.NoError(t, rows.Err())
		require.Len(t, handled, orders, "a mail without an order")
		require.Positive(t, orders)
		t.Logf("%d kills: %d orders, %d of them still in the outbox after the last, %d mails twice", rounds, orders, left, twice)
	})
}

func count(t testing.TB, db *sql.DB, query string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// killChild lets a child commit some orders and kills it right after one of them.
func killChild(t *testing.T, p place, file string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childVariable+"="+p.driver, "OUTBOX_DSN="+p.dsn, "OUTBOX_TARGET="+file)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	child.Stderr = os.Stderr
	require.NoError(t, child.Start())
	defer func() { _ = child.Wait() }()
	lines := bufio.NewScanner(out)
	for n := 5 + rand.IntN(20); n > 0 && lines.Scan(); n-- {
	}
	require.NoError(t, child.Process.Kill())
}
