// Package sqlstock keeps stock in SQL tables. It is the one core of all SQL backends: a backend is a [Dialect], its
// migrations and an Open.
package sqlstock

import (
	"context"
	"database/sql"
	"io/fs"

	"github.com/seed82d84382/commerce/inventory"
)

// Dialect is what differs between databases. All statements have "?" as placeholder and compare the text of keys byte by byte.
type Dialect struct {
	// Name of the database, for messages.
	Name string
	// Migrations are files named migrations/0001_….sql, migrations/0002_….sql; each statement ends with ";" at the end of a line.
	Migrations fs.FS
	// LockSchema keeps two processes from migrating at once, until UnlockSchema or, after a failure, AbandonSchema.
	LockSchema, UnlockSchema, AbandonSchema string
	// Inspect, if set, looks at the server before it is used: it refuses one that will not do, and says what this one can.
	Inspect func(ctx context.Context, db *sql.DB) (Abilities, error)
	// Rebind, if set, puts the database's own placeholders into a statement.
	Rebind func(query string) string
	// Begin are the statements that open a transaction which sees what others commit and, where there is one writer, is it.
	Begin []string
	// BeginOptimistic are those for the optimistic strategy, which reads before it knows that it will write.
	BeginOptimistic []string
	// Serial says that the database has one writer at a time; ours then queue in the process, which is fair and cheap.
	Serial bool
	// LockTx, if set, makes the host's transaction the writer before it reads.
	LockTx string
	// ForUpdate and SkipLocked end a SELECT that locks rows.
	ForUpdate, SkipLocked string
	// In is the condition that a column is one of the values.
	In func(column string, values []string) (condition string, args []any)
	// Places is the condition that (sku, location) is one of the places.
	Places func(places []inventory.Place) (condition string, args []any)
	// PlacesIndex, if set, follows the table of levels where Places is the condition, and makes the database use the primary key.
	PlacesIndex string
	// Insert writes rows with one statement.
	Insert func(rows Rows) Statement
	// Upsert writes rows with one statement; of those whose key exists it updates the columns.
	Upsert func(rows Rows, columns []string) Statement
	// Take adds to what is reserved of several levels, in their order, by one statement that changes only those which
	// exist and have enough to sell, and knows how many rows it changes if all do. It may fail with TooLittle if one has not.
	Take func(takes []Take) Statement
	// Due is the condition on a reservation, answered by an index, that it is held and expires at or before the placeholder,
	// and the order by the time of expiry.
	Due string
	// Low is the condition on a level, answered by an index, that it is low.
	Low string
	// Fault classifies an error of a statement.
	Fault func(error) Fault
	// Answered reports whether the database itself refused a commit. Otherwise nobody knows what became of it.
	Answered func(error) bool
}

// Abilities are what a server can do beyond the dialect.
type Abilities struct {
	// Send is the way to send scripts; nil means a statement a round trip.
	Send Sender
	// Packet bounds the bytes of one statement; zero means none.
	Packet int
}

// Take is what a group of reservations takes of one level.
type Take struct {
	inventory.Place
	Quantity  int64
	Versions  int64 // how often the level changes
	UpdatedAt int64 // microseconds since 1970
}

// Fault is what an error means for the transaction it ended.
type Fault int

const (
	// Permanent errors come again.
	Permanent Fault = iota
	// Transient errors are deadlocks, lock timeouts, lost races and connections that broke before the commit.
	Transient
	// Duplicate is a row whose key another transaction wrote at the same time.
	Duplicate
	// TooLittle is how a statement of Dialect.Take may say that a level has not enough.
	TooLittle
	// ReadOnly is a database that takes no changes.
	ReadOnly
	// Full is a database that has no room.
	Full
)
