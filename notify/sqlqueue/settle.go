package sqlqueue

import (
	"context"
	"database/sql"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

const keptMinutes = 60

func (d *driver) Ack(ctx context.Context, deliveries []*notify.Delivery) ([]*notify.Delivery, error) {
	var lost []*notify.Delivery
	err := d.write(ctx, "ack", func(tx *sql.Tx) error {
		held, err := heldRows(ctx, tx, "DELETE FROM notify_jobs", nil, deliveries)
		if err != nil {
			return err
		}
		handled := make(map[string]counts)
		lost = split(deliveries, held, func(delivery *notify.Delivery) {
			c := handled[delivery.Queue]
			c.handled++
			handled[delivery.Queue] = c
		})
		return d.count(ctx, tx, handled)
	})
	if err != nil {
		return nil, err
	}
	d.keyFreed(deliveries)
	return lost, nil
}

// keyFreed wakes Fetch calls that may wait for the key of a finished job.
func (d *driver) keyFreed(deliveries []*notify.Delivery) {
	for _, delivery := range deliveries {
		if delivery.Key != "" {
			d.wake()
			return
		}
	}
}

func (d *driver) Extend(ctx context.Context, deliveries []*notify.Delivery, lease time.Duration) ([]*notify.Delivery, error) {
	var lost []*notify.Delivery
	err := d.write(ctx, "extend", func(tx *sql.Tx) error {
		held, err := heldRows(ctx, tx, "UPDATE notify_jobs SET due = ?", []any{micros(d.now().Add(lease))}, deliveries)
		lost = split(deliveries, held, func(*notify.Delivery) {})
		return err
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// heldRows runs a statement on the rows whose lease the deliveries still hold, and tells which those are.
func heldRows(ctx context.Context, tx *sql.Tx, statement string, args []any, deliveries []*notify.Delivery) (map[int64]bool, error) {
	args = append(args, running)
	for _, delivery := range deliveries {
		r, _ := delivery.Receipt.(receipt)
		args = append(args, r.seq, r.lease)
	}
	rows, err := tx.QueryContext(ctx, statement+" WHERE state = ? AND (seq, lease) IN (VALUES "+
		placeholders(len(deliveries), "(?,?)")+") RETURNING seq", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := make(map[int64]bool, len(deliveries))
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
	err := d.write(ctx, "nack", func(tx *sql.Tx) error {
		lost = nil
		failed := make(map[string]counts)
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
		return d.count(ctx, tx, failed)
	})
	if err != nil {
		return nil, err
	}
	d.wake()
	return lost, nil
}

func (d *driver) giveBack(ctx context.Context, tx *sql.Tx, n notify.Nack) (bool, error) {
	e := *n.Envelope
	state := available
	if n.Delay > 0 {
		state, e.RunAt = scheduled, d.now().Add(n.Delay).UTC()
	}
	if n.Dead {
		state = dead
	}
	body, err := e.MarshalBinary()
	if err != nil {
		return false, err
	}
	r, _ := n.Delivery.Receipt.(receipt)
	result, err := tx.ExecContext(ctx, `UPDATE notify_jobs SET state = ?, due = ?, run_at = ?, expires_at = ?, attempt = ?, crashes = 0, body = ?
		WHERE seq = ? AND lease = ? AND state = ?`,
		state, micros(e.RunAt), micros(e.RunAt), micros(e.ExpiresAt), e.Attempt, body, r.seq, r.lease, running)
	if err != nil {
		return false, err
	}
	affected, err := result.RowsAffected()
	return affected > 0, err
}

type counts struct {
	handled, failed int
}

// count adds to the current minute and forgets the one an hour ago.
func (d *driver) count(ctx context.Context, tx *sql.Tx, queues map[string]counts) error {
	minute := d.now().UTC().Truncate(time.Minute)
	for queue, c := range queues {
		result, err := tx.ExecContext(ctx, "UPDATE notify_minutes SET handled = handled + ?, failed = failed + ? WHERE queue = ? AND minute = ?",
			c.handled, c.failed, queue, micros(minute))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			if err != nil {
				return err
			}
			continue
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO notify_minutes (queue, minute, handled, failed) VALUES (?, ?, ?, ?)",
			queue, micros(minute), c.handled, c.failed)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM notify_minutes WHERE queue = ? AND minute < ?", queue, micros(minute.Add(-keptMinutes*time.Minute)))
		if err != nil {
			return err
		}
	}
	return nil
}
