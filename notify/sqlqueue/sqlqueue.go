// Package sqlqueue is a notify backend in the host's own SQL database: SQLite,
// MySQL 8, MariaDB from 10.6, or PostgreSQL from 12.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
//	db, err := sql.Open("mysql", "shop:…@tcp(localhost)/shop?interpolateParams=true") // one round trip a statement instead of three
//	db, err := sql.Open("pgx", "postgres://shop:…@localhost/shop")
//	queue, err := sqlqueue.Open(ctx, db, nil)
//
// Jobs survive a restart and a kill -9 as far as the database itself does:
// synchronous=FULL on SQLite for a loss of power. Task.EnqueueTx puts a job into the
// host's transaction. On the servers workers take jobs with SKIP LOCKED, so that none waits
// for another. SQLite may be used through any driver, MySQL through
// go-sql-driver/mysql, PostgreSQL through pgx.
//
// # Clocks
//
// Leases and delays are measured by the database's clock, so processes whose clocks differ do not
// take each other's jobs. Options.Now, if it is given, is taken instead.
//
// # Latency
//
// Workers in the same process are woken when a job is enqueued. Those of other
// processes look every PollInterval. On PostgreSQL they can hear of jobs instead, by
// LISTEN and NOTIFY:
//
//	queue, err := sqlqueue.Open(ctx, db, &sqlqueue.Options{Listener: pglisten.New(db)})
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
	// PollInterval is how often an idle queue looks for jobs of other processes. Default
	// 20 milliseconds: a look reads a few entries of an index. While a Listener hears, a second.
	PollInterval time.Duration
	// Listener hears of new jobs, so that there is no need to poll. PostgreSQL only: see
	// package notify/sqlqueue/pglisten. Default none.
	Listener Listener
	// SkipMigrations leaves the schema to the host, who calls Migrate.
	SkipMigrations bool

	wrong bool // Now is this machine's clock and may be wrong; for tests
}

// Open makes a queue in db, finds out what database it is, and brings its tables up to
// date. Close does not close db.
func Open(ctx context.Context, db *sql.DB, o *Options) (*notify.Queue, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if options.PollInterval == 0 {
		options.PollInterval = 20 * time.Millisecond
	}
	if options.PollInterval < time.Millisecond {
		return nil, &notify.InvalidError{Field: "PollInterval", Reason: "must be at least 1 ms"}
	}
	dialect, err := detect(ctx, db)
	if err != nil {
		return nil, err
	}
	if options.Listener != nil && dialect != postgres {
		return nil, &notify.InvalidError{Field: "Listener", Reason: "is for PostgreSQL"}
	}
	if !options.SkipMigrations {
		if err := dialect.migrate(ctx, db); err != nil {
			return nil, err
		}
	}
	d := newDriver(dialect, db, &options)
	if err := d.readClock(ctx, db); err != nil {
		return nil, err
	}
	return notify.New(d, &options.Options), nil
}
