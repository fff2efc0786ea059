package sqlqueue

import (
	"database/sql"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// columns are what scan reads.
const columns = "seq, id, queue, kind, priority, state, due, run_at, expires_at, attempt, crashes, lease, body"

// row is a stored job.
type row struct {
	seq, lease            int64
	id, queue, kind       string
	priority, state       int
	due, runAt, expiresAt int64
	attempt, crashes      int
	body                  []byte
}

func scan(rows *sql.Rows) ([]*row, error) {
	defer rows.Close()
	var all []*row
	for rows.Next() {
		var r row
		err := rows.Scan(&r.seq, &r.id, &r.queue, &r.kind, &r.priority, &r.state, &r.due, &r.runAt, &r.expiresAt,
			&r.attempt, &r.crashes, &r.lease, &r.body)
		if err != nil {
			return nil, err
		}
		all = append(all, &r)
	}
	return all, rows.Err()
}

// envelope decodes the body. One that cannot be read comes back as an error,
// together with what the columns tell and the body as it is.
func (r *row) envelope(c *clock) (*notify.Envelope, error) {
	e := new(notify.Envelope)
	err := e.UnmarshalBinary(r.body)
	if err != nil {
		e.Payload = r.body
	}
	e.ID, e.Queue, e.Kind, e.Priority = r.id, r.queue, r.kind, r.priority
	e.Attempt, e.RunAt, e.ExpiresAt = r.attempt, c.here(sqldb.FromMicros(r.runAt)), c.here(sqldb.FromMicros(r.expiresAt))
	return e, err
}

// seen is the state as an operator sees it.
func (r *row) seen(now time.Time) notify.State {
	switch {
	case r.state == running:
		return notify.Running
	case r.state == dead:
		return notify.Dead
	case r.state == available || r.runAt <= sqldb.Micros(now):
		return notify.Available
	case r.attempt > 0:
		return notify.Retrying
	}
	return notify.Scheduled
}
