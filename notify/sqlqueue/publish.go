package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// insertRows bounds one INSERT, well below the limit on parameters of any database.
const insertRows = 100

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	err := d.write(ctx, "publish", func(tx *sql.Tx) error { return d.insert(ctx, tx, envelopes) })
	if err == nil {
		d.wake()
	}
	return err
}

func (d *driver) PublishUnique(ctx context.Context, envelopes []*notify.Envelope) (ids []string, err error) {
	err = d.write(ctx, "publish", func(tx *sql.Tx) error {
		ids, err = d.publish(ctx, tx, envelopes)
		return err
	})
	if err == nil {
		d.wake()
	}
	return ids, err
}

// PublishTx wakes the workers although the host has not committed yet: from
// then on they poll quickly for a while and so see the job soon after.
func (d *driver) PublishTx(ctx context.Context, tx *sql.Tx, envelopes []*notify.Envelope) ([]string, error) {
	if _, err := d.look(); err != nil {
		return nil, err
	}
	ids, err := d.publish(ctx, tx, envelopes)
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: publish in a transaction: %w", err)
	}
	d.wake()
	return ids, nil
}

func (d *driver) publish(ctx context.Context, tx *sql.Tx, envelopes []*notify.Envelope) ([]string, error) {
	ids := make([]string, len(envelopes))
	var stored []*notify.Envelope
	for i, e := range envelopes {
		id, err := d.claimKey(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		if ids[i] = id; id == e.ID {
			stored = append(stored, e)
		}
	}
	return ids, d.insert(ctx, tx, stored)
}

// claimKey takes the unique key of an envelope, and returns the ID of who holds it.
func (d *driver) claimKey(ctx context.Context, tx *sql.Tx, e *notify.Envelope) (string, error) {
	if e.UniqueKey == "" {
		return e.ID, nil
	}
	now := d.now()
	result, err := tx.ExecContext(ctx, `INSERT INTO notify_unique (key, id, until) VALUES (?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET id = excluded.id, until = excluded.until
		WHERE notify_unique.until <= ? OR notify_unique.id = excluded.id`,
		e.UniqueKey, e.ID, micros(now.Add(e.UniqueFor)), micros(now))
	if err != nil {
		return "", err
	}
	if n, err := result.RowsAffected(); err != nil {
		return "", err
	} else if n > 0 {
		return e.ID, d.sweepKeys(ctx, tx, now)
	}
	var holder string
	err = tx.QueryRowContext(ctx, "SELECT id FROM notify_unique WHERE key = ?", e.UniqueKey).Scan(&holder)
	return holder, err
}

// sweepKeys removes ended windows, at most once a minute.
func (d *driver) sweepKeys(ctx context.Context, tx *sql.Tx, now time.Time) error {
	d.mu.Lock()
	due := now.Sub(d.keysSwept) >= time.Minute
	if due {
		d.keysSwept = now
	}
	d.mu.Unlock()
	if !due {
		return nil
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM notify_unique WHERE until <= ?", micros(now))
	return err
}

func (d *driver) insert(ctx context.Context, tx *sql.Tx, envelopes []*notify.Envelope) error {
	now := d.now()
	for len(envelopes) > 0 {
		n := min(len(envelopes), insertRows)
		args := make([]any, 0, 11*n)
		for _, e := range envelopes[:n] {
			body, err := e.MarshalBinary()
			if err != nil {
				return err
			}
			state := available
			if e.RunAt.After(now) {
				state = scheduled
			}
			args = append(args, e.ID, e.Queue, e.Kind, e.Key, e.Priority, state,
				micros(e.RunAt), micros(e.RunAt), micros(e.ExpiresAt), e.Attempt, body)
		}
		// The same ID again is the same job, published anew after an unclear answer.
		_, err := tx.ExecContext(ctx, `INSERT INTO notify_jobs
			(id, queue, kind, key, priority, state, due, run_at, expires_at, attempt, body)
			VALUES `+placeholders(n, "(?,?,?,?,?,?,?,?,?,?,?)")+" ON CONFLICT (id) DO NOTHING", args...)
		if err != nil {
			return err
		}
		envelopes = envelopes[n:]
	}
	return nil
}
