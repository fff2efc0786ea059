// Package sqldb is what notify's backends in SQL databases have in common: telling
// the databases apart, trying again, and bringing tables up to date.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// Dialect is a kind of database. Statements are written with ? for parameters; Rebind makes them its own.
type Dialect struct {
	Name string
	// Single says that the database has one writer at a time.
	Single bool
	// Isolation of transactions that work on queues: with the default of MySQL, claiming
	// would lock the gaps that producers insert into.
	Isolation sql.IsolationLevel

	lock, unlock, fail []string // around a migration
}

// The dialects. MariaDB is MySQL.
var (
	SQLite = &Dialect{
		Name: "sqlite", Single: true,
		lock: []string{"BEGIN IMMEDIATE"}, unlock: []string{"COMMIT"}, fail: []string{"ROLLBACK"},
	}
	Postgres = &Dialect{
		Name: "postgres",
		lock: []string{"BEGIN", "SELECT pg_advisory_xact_lock(7307498631)"}, unlock: []string{"COMMIT"}, fail: []string{"ROLLBACK"},
	}
	// MySQL's statements on tables commit by themselves, so its lock belongs to the connection.
	MySQL = &Dialect{
		Name: "mysql", Isolation: sql.LevelReadCommitted,
		lock:   []string{"DO GET_LOCK(CONCAT('notify_migrate.', DATABASE()), 60)"},
		unlock: []string{"DO RELEASE_LOCK(CONCAT('notify_migrate.', DATABASE()))"},
		fail:   []string{"DO RELEASE_LOCK(CONCAT('notify_migrate.', DATABASE()))"},
	}
)

// Detect asks the database what it is.
func Detect(ctx context.Context, db *sql.DB) (*Dialect, error) {
	var version string
	err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version)
	switch {
	case err == nil && strings.HasPrefix(version, "PostgreSQL"):
		return Postgres, nil
	case err == nil:
		return MySQL, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return nil, err
	}
	return SQLite, nil
}

// Rebind numbers the parameters where the database wants that: $1, $2, …
func (d *Dialect) Rebind(statement string) string {
	if d != Postgres {
		return statement
	}
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

// Querier is a transaction or the database itself.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Exec runs a statement and returns how many rows it changed.
func (d *Dialect) Exec(ctx context.Context, q Querier, statement string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, d.Rebind(statement), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query runs a statement that returns rows.
func (d *Dialect) Query(ctx context.Context, q Querier, statement string, args ...any) (*sql.Rows, error) {
	return q.QueryContext(ctx, d.Rebind(statement), args...)
}

// Numbers runs a statement that returns rows of one number.
func (d *Dialect) Numbers(ctx context.Context, q Querier, statement string, args ...any) ([]int64, error) {
	rows, err := d.Query(ctx, q, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// Transact runs fn in a transaction, again while it fails for what passes by itself.
func (d *Dialect) Transact(ctx context.Context, db *sql.DB, fn func(tx *sql.Tx) error) error {
	return Patiently(ctx, func() error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: d.Isolation})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// patience bounds how long a locked database is tried.
const patience = 30 * time.Second

// Patiently repeats fn while its failure passes by itself.
func Patiently(ctx context.Context, fn func() error) error {
	deadline := time.Now().Add(patience)
	for rest := 2 * time.Millisecond; ; rest = min(2*rest, 200*time.Millisecond) {
		err := fn()
		if err == nil || !transient(err) || time.Now().After(deadline) {
			return err
		}
		if err := pause.For(ctx, rest/2+rand.N(rest)); err != nil {
			return err
		}
	}
}

// transient recognizes what passes by itself: SQLite's locks, and transactions that were
// chosen as victim of a deadlock or waited too long. By code, or, for drivers without one, by text.
func transient(err error) bool {
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

// Migrate applies the files below DIALECT/ that table does not list yet. A lock keeps other
// processes away from before one looks until it is done, so that of several one
// migrates and the others find it done.
func (d *Dialect) Migrate(ctx context.Context, db *sql.DB, table string, migrations fs.FS) error {
	files, err := fs.Glob(migrations, d.Name+"/*.sql")
	if err != nil {
		return err
	}
	return Patiently(ctx, func() error { return d.apply(ctx, db, table, migrations, files) })
}

func (d *Dialect) apply(ctx context.Context, db *sql.DB, table string, migrations fs.FS, files []string) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	run := func(ctx context.Context, statements ...string) error {
		for _, s := range statements {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	if err := run(ctx, d.lock...); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = run(context.WithoutCancel(ctx), d.fail...)
		}
	}()
	if err := run(ctx, "CREATE TABLE IF NOT EXISTS "+table+" (version INTEGER PRIMARY KEY)"); err != nil {
		return err
	}
	done := 0
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM "+table).Scan(&done); err != nil {
		return err
	}
	for i, file := range files[min(done, len(files)):] {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			return err
		}
		if err := run(ctx, statements(string(text))...); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := run(ctx, fmt.Sprintf("INSERT INTO %s (version) VALUES (%d)", table, done+i+1)); err != nil {
			return err
		}
	}
	return run(ctx, d.unlock...)
}

// statements are the parts of a file; not all drivers take several at once.
func statements(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(part) != "" {
			all = append(all, part)
		}
	}
	return all
}

// Placeholders is n groups like "(?,?)", separated by commas.
func Placeholders(n int, group string) string {
	return strings.TrimSuffix(strings.Repeat(group+",", n), ",")
}

// Micros is how times are stored: microseconds since 1970, and 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros reads what Micros wrote.
func FromMicros(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}
