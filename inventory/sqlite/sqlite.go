// Package sqlite keeps stock in an SQLite database that the host opens with modernc.org/sqlite, whose driver name is "sqlite":
//
//	db, err := sql.Open("sqlite", sqlite.DSN("shop.db"))
//	stock, err := sqlite.Open(ctx, db, nil)
//
// # Settings
//
// Open asks for write-ahead logging (readers and the writer do not wait for each other), synchronous=FULL (what was acknowledged
// survives a power cut) and a busy timeout (a writer waits for another one instead of failing); it refuses a
// database without them. [DSN] has them all, and makes every transaction of the host take the write lock at once, without which
// two that read first and write then can end in SQLITE_BUSY.
//
// # Strategies
//
// SQLite has one writer at a time. Pessimistic is BEGIN IMMEDIATE; Optimistic takes the write lock only when
// it knows that there is something to write, and starts over if another process has written since; Conditional lets the UPDATE decide;
// Grouped shares one commit, and so one sync of the disk, among all callers that wait, and is many times as fast as the others.
//
// # Transactions
//
// The …Tx variants join a transaction of the host on the same database, so that an order and its stock are committed together. While one is
// open it is the writer: do not call the variants without Tx from inside it, they would wait for it.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// DSN returns the data source name of a database file with the settings that Open asks for.
func DSN(path string) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(10000)") // first: the others may have to wait
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Set("_txlock", "immediate")
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Open migrates the database and returns the inventory in it; nil options mean the defaults. It returns an
// [inventory.InvalidError] if a connection lacks a setting (see the package's comment), and inventory.ErrSchema
// if the schema is newer than the program. Closing the inventory leaves db open.
func Open(ctx context.Context, db *sql.DB, options *inventory.Options) (*inventory.Inventory, error) {
	if db == nil {
		return nil, fmt.Errorf("inventory: open sqlite: %w", &inventory.InvalidError{Field: "db", Reason: "is nil"})
	}
	if err := sqlstock.Reach(ctx, db, dialect); err != nil {
		return nil, err
	}
	if err := checkSettings(ctx, db); err != nil {
		return nil, fmt.Errorf("inventory: open sqlite: %w", err)
	}
	return sqlstock.Open(ctx, db, dialect, options)
}

// Migrate brings the schema up to date, for hosts that set Options.SkipMigrations.
func Migrate(ctx context.Context, db *sql.DB) error { return sqlstock.Migrate(ctx, db, dialect) }

//go:embed migrations/*.sql
var migrations embed.FS

var dialect = &sqlstock.Dialect{
	Name:          "sqlite",
	Migrations:    migrations,
	LockSchema:    "BEGIN IMMEDIATE",
	UnlockSchema:  "COMMIT",
	AbandonSchema: "ROLLBACK",
	Begin:         []string{"BEGIN IMMEDIATE"},
	// Its first write fails at once if another process has written since its first read.
	BeginOptimistic: []string{"BEGIN"},
	Serial:          true,
	LockTx:          "DELETE FROM inventory_schema WHERE 1 = 0",
	In:              sqlstock.InList,
	Places: func(places []inventory.Place) (string, []any) {
		condition := "(sku, location) IN (VALUES " + strings.TrimSuffix(strings.Repeat("(?, ?), ", len(places)), ", ") + ")"
		return condition, sqlstock.PlaceArgs(places)
	},
	Insert: insert,
	Upsert: func(rows sqlstock.Rows, columns []string) sqlstock.Statement {
		statement := insert(rows)
		statement.Query += sqlstock.OnConflict(rows.Table, columns)
		return statement
	},
	Take:     take,
	Due:      "settled_at IS NULL AND expires_at <= ? ORDER BY expires_at",
	Low:      "on_hand - reserved - safety_stock <= reorder_point",
	Fault:    fault,
	Answered: answered,
}

// insert leaves it to the rollback to undo what it did before it failed. By default SQLite would copy every page that it changes
// first, to undo that by itself, and half of the time would go there.
func insert(rows sqlstock.Rows) sqlstock.Statement {
	statement := sqlstock.InsertValues(rows)
	statement.Query = strings.Replace(statement.Query, "INSERT", "INSERT OR FAIL", 1)
	return statement
}

func take(takes []sqlstock.Take) sqlstock.Statement {
	args := make([]any, 0, 5*len(takes)+1)
	for _, t := range takes {
		args = append(args, t.SKU, t.Location, t.Quantity, t.Versions, t.UpdatedAt)
	}
	list := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?), ", len(takes)), ", ")
	return sqlstock.Statement{Changes: int64(len(takes)), Args: append(args, int64(inventory.MaxQuantity)),
		Query: "WITH t (sku, location, quantity, versions, at) AS (VALUES " + list + `)
			UPDATE OR FAIL inventory_levels SET reserved = reserved + t.quantity, version = version + t.versions, updated_at = t.at FROM t
			WHERE inventory_levels.sku = t.sku AND inventory_levels.location = t.location
			AND on_hand - reserved - safety_stock + backorder_limit >= t.quantity AND reserved + t.quantity <= ?`}
}

func fault(err error) sqlstock.Fault {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return sqlstock.Permanent
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return sqlstock.Duplicate
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return sqlstock.Transient
	case sqlite3.SQLITE_READONLY:
		return sqlstock.ReadOnly
	case sqlite3.SQLITE_FULL:
		return sqlstock.Full
	}
	return sqlstock.Permanent
}

// answered: after an I/O error it is the disk that knows.
func answered(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff != sqlite3.SQLITE_IOERR
}

// checkSettings looks at two connections at once, if there may be two: settings made by Exec on one are not on the other.
func checkSettings(ctx context.Context, db *sql.DB) error {
	conns := 2
	if db.Stats().MaxOpenConnections == 1 {
		conns = 1
	}
	for range conns {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := checkConnection(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

func checkConnection(ctx context.Context, conn *sql.Conn) error {
	var journal string
	var synchronous, busyTimeout int
	for pragma, value := range map[string]any{"journal_mode": &journal, "synchronous": &synchronous, "busy_timeout": &busyTimeout} {
		if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(value); err != nil {
			return err
		}
	}
	const remedy = " (open the database with sqlite.DSN)"
	switch {
	case journal != "wal":
		return &inventory.InvalidError{Field: "journal_mode", Reason: "is " + journal + ", must be wal" + remedy}
	case synchronous < 2:
		return &inventory.InvalidError{Field: "synchronous", Reason: "is below FULL on a connection" + remedy}
	case busyTimeout <= 0:
		return &inventory.InvalidError{Field: "busy_timeout", Reason: "is not set on a connection" + remedy}
	}
	return nil
}
