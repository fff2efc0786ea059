package sqlqueue

import (
	"context"
	"database/sql"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

const (
	keptMinutes = 60
	// countPeriod is how long counts gather before they are written. A killed process loses those of the last one.
	countPeriod = 250 * time.Millisecond
)

func (d *driver) Ack(ctx context.Context, deliveries []*notify.Delivery) ([]*notify.Delivery, error) {
	var held map[int64]bool
	err := d.write(ctx, "ack", func(tx *sql.Tx) (err error) {
		held, err = d.heldRows(ctx, tx, "DELETE FROM notify_jobs", nil, deliveries)
		return err
	})
	if err != nil {
		return nil, err
	}
	lost := split(deliveries, held, func(delivery *notify.Delivery) { d.count(delivery.Queue, counts{handled: 1}) })
	d.keyFreed(deliveries)
	return lost, d.flushCounts(ctx)
}

// keyFreed wakes Fetch calls that may wait for the key of a finished job.
func (d *driver) keyFreed(deliveries []*notify.Delivery) {
	for _, delivery := range deliveries {
		if delivery.Key != "" {
			d.wake()
			d.bells.ring()
			return
		}
	}
}

func (d *driver) Extend(ctx context.Context, deliveries []*notify.Delivery, lease time.Duration) ([]*notify.Delivery, error) {
	var held map[int64]bool
	err := d.write(ctx, "extend", func(tx *sql.Tx) (err error) {
		held, err = d.heldRows(ctx, tx, "UPDATE notify_jobs SET due = ?", []any{sqldb.Micros(d.clock.now().Add(lease))}, deliveries)
		return err
	})
	if err != nil {
		return nil, err
	}
	return split(deliveries, held, func(*notify.Delivery) {}), nil
}

// heldRows runs a statement on the rows whose lease the deliveries still hold, and tells which those are.
func (d *driver) heldRows(ctx context.Context, tx *sql.Tx, statement string, args []any, deliveries []*notify.Delivery) (map[int64]bool, error) {
	var seqs, leases []int64
	for _, delivery := range deliveries {
		r, _ := delivery.Receipt.(receipt)
		seqs, leases = append(seqs, r.seq), append(leases, r.lease)
	}
	switch d.dialect {
	case postgres: // arrays, so that the statement is the same for every number of rows
		return d.seqsOf(ctx, tx, statement+" WHERE state = 2 AND (seq, lease) IN (SELECT * FROM unnest(?::bigint[], ?::bigint[])) RETURNING seq",
			append(args, seqs, leases)...)
	case sqlite:
		var pairs []any
		for i := range seqs {
			pairs = append(pairs, seqs[i], leases[i])
		}
		return d.seqsOf(ctx, tx, statement+" WHERE state = 2 AND (seq, lease) IN (VALUES "+sqldb.Placeholders(len(deliveries), "(?,?)")+") RETURNING seq",
			append(args, pairs...)...)
	}
	return d.heldMySQL(ctx, tx, statement, args, seqs, leases)
}

// heldMySQL looks first and then changes: MySQL says how many rows it changed and not which,
// and compares pairs one by one with each row.
func (d *driver) heldMySQL(ctx context.Context, tx *sql.Tx, statement string, args []any, seqs, leases []int64) (map[int64]bool, error) {
	ours := make(map[int64]int64, len(seqs))
	list := make([]any, len(seqs))
	for i, seq := range seqs {
		ours[seq], list[i] = leases[i], seq
	}
	rows, err := d.Query(ctx, tx, "SELECT seq, lease FROM notify_jobs WHERE state = 2 AND seq IN ("+sqldb.Placeholders(len(list), "?")+") FOR UPDATE", list...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := make(map[int64]bool, len(seqs))
	list = list[:0]
	for rows.Next() {
		var seq, lease int64
		if err := rows.Scan(&seq, &lease); err != nil {
			return nil, err
		}
		if ours[seq] == lease {
			held[seq], list = true, append(list, seq)
		}
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		return held, err
	}
	_, err = d.Exec(ctx, tx, statement+" WHERE seq IN ("+sqldb.Placeholders(len(list), "?")+")", append(args, list...)...)
	return held, err
}

func (d *driver) seqsOf(ctx context.Context, tx *sql.Tx, statement string, args ...any) (map[int64]bool, error) {
	rows, err := d.Query(ctx, tx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := make(map[int64]bool)
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		held[seq] = true
	}
	return held, rows.Err()
}

// split calls each for the deliveries still held and returns the others.
func split(deliveries []*notify.Delivery, held map[int64]bool, each func(*notify.Delivery)) []*notify.Delivery {
	var lost []*notify.Delivery
	for _, delivery := range deliveries {
		if r, _ := delivery.Receipt.(receipt); held[r.seq] {
			each(delivery)
		} else {
			lost = append(lost, delivery)
		}
	}
	return lost
}

func (d *driver) Nack(ctx context.Context, nacks []notify.Nack) ([]*notify.Delivery, error) {
	var lost []*notify.Delivery
	var failed map[string]counts
	err := d.write(ctx, "nack", func(tx *sql.Tx) error {
		lost, failed = nil, make(map[string]counts)
		for _, n := range nacks {
			held, err := d.giveBack(ctx, tx, n)
			if err != nil {
				return err
			}
			switch {
			case !held:
				lost = append(lost, n.Delivery)
			case n.Failed:
				c := failed[n.Delivery.Queue]
				c.failed++
				failed[n.Delivery.Queue] = c
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for queue, c := range failed {
		d.count(queue, c)
	}
	d.wake()
	d.bells.ring()
	return lost, d.flushCounts(ctx)
}

func (d *driver) giveBack(ctx context.Context, tx *sql.Tx, n notify.Nack) (bool, error) {
	e := *n.Envelope
	state := available
	if n.Delay > 0 {
		state, e.RunAt = scheduled, d.clock.local().Add(n.Delay).UTC()
	}
	if n.Dead {
		state = dead
	}
	body, err := e.MarshalBinary()
	if err != nil {
		return false, err
	}
	r, _ := n.Delivery.Receipt.(receipt)
	runAt := sqldb.Micros(d.clock.there(e.RunAt))
	affected, err := d.Exec(ctx, tx, `UPDATE notify_jobs SET state = ?, due = ?, run_at = ?, expires_at = ?, attempt = ?, crashes = 0, body = ?
		WHERE seq = ? AND lease = ? AND state = 2`,
		state, runAt, runAt, sqldb.Micros(d.clock.there(e.ExpiresAt)), e.Attempt, body, r.seq, r.lease)
	return affected > 0, err
}

type counts struct {
	handled, failed int
}

// count notes what happened in memory.
func (d *driver) count(queue string, c counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := d.counted[queue]
	sum.handled += c.handled
	sum.failed += c.failed
	d.counted[queue] = sum
}

// flushCounts writes what was counted when it is time. A failure is not the caller's: its
// jobs are settled, and the counts are tried again.
func (d *driver) flushCounts(ctx context.Context) error {
	if !d.due(&d.written, countPeriod) {
		return nil
	}
	if err := d.writeCounts(ctx); err != nil {
		d.log.Warn("notify: sqlqueue: cannot write counts", "error", err)
	}
	return nil
}

// writeCounts adds to the current minute and forgets the one an hour ago.
func (d *driver) writeCounts(ctx context.Context) error {
	d.mu.Lock()
	all := d.counted
	d.counted = make(map[string]counts)
	d.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	minute := d.clock.now().UTC().Truncate(time.Minute)
	err := d.transact(ctx, "count", func(tx *sql.Tx) error {
		for queue, c := range all {
			if _, err := d.Exec(ctx, tx, d.countUp, queue, sqldb.Micros(minute), c.handled, c.failed); err != nil {
				return err
			}
		}
		_, err := d.Exec(ctx, tx, "DELETE FROM notify_minutes WHERE minute < ?", sqldb.Micros(minute.Add(-keptMinutes*time.Minute)))
		return err
	})
	if err != nil {
		for queue, c := range all {
			d.count(queue, c)
		}
	}
	return err
}
