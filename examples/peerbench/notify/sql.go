package notify

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the queue on PostgreSQL
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue/pglisten"
)

// connections is the pool of each SQL client.
const connections = 32

// sqlRate is more than any of them handles a second.
const sqlRate = 20_000

// database makes a database on a server that all subjects share, and returns how to drop it.
func (b *benchmark) database(ctx context.Context, name string, start starter) (dsn string, drop func(context.Context) error, err error) {
	server, err := b.server(ctx, name, start)
	if err != nil {
		return "", nil, err
	}
	return server.NewDatabase(ctx)
}

// oursOnMySQL puts parameters into statements, as the package's documentation asks for.
func (b *benchmark) oursOnMySQL() system {
	return system{"ours", func(ctx context.Context) (*running, error) {
		dsn, drop, err := b.database(ctx, "mysql", testenv.MySQL)
		if err != nil {
			return nil, err
		}
		config, err := mysql.ParseDSN(dsn)
		if err != nil {
			return nil, err
		}
		config.InterpolateParams = true
		return b.oursOnSQL(ctx, "mysql", config.FormatDSN(), "SELECT VERSION()", drop)
	}}
}

// oursOnPostgres is on the database that River is on.
func (b *benchmark) oursOnPostgres() system {
	return system{"ours-postgresql", func(ctx context.Context) (*running, error) {
		dsn, drop, err := b.database(ctx, "postgres", testenv.Postgres)
		if err != nil {
			return nil, err
		}
		return b.oursOnSQL(ctx, "pgx", dsn, "SHOW server_version", drop)
	}}
}

func (b *benchmark) oursOnSQL(ctx context.Context, driver, dsn, askVersion string, drop func(context.Context) error) (*running, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	closeAll := func() error { return errors.Join(db.Close(), drop(context.WithoutCancel(ctx))) }
	var version string
	if err := db.QueryRowContext(ctx, askVersion).Scan(&version); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	o := sqlqueue.Options{Options: options()}
	name := "mysql"
	if driver == "pgx" {
		o.Listener, name = pglisten.New(db), "postgresql"
	}
	b.version(name, version)
	queue, err := sqlqueue.Open(ctx, db, &o)
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	producers, err := sqlqueue.Open(ctx, db, &sqlqueue.Options{Options: o.Options})
	if err != nil {
		return nil, errors.Join(err, queue.Close(), closeAll())
	}
	return oursApart(producers, queue, sqlRate, closeAll), nil
}

// riverArgs are the message as River wants it.
type riverArgs struct{ message }

// Kind names the job.
func (riverArgs) Kind() string { return "bench_code" }

type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	handled func(message)
}

// Work handles a job.
func (w *riverWorker) Work(_ context.Context, job *river.Job[riverArgs]) error {
	w.handled(job.Args.message)
	return nil
}

func (b *benchmark) river() system {
	return system{"river", func(ctx context.Context) (*running, error) {
		dsn, drop, err := b.database(ctx, "postgres", testenv.Postgres)
		if err != nil {
			return nil, err
		}
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		config.MaxConns = connections
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		closeAll := func() error { pool.Close(); return drop(context.WithoutCancel(ctx)) }
		r, err := b.openRiver(ctx, pool)
		if err != nil {
			return nil, errors.Join(err, closeAll())
		}
		r.close = closeAll
		return r, nil
	}}
}

func (b *benchmark) openRiver(ctx context.Context, pool *pgxpool.Pool) (*running, error) {
	var version string
	if err := pool.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return nil, err
	}
	b.version("postgresql", version)
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	client, err := river.NewClient(driver, &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &running{
		enqueue: func(ctx context.Context, m message) error {
			_, err := client.Insert(ctx, riverArgs{m}, nil)
			return err
		},
		fill: func(ctx context.Context, messages []message) error {
			for len(messages) > 0 {
				n := min(len(messages), bulk)
				params := make([]river.InsertManyParams, n)
				for i, m := range messages[:n] {
					params[i] = river.InsertManyParams{Args: riverArgs{m}}
				}
				if _, err := client.InsertManyFast(ctx, params); err != nil {
					return err
				}
				messages = messages[n:]
			}
			return nil
		},
		work: func(ctx context.Context, handlers int, handled func(message)) (func() error, error) {
			workers := river.NewWorkers()
			river.AddWorker(workers, &riverWorker{handled: handled})
			running, err := river.NewClient(driver, &river.Config{
				Logger: slog.New(slog.DiscardHandler), Workers: workers, FetchCooldown: river.FetchCooldownMin, // as it comes it fetches ten times a second
				Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: handlers}},
			})
			if err != nil {
				return nil, err
			}
			if err := running.Start(ctx); err != nil {
				return nil, err
			}
			return func() error { return running.Stop(context.WithoutCancel(ctx)) }, nil
		},
		stored: func(ctx context.Context) (n int64, err error) {
			err = pool.QueryRow(ctx, "SELECT count(*) FROM river_job").Scan(&n)
			return n, err
		},
		rate: sqlRate,
	}, nil
}
