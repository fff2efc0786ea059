package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// insertRows bounds one INSERT, since databases limit the number of parameters.
const insertRows = 500

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	_, err := d.look()
	if err == nil {
		err = d.readClock(ctx, d.db)
	}
	if err != nil {
		return err
	}
	if d.Single || len(envelopes) > insertRows {
		err = d.write(ctx, "publish", func(tx *sql.Tx) error { return d.insert(ctx, tx, envelopes) })
	} else { // one statement is a transaction by itself
		err = sqldb.Patiently(ctx, func() error { return d.insert(ctx, d.db, envelopes) })
		if err != nil {
			err = fmt.Errorf("sqlqueue: publish: %w", err)
		}
	}
	return d.published(err)
}

func (d *driver) PublishUnique(ctx context.Context, envelopes []*notify.Envelope) (ids []string, err error) {
	err = d.write(ctx, "publish", func(tx *sql.Tx) error {
		ids, err = d.publish(ctx, tx, envelopes)
		return err
	})
	return ids, d.published(err)
}

// published wakes who waits for jobs, here and in other processes.
func (d *driver) published(err error) error {
	if err == nil {
		d.wake()
		d.bells.ring()
	}
	return err
}

// PublishTx wakes the workers although the host has not committed yet: from then on
// they poll quickly for a while and so see the job soon after. PostgreSQL tells
// them when the host commits.
func (d *driver) PublishTx(ctx context.Context, tx *sql.Tx, envelopes []*notify.Envelope) ([]string, error) {
	if _, err := d.look(); err != nil {
		return nil, err
	}
	ids, err := d.publish(ctx, tx, envelopes)
	if err == nil && d.dialect == postgres {
		err = d.notify(ctx, tx)
	}
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
		id, err := d.claimUnique(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		if ids[i] = id; id == e.ID {
			stored = append(stored, e)
		}
	}
	return ids, d.insert(ctx, tx, stored)
}

// claimUnique takes the unique key of an envelope, and returns the ID of who holds it.
func (d *driver) claimUnique(ctx context.Context, tx *sql.Tx, e *notify.Envelope) (string, error) {
	if e.UniqueKey == "" {
		return e.ID, nil
	}
	now := d.clock.now()
	n, err := d.Exec(ctx, tx, d.claimKey, e.UniqueKey, e.ID, sqldb.Micros(now.Add(e.UniqueFor)), sqldb.Micros(now))
	if err != nil {
		return "", err
	}
	holder := e.ID
	if n == 0 || d.dialect == mysql { // which may count a row that it left as it was
		lock := ""
		if d.dialect == mysql {
			lock = " FOR UPDATE" // else an older snapshot of the host's would answer
		}
		err := tx.QueryRowContext(ctx, d.Rebind("SELECT id FROM notify_unique WHERE unique_key = ?"+lock), e.UniqueKey).Scan(&holder)
		if err != nil {
			return "", err
		}
	}
	if holder != e.ID {
		return holder, nil
	}
	return holder, d.sweepKeys(ctx, tx, now)
}

// sweepKeys removes ended windows, at most once a minute.
func (d *driver) sweepKeys(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if !d.due(&d.keysSwept, time.Minute) {
		return nil
	}
	_, err := d.Exec(ctx, tx, "DELETE FROM notify_unique WHERE until <= ?", sqldb.Micros(now))
	return err
}

// insert stores jobs. The same ID again is the same job, published anew after an unclear answer.
func (d *driver) insert(ctx context.Context, q sqldb.Querier, envelopes []*notify.Envelope) error {
	now := d.clock.local()
	for len(envelopes) > 0 {
		n := min(len(envelopes), insertRows)
		var c jobColumns
		for _, e := range envelopes[:n] {
			body, err := e.MarshalBinary()
			if err != nil {
				return err
			}
			state := available
			if e.RunAt.After(now) {
				state = scheduled
			}
			c.add(e, &d.clock, state, body)
		}
		if err := c.insert(ctx, d, q); err != nil {
			return err
		}
		envelopes = envelopes[n:]
	}
	return nil
}

// jobColumns are rows to insert, by column.
type jobColumns struct {
	ids, queues, kinds, keys   []string
	priorities, states         []int64
	runAts, expires, attempted []int64
	bodies                     [][]byte
}

func (c *jobColumns) add(e *notify.Envelope, clock *clock, state int, body []byte) {
	c.ids, c.queues, c.kinds, c.keys = append(c.ids, e.ID), append(c.queues, e.Queue), append(c.kinds, e.Kind), append(c.keys, e.Key)
	c.priorities, c.states = append(c.priorities, int64(e.Priority)), append(c.states, int64(state))
	c.runAts, c.expires = append(c.runAts, sqldb.Micros(clock.there(e.RunAt))), append(c.expires, sqldb.Micros(clock.there(e.ExpiresAt)))
	c.attempted, c.bodies = append(c.attempted, int64(e.Attempt)), append(c.bodies, body)
}

func (c *jobColumns) insert(ctx context.Context, d *driver, q sqldb.Querier) error {
	if d.dialect == postgres { // arrays, so that the statement is the same for every number of rows
		_, err := q.ExecContext(ctx, `INSERT INTO notify_jobs (id, queue, kind, job_key, priority, state, due, run_at, expires_at, attempt, body)
			SELECT id, queue, kind, job_key, priority, state, run_at, run_at, expires_at, attempt, body FROM
			unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bytea[])
			AS j (id, queue, kind, job_key, priority, state, run_at, expires_at, attempt, body) ON CONFLICT (id) DO NOTHING`,
			c.ids, c.queues, c.kinds, c.keys, c.priorities, c.states, c.runAts, c.expires, c.attempted, c.bodies)
		return err
	}
	args := make([]any, 0, 11*len(c.ids))
	for i := range c.ids {
		args = append(args, c.ids[i], c.queues[i], c.kinds[i], c.keys[i], c.priorities[i], c.states[i],
			c.runAts[i], c.runAts[i], c.expires[i], c.attempted[i], c.bodies[i])
	}
	_, err := d.Exec(ctx, q, d.insertJobs+sqldb.Placeholders(len(c.ids), "(?,?,?,?,?,?,?,?,?,?,?)")+d.insertOnce, args...)
	return err
}
