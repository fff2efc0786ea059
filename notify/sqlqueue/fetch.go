package sqlqueue

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

const (
	// callTimeout bounds one look or claim, so that a connection whose other end is gone without a word is given up.
	callTimeout = 10 * time.Second
	// quickPoll is the first pause after something happened; it doubles up to PollInterval.
	quickPoll = 2 * time.Millisecond
	// promotePeriod is how often a busy queue looks for jobs that have come due, and for leases that have ended.
	promotePeriod = 50 * time.Millisecond
)

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	d.hear()
	for pause := quickPoll; ; pause = min(2*pause, d.idlePoll()) {
		changed, err := d.look()
		if err != nil {
			return nil, err
		}
		seen, deliveries, err := d.try(ctx, r)
		if len(deliveries) > 0 || err != nil {
			return deliveries, err
		}
		wait := pause
		if seen.next > 0 {
			wait = min(wait, seen.next)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-changed:
			pause = quickPoll / 2
		case <-timer.C:
		}
		timer.Stop()
	}
}

// try claims what is there, or tells what a look showed.
func (d *driver) try(ctx context.Context, r notify.FetchRequest) (seen view, deliveries []*notify.Delivery, err error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if seen, err = d.peek(call, r.Queue); err == nil && seen.work {
		deliveries, err = d.claim(call, r, seen.due)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return seen, deliveries, err
}

// view is what a look at a queue shows.
type view struct {
	work bool          // something may be claimed
	due  bool          // something has come due, or a lease has ended
	next time.Duration // until something comes due; 0: unknown
}

// peek reads without taking any lock, so that an idle queue writes nothing.
func (d *driver) peek(ctx context.Context, queue string) (view, error) {
	var paused, ready int
	var next sql.NullInt64
	var micros int64
	before := d.clock.local()
	err := d.db.QueryRowContext(ctx, d.Rebind(`SELECT
		COALESCE((SELECT CASE WHEN paused <> 0 THEN 1 ELSE 0 END FROM notify_queues WHERE name = ?), 0),
		CASE WHEN EXISTS (SELECT 1 FROM notify_jobs WHERE queue = ? AND state = 1) THEN 1 ELSE 0 END,
		(SELECT MIN(due) FROM (
			SELECT MIN(due) AS due FROM notify_jobs WHERE queue = ? AND state = 0
			UNION ALL SELECT MIN(due) AS due FROM notify_jobs WHERE queue = ? AND state = 2) AS ends), `+d.clockMicros()),
		queue, queue, queue, queue).Scan(&paused, &ready, &next, &micros)
	if err != nil {
		return view{}, fmt.Errorf("sqlqueue: fetch: %w", err)
	}
	if !d.clock.given && d.dialect != sqlite {
		d.clock.saw(before, d.clock.local(), micros)
	}
	if paused != 0 {
		return view{}, nil
	}
	v := view{work: ready != 0}
	if next.Valid {
		v.next = sqldb.FromMicros(next.Int64).Sub(d.clock.now())
		v.due = v.next <= 0
		v.work = v.work || v.due
		v.next = max(v.next, time.Millisecond)
	}
	return v, nil
}

// promote makes available what has come due and what its worker has lost. On the
// servers that is a statement of its own and skips what others are at.
func (d *driver) promote(ctx context.Context, q sqldb.Querier, queue string) error {
	const statement = "UPDATE notify_jobs SET crashes = crashes + CASE state WHEN 2 THEN 1 ELSE 0 END, state = 1 WHERE "
	const ended = " state IN (0, 2) AND due <= ?"
	now := sqldb.Micros(d.clock.now())
	var err error
	switch d.dialect {
	case postgres:
		_, err = d.Exec(ctx, q, statement+"seq IN (SELECT seq FROM notify_jobs WHERE queue = ? AND"+ended+" LIMIT 1000 FOR UPDATE SKIP LOCKED)", queue, now)
	case sqlite:
		_, err = d.Exec(ctx, q, statement+"queue = ? AND"+ended, queue, now)
	default: // an UPDATE would lock every row that it passes, and wait for those of claims under way
		var seqs []int64
		seqs, err = sqldb.Numbers(d.Query(ctx, q, "SELECT seq FROM notify_jobs WHERE queue = ? AND"+ended+" LIMIT 1000", queue, now))
		if err != nil || len(seqs) == 0 {
			return err
		}
		args := []any{now}
		for _, seq := range seqs {
			args = append(args, seq)
		}
		_, err = d.Exec(ctx, q, statement+ended+" AND seq IN ("+sqldb.Placeholders(len(seqs), "?")+")", args...)
	}
	return err
}

// candidates selects what may be claimed, best first.
const candidates = ` FROM notify_jobs j
	WHERE j.queue = ? AND j.state = 1
	AND NOT EXISTS (SELECT 1 FROM notify_queues q WHERE q.name = j.queue AND q.paused <> 0)
	AND (j.job_key = '' OR NOT EXISTS (
		SELECT 1 FROM notify_jobs o WHERE o.queue = j.queue AND o.job_key = j.job_key AND o.job_key <> ''
		AND (o.state = 2 OR o.state IN (0, 1) AND o.seq < j.seq)))
	ORDER BY j.priority DESC, j.run_at, j.seq LIMIT ?`

// claim leases due jobs, each to one caller.
func (d *driver) claim(ctx context.Context, r notify.FetchRequest, due bool) (deliveries []*notify.Delivery, err error) {
	var rows []*row
	switch d.dialect {
	case sqlite:
		rows, err = d.claimSQLite(ctx, r)
	case postgres:
		rows, err = d.claimPostgres(ctx, r, due)
	default:
		rows, err = d.claimMySQL(ctx, r, due)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b *row) int { // RETURNING keeps no order
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.runAt, b.runAt), cmp.Compare(a.seq, b.seq))
	})
	deliveries = make([]*notify.Delivery, len(rows))
	for i, row := range rows {
		envelope, err := row.envelope(&d.clock)
		deliveries[i] = &notify.Delivery{Envelope: envelope, Err: err, Crashes: row.crashes, Receipt: receipt{row.seq, row.lease}}
	}
	return d.yield(ctx, deliveries)
}

// claimSQLite does all in one transaction, since there is one writer anyway.
func (d *driver) claimSQLite(ctx context.Context, r notify.FetchRequest) (rows []*row, err error) {
	err = d.write(ctx, "fetch", func(tx *sql.Tx) error {
		rows = nil
		if err := d.promote(ctx, tx, r.Queue); err != nil {
			return err
		}
		found, err := d.Query(ctx, tx, "UPDATE notify_jobs SET state = 2, due = ?, lease = lease + 1 WHERE seq IN (SELECT j.seq"+
			candidates+") RETURNING "+columns, sqldb.Micros(d.clock.now().Add(r.Lease)), r.Queue, r.Max)
		if err != nil {
			return err
		}
		rows, err = scan(found)
		return err
	})
	return rows, err
}

// claimPostgres is one statement and so one round trip.
func (d *driver) claimPostgres(ctx context.Context, r notify.FetchRequest, due bool) (rows []*row, err error) {
	if err := d.promoteNow(ctx, r.Queue, due); err != nil {
		return nil, err
	}
	err = sqldb.Patiently(ctx, func() error {
		found, err := d.Query(ctx, d.db, "WITH picked AS (SELECT j.seq AS picked_seq"+candidates+` FOR UPDATE OF j SKIP LOCKED)
			UPDATE notify_jobs SET state = 2, due = ?, lease = lease + 1 FROM picked WHERE seq = picked_seq RETURNING `+columns,
			r.Queue, r.Max, sqldb.Micros(d.clock.now().Add(r.Lease)))
		if err != nil {
			return err
		}
		rows, err = scan(found)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: fetch: %w", err)
	}
	return rows, nil
}

// claimMySQL selects and then marks, since MySQL's UPDATE returns nothing.
func (d *driver) claimMySQL(ctx context.Context, r notify.FetchRequest, due bool) (rows []*row, err error) {
	if err := d.promoteNow(ctx, r.Queue, due); err != nil {
		return nil, err
	}
	err = d.write(ctx, "fetch", func(tx *sql.Tx) error {
		found, err := d.Query(ctx, tx, "SELECT "+columns+candidates+" FOR UPDATE SKIP LOCKED", r.Queue, r.Max)
		if err != nil {
			return err
		}
		if rows, err = scan(found); err != nil || len(rows) == 0 {
			return err
		}
		args := []any{sqldb.Micros(d.clock.now().Add(r.Lease))}
		for _, row := range rows {
			row.lease++
			args = append(args, row.seq)
		}
		_, err = d.Exec(ctx, tx, "UPDATE notify_jobs SET state = 2, due = ?, lease = lease + 1 WHERE seq IN ("+sqldb.Placeholders(len(rows), "?")+")", args...)
		return err
	})
	return rows, err
}

// promoteNow promotes when something is known to be due, and now and then when nobody has looked.
func (d *driver) promoteNow(ctx context.Context, queue string, due bool) error {
	d.mu.Lock()
	now := d.clock.local()
	if !due && now.Sub(d.promoted[queue]) < promotePeriod {
		d.mu.Unlock()
		return nil
	}
	d.promoted[queue] = now
	d.mu.Unlock()
	if err := sqldb.Patiently(ctx, func() error { return d.promote(ctx, d.db, queue) }); err != nil {
		return fmt.Errorf("sqlqueue: fetch: %w", err)
	}
	return nil
}
