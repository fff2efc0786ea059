package sqlqueue_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

// stalls are triggers that make the claim of the job "second" wait in its transaction until
// whoever holds the lock lets go of it.
var stalls = map[string]struct {
	trigger    []string
	lock, free string
}{
	"mysql": {
		[]string{`CREATE TRIGGER stall BEFORE UPDATE ON notify_jobs FOR EACH ROW
			BEGIN IF NEW.id = 'second' AND NEW.state = 2 AND OLD.state = 1 THEN DO GET_LOCK('stall', 60); DO RELEASE_LOCK('stall'); END IF; END`},
		"SELECT GET_LOCK('stall', 60)", "SELECT RELEASE_LOCK('stall')",
	},
	"pgx": {
		[]string{
			`CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$`,
			`CREATE TRIGGER stall BEFORE UPDATE ON notify_jobs FOR EACH ROW
				WHEN (NEW.id = 'second' AND NEW.state = 2 AND OLD.state = 1) EXECUTE FUNCTION stall()`,
		},
		"SELECT 1 FROM pg_advisory_lock(7)", "SELECT 1 WHERE pg_advisory_unlock(7)",
	},
}

// TestKeyIsHeldOnceThoughADeadOneReturns replays a dead job just while a later one of its
// key is being claimed: the claim that nobody sees yet must not let both run.
func TestKeyIsHeldOnceThoughADeadOneReturns(t *testing.T) {
	for name, backend := range backends {
		if name == "sqlite" {
			continue // has one writer at a time
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := backend(t)
			replayWhileClaiming(t, driver, dsn)
		})
	}
}

func replayWhileClaiming(t *testing.T, driver, dsn string) {
	q := openQueue(t, driver, dsn, silent.Options)
	defer q.Close()
	db := openServer(t, driver, dsn)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	one := notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute}
	publish := func(id string) {
		require.NoError(t, q.Driver().Publish(ctx, []*notify.Envelope{{
			ID: id, Kind: "k", Queue: "default", Key: "order-1", RunAt: time.Now().Add(-time.Second), MaxAttempts: 5,
		}}))
	}
	fetch := func() *notify.Delivery {
		deliveries, err := q.Driver().Fetch(ctx, one)
		require.NoError(t, err)
		require.Len(t, deliveries, 1)
		return deliveries[0]
	}
	publish("first")
	first := fetch()
	_, err := q.Driver().Nack(ctx, []notify.Nack{{Delivery: first, Envelope: first.Envelope, Dead: true}})
	require.NoError(t, err)

	stall := stalls[driver]
	for _, statement := range stall.trigger {
		_, err := db.ExecContext(ctx, statement)
		require.NoError(t, err)
	}
	holder, err := db.Conn(ctx)
	require.NoError(t, err)
	defer holder.Close()
	query := func(q interface {
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}, statement string) (n int) {
		require.NoError(t, q.QueryRowContext(ctx, statement).Scan(&n))
		return n
	}
	require.Equal(t, 1, query(holder, stall.lock))

	publish("second")
	second := make(chan *notify.Delivery, 1)
	go func() {
		deliveries, _ := q.Driver().Fetch(ctx, one)
		for _, d := range deliveries {
			second <- d
		}
		close(second)
	}()
	require.Eventually(t, func() bool { return query(db, waiting[driver]) > 0 }, 20*time.Second, time.Millisecond, "the claim waits")
	n, err := q.Replay(ctx, "default", "first")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	first = fetch()
	require.Equal(t, "first", first.ID)
	require.Equal(t, 1, query(holder, stall.free))

	// The other claim is committed now, and its job given back.
	require.Eventually(t, func() bool {
		select {
		case d := <-second:
			require.Failf(t, "both run", "%v", d)
		default:
		}
		return query(db, "SELECT COUNT(*) FROM notify_jobs WHERE id = 'second' AND state = 1 AND lease = 1") == 1
	}, 20*time.Second, time.Millisecond)
	lost, err := q.Driver().Ack(ctx, []*notify.Delivery{first})
	require.NoError(t, err)
	require.Empty(t, lost)
	d := <-second
	require.Equal(t, "second", d.ID)
	require.Zero(t, d.Crashes)
}

// waiting counts the sessions that wait for the lock.
var waiting = map[string]string{
	"mysql": "SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User lock'",
	"pgx":   "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
}
