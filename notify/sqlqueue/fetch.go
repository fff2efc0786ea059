package sqlqueue

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// quickPoll is the first pause after something happened; it doubles up to PollInterval.
const quickPoll = 2 * time.Millisecond

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	for pause := quickPoll; ; pause = min(2*pause, d.poll) {
		changed, err := d.look()
		if err != nil {
			return nil, err
		}
		seen, err := d.peek(ctx, r.Queue)
		if err != nil {
			return nil, err
		}
		if seen.work {
			deliveries, err := d.claim(ctx, r)
			if len(deliveries) > 0 || err != nil {
				return deliveries, err
			}
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

// view is what a look at a queue shows.
type view struct {
	work bool          // something may be claimed
	next time.Duration // until something comes due; 0: unknown
}

// peek reads without taking any lock, so that an idle queue writes nothing.
func (d *driver) peek(ctx context.Context, queue string) (view, error) {
	var paused, ready bool
	var next sql.NullInt64
	err := d.db.QueryRowContext(ctx, `SELECT
		COALESCE((SELECT paused FROM notify_queues WHERE name = ?1), 0),
		EXISTS (SELECT 1 FROM notify_jobs WHERE queue = ?1 AND state = ?2),
		(SELECT MIN(due) FROM (
			SELECT MIN(due) AS due FROM notify_jobs WHERE queue = ?1 AND state = ?3
			UNION ALL SELECT MIN(due) FROM notify_jobs WHERE queue = ?1 AND state = ?4))`,
		queue, available, scheduled, running).Scan(&paused, &ready, &next)
	if err != nil {
		if ctx.Err() != nil {
			return view{}, ctx.Err()
		}
		return view{}, fmt.Errorf("sqlqueue: fetch: %w", err)
	}
	if paused {
		return view{}, nil
	}
	v := view{work: ready}
	if next.Valid {
		v.next = fromMicros(next.Int64).Sub(d.now())
		v.work = v.work || v.next <= 0
		v.next = max(v.next, time.Millisecond)
	}
	return v, nil
}

// claim leases due jobs in one transaction: first those whose time has come or
// whose lease has ended become available, then the first of all are taken.
func (d *driver) claim(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	var rows []*row
	err := d.write(ctx, "fetch", func(tx *sql.Tx) error {
		rows = nil
		now := d.now()
		_, err := tx.ExecContext(ctx, `UPDATE notify_jobs SET crashes = crashes + (state = ?), state = ?
			WHERE queue = ? AND state IN (?, ?) AND due <= ?`,
			running, available, r.Queue, scheduled, running, micros(now))
		if err != nil {
			return err
		}
		found, err := tx.QueryContext(ctx, `UPDATE notify_jobs SET state = ?, due = ?, lease = lease + 1
			WHERE seq IN (
				SELECT j.seq FROM notify_jobs j
				WHERE j.queue = ? AND j.state = ?
				AND NOT EXISTS (SELECT 1 FROM notify_queues q WHERE q.name = j.queue AND q.paused)
				AND (j.key = '' OR NOT EXISTS (
					SELECT 1 FROM notify_jobs o WHERE o.queue = j.queue AND o.key = j.key AND o.key <> ''
					AND (o.state = ? OR o.state IN (?, ?) AND o.seq < j.seq)))
				ORDER BY j.priority DESC, j.run_at, j.seq LIMIT ?)
			RETURNING `+columns, running, micros(now.Add(r.Lease)), r.Queue, available, running, scheduled, available, r.Max)
		if err != nil {
			return err
		}
		rows, err = scan(found)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	slices.SortFunc(rows, func(a, b *row) int { // RETURNING keeps no order
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.runAt, b.runAt), cmp.Compare(a.seq, b.seq))
	})
	deliveries := make([]*notify.Delivery, len(rows))
	for i, row := range rows {
		envelope, err := row.envelope()
		deliveries[i] = &notify.Delivery{Envelope: envelope, Err: err, Crashes: row.crashes, Receipt: receipt{row.seq, row.lease}}
	}
	return deliveries, nil
}
