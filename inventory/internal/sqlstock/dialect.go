// Package sqlstock keeps stock in SQL tables. It is the one core of all SQL backends: a backend is a [Dialect], its
// migrations and an Open.
package sqlstock

import "io/fs"

// Dialect is what differs between databases. All take "?" as placeholder and compare the text of keys byte by byte.
type Dialect struct {
	// Name of the database, for messages.
	Name string
	// Migrations are files named migrations/0001_….sql, migrations/0002_….sql; each statement ends with ";" at the end of a line.
	Migrations fs.FS
	// LockSchema keeps two processes from migrating at once, until UnlockSchema or, after a failure, AbandonSchema.
	LockSchema, UnlockSchema, AbandonSchema string
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
	// Places is the condition that (sku, location) is one of n pairs of placeholders.
	Places func(n int) string
	// Upsert ends an INSERT that updates the columns of a row whose key exists.
	Upsert func(key, columns []string) string
	// Due is the condition on a request, answered by an index, that it is held and expires at or before the placeholder,
	// and the order by the time of expiry.
	Due string
	// Low is the condition on a level, answered by an index, that it is low.
	Low string
	// Fault classifies an error of a statement.
	Fault func(error) Fault
	// Answered reports whether the database itself refused a commit. Otherwise nobody knows what became of it.
	Answered func(error) bool
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
)
