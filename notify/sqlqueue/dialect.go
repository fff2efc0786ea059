package sqlqueue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// dialect is what differs between databases. Statements are written with ? for
// parameters; rebind makes them the database's own.
type dialect struct {
	name   string
	rebind func(statement string) string
	// single says that the database has one writer at a time, so that ours wait in line.
	single bool
	// isolation of our transactions: with the default of MySQL, claiming would lock
	// the gaps that producers insert into.
	isolation sql.IsolationLevel

	insertJobs string // ends with "VALUES" and rows, followed by insertOnce
	insertOnce string // keeps the row that is there

	claimKey   string // unique_key, id, until, now
	pause      string // name, paused
	countUp    string // queue, minute, handled, failed
	insertName string // name, value, version, until; keeps what is there
	storeName  string // name, value, version, until; overwrites
}

func same(statement string) string { return statement }

// dollars numbers the parameters: $1, $2, …
func dollars(statement string) string {
	var b strings.Builder
	n := 0
	for _, r := range statement {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
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
	sqlite   = conflict(dialect{name: "sqlite", rebind: same, single: true})
	postgres = conflict(dialect{name: "postgres", rebind: dollars})
	mysql    = &dialect{
		name: "mysql", rebind: same, isolation: sql.LevelReadCommitted,
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
	var version string
	err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version)
	switch {
	case err == nil && strings.HasPrefix(version, "PostgreSQL"):
		return postgres, nil
	case err == nil:
		return mysql, nil
	}
	if db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version) == nil {
		return sqlite, nil
	}
	return nil, fmt.Errorf("sqlqueue: open: %w", err)
}

// transient recognizes what passes by itself: SQLite's locks, and transactions that were
// chosen as victim of a deadlock or waited too long. By code, or, for drivers without one, by text.
func transient(err error) bool {
	if err == nil {
		return false
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch state.SQLState() {
		case "40001", "40P01", "55P03":
			return true
		}
		return false
	}
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		primary := coded.Code() & 0xff
		return primary == 5 || primary == 6
	}
	text := err.Error()
	return strings.Contains(text, "database is locked") || strings.Contains(text, "Error 1213 ") || strings.Contains(text, "Error 1205 ")
}

// querier is a transaction or the database itself.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// exec runs a statement and returns how many rows it changed.
func (d *driver) exec(ctx context.Context, q querier, statement string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, d.rebind(statement), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (d *driver) query(ctx context.Context, q querier, statement string, args ...any) (*sql.Rows, error) {
	return q.QueryContext(ctx, d.rebind(statement), args...)
}
