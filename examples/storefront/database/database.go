// Package database is the database that a shop keeps its accounts, orders and
// products in: SQLite, MySQL or MariaDB, or PostgreSQL. Statements are written
// once, in what SQLite and PostgreSQL have in common, and translated to the
// rest (see Dialect).
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// DB is a database and its dialect. It is safe for concurrent use.
type DB struct {
	pool    *sql.DB
	dialect Dialect
}

// New speaks a dialect to a database, which is its own from then on. See the
// Open functions.
func New(pool *sql.DB, dialect Dialect) *DB { return &DB{pool: pool, dialect: dialect} }

// Pool is the database itself, for packages that bring statements of their own.
func (d *DB) Pool() *sql.DB { return d.pool }

// Dialect is what the database speaks.
func (d *DB) Dialect() Dialect { return d.dialect }

// Querier is a database or one of its transactions.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// QueryContext is that of database/sql, with the statement translated.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.pool.QueryContext(ctx, d.dialect.translate(query), args...)
}

// QueryRowContext is that of database/sql, with the statement translated.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return d.pool.QueryRowContext(ctx, d.dialect.translate(query), args...)
}

// ExecContext is that of database/sql, with the statement translated.
func (d *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return d.pool.ExecContext(ctx, d.dialect.translate(query), args...)
}

// PingContext reports whether the database answers.
func (d *DB) PingContext(ctx context.Context) error { return d.pool.PingContext(ctx) }

// Tx is a transaction under way.
type Tx struct {
	tx      *sql.Tx
	dialect Dialect
}

// SQL is the transaction itself, for packages that bring statements of their own.
func (t *Tx) SQL() *sql.Tx { return t.tx }

// Commit makes the changes.
func (t *Tx) Commit() error {
	if err := t.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Rollback undoes the changes. After Commit it does nothing.
func (t *Tx) Rollback() error {
	if err := t.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// QueryContext is that of database/sql, with the statement translated.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, t.dialect.translate(query), args...)
}

// QueryRowContext is that of database/sql, with the statement translated.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.dialect.translate(query), args...)
}

// ExecContext is that of database/sql, with the statement translated.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, t.dialect.translate(query), args...)
}

// attempts bounds how often a transaction starts over after deadlocks.
const attempts = 10

// InTx runs work in one transaction: committed when it returns nil, rolled back
// otherwise. When the server ends it over a deadlock or a lock that did not come
// free, nothing has happened, and work runs again in a new one, a few times.
func (d *DB) InTx(ctx context.Context, work func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := d.once(ctx, work)
		if err == nil || attempt == attempts || ctx.Err() != nil || !transient(err) {
			return err
		}
		// at random, so that those who met do not meet again
		if err := pause.For(ctx, rand.N(time.Duration(attempt)*5*time.Millisecond)); err != nil {
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, work func(*Tx) error) error {
	tx, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Begin starts a transaction, for work that cannot run twice. See InTx.
func (d *DB) Begin(ctx context.Context) (*Tx, error) {
	tx, err := d.pool.BeginTx(ctx, d.dialect.options())
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return &Tx{tx: tx, dialect: d.dialect}, nil
}

// Create runs the statements of the dialect's file in a folder "schema", such as
// schema/mysql.sql. Each makes something that may be there already, and ends
// with ";" at the end of a line.
func (d *DB) Create(ctx context.Context, files fs.FS) error {
	schema, err := fs.ReadFile(files, "schema/"+string(d.dialect)+".sql")
	if err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	for statement := range statements(string(schema)) {
		if _, err := d.pool.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create tables: %w", err)
		}
	}
	return nil
}
