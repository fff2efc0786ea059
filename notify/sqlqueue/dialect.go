package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// dialect is what differs between databases beyond what sqldb knows.
type dialect struct {
	*sqldb.Dialect

	insertJobs string // ends with "VALUES" and rows, followed by insertOnce
	insertOnce string // keeps the row that is there

	claimKey   string // unique_key, id, until, now
	pause      string // name, paused
	countUp    string // queue, minute, handled, failed
	insertName string // name, value, version, until; keeps what is there
	storeName  string // name, value, version, until; overwrites
}

const insertColumns = `INSERT INTO notify_jobs
	(id, queue, kind, job_key, priority, state, due, run_at, expires_at, attempt, body) VALUES `

// conflict is for databases that have ON CONFLICT.
func conflict(d dialect) *dialect {
	d.insertJobs, d.insertOnce = insertColumns, " ON CONFLICT (id) DO NOTHING"
	d.claimKey = `INSERT INTO notify_unique (unique_key, id, until) VALUES (?, ?, ?)
		ON CONFLICT (unique_key) DO UPDATE SET id = excluded.id, until = excluded.until
		WHERE notify_unique.until <= ? OR notify_unique.id = excluded.id`
	d.pause = "INSERT INTO notify_queues (name, paused) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused"
	d.countUp = `INSERT INTO notify_minutes (queue, minute, handled, failed) VALUES (?, ?, ?, ?)
		ON CONFLICT (queue, minute) DO UPDATE SET handled = notify_minutes.handled + excluded.handled, failed = notify_minutes.failed + excluded.failed`
	d.insertName = "INSERT INTO notify_state (name, value, version, until) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"
	d.storeName = `INSERT INTO notify_state (name, value, version, until) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = notify_state.version + 1, until = excluded.until`
	return &d
}

var (
	sqlite   = conflict(dialect{Dialect: sqldb.SQLite})
	postgres = conflict(dialect{Dialect: sqldb.Postgres})
	mysql    = &dialect{
		Dialect:    sqldb.MySQL,
		insertJobs: insertColumns, insertOnce: " ON DUPLICATE KEY UPDATE seq = seq",
		// From left to right: once id is the new one, so is until.
		claimKey: `INSERT INTO notify_unique (unique_key, id, until) VALUES (?, ?, ?)
			ON DUPLICATE KEY UPDATE id = IF(until <= ?, VALUES(id), id), until = IF(id = VALUES(id), VALUES(until), until)`,
		pause: "INSERT INTO notify_queues (name, paused) VALUES (?, ?) ON DUPLICATE KEY UPDATE paused = VALUES(paused)",
		countUp: `INSERT INTO notify_minutes (queue, minute, handled, failed) VALUES (?, ?, ?, ?)
			ON DUPLICATE KEY UPDATE handled = handled + VALUES(handled), failed = failed + VALUES(failed)`,
		insertName: "INSERT IGNORE INTO notify_state (name, value, version, until) VALUES (?, ?, ?, ?)",
		storeName: `INSERT INTO notify_state (name, value, version, until) VALUES (?, ?, ?, ?)
			ON DUPLICATE KEY UPDATE value = VALUES(value), version = version + 1, until = VALUES(until)`,
	}
)

// detect asks the database what it is.
func detect(ctx context.Context, db *sql.DB) (*dialect, error) {
	found, err := sqldb.Detect(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: open: %w", err)
	}
	for _, d := range []*dialect{sqlite, postgres} {
		if d.Dialect == found {
			return d, nil
		}
	}
	return mysql, nil
}
