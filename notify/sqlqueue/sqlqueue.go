// Package sqlqueue is a notify backend in the host's own SQL database. Today
// that is SQLite, through any database/sql driver for it.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
//	queue, err := sqlqueue.Open(ctx, db, nil)
//
// Jobs survive a restart and a kill -9 as far as the database itself does:
// synchronous=FULL for a loss of power. Task.EnqueueTx puts a job into the
// host's transaction.
//
// Workers in the same process are woken when a job is enqueued. Jobs from
// another process, or from a transaction that is still open when EnqueueTx
// returns, are found by polling: quickly after recent work, and every PollInterval when idle.
package sqlqueue

import (
	"context"
	"database/sql"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure Open. Zero means the default.
type Options struct {
	notify.Options
	// PollInterval is how often an idle queue looks for jobs of other processes. Default 1 second.
	PollInterval time.Duration
	// SkipMigrations leaves the schema to the host, who calls Migrate.
	SkipMigrations bool
}

// Open makes a queue in db and brings its tables up to date. Close does not close db.
func Open(ctx context.Context, db *sql.DB, o *Options) (*notify.Queue, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if options.PollInterval == 0 {
		options.PollInterval = time.Second
	}
	if options.PollInterval < time.Millisecond {
		return nil, &notify.InvalidError{Field: "PollInterval", Reason: "must be at least 1 ms"}
	}
	if !options.SkipMigrations {
		if err := Migrate(ctx, db); err != nil {
			return nil, err
		}
	}
	d := newDriver(db, options.Options.WithDefaults().Now, options.PollInterval)
	return notify.New(d, &options.Options), nil
}
