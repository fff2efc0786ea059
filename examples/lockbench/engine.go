package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	driver "github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite" // the database/sql driver of package inventory/sqlite

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/memory"
	"github.com/seed82d84382/commerce/inventory/mysql"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

// engine is a kind of database.
type engine struct {
	name    string
	remote  bool // there is a network between us and it
	private bool // only one process can open it
	// start makes a server ready, or the one whose address is given.
	start func(ctx context.Context, s *settings) (*server, error)
	// connect opens a database with at most so many connections; nil if the engine is no SQL database.
	connect func(dsn string, pool int) (*sql.DB, error)
	open    func(ctx context.Context, db *sql.DB, options *inventory.Options) (*inventory.Inventory, error)
	version string // a query for it
}

// server is where databases are made, one for each run.
type server struct {
	newDatabase func(ctx context.Context) (dsn string, drop func(context.Context) error, err error)
	describe    func(ctx context.Context, environment *bench.Environment) error
	close       func() error
}

var engines = []*engine{
	{
		name: "memory", private: true, start: startNothing,
		open: func(_ context.Context, _ *sql.DB, options *inventory.Options) (*inventory.Inventory, error) {
			return memory.Open(options)
		},
	},
	{name: "sqlite", start: startSQLite, connect: connectSQLite, open: sqlite.Open, version: "SELECT sqlite_version()"},
	{name: "mariadb", remote: true, start: startMariaDB, connect: connectMySQL, open: mysql.Open, version: "SELECT VERSION()"},
}

func engineNamed(name string) *engine {
	for _, e := range engines {
		if e.name == name {
			return e
		}
	}
	return nil
}

// findEngine returns the engine of a name, or of a data source name by its form.
func findEngine(text string) (e *engine, dsn string, err error) {
	if e := engineNamed(text); e != nil {
		return e, "", nil
	}
	if strings.HasPrefix(text, "file:") {
		return engineNamed("sqlite"), text, nil
	}
	if config, err := driver.ParseDSN(text); err == nil && config.DBName != "" {
		return engineNamed("mariadb"), text, nil
	}
	// The text is not repeated: it may hold a password.
	return nil, "", errors.New("lockbench: -db: is neither memory, sqlite or mariadb nor a data source name that chooses a database")
}

func nothing(context.Context) error { return nil }

func startNothing(context.Context, *settings) (*server, error) {
	return &server{
		newDatabase: func(context.Context) (string, func(context.Context) error, error) { return "", nothing, nil },
		describe:    func(context.Context, *bench.Environment) error { return nil },
		close:       func() error { return nil },
	}, nil
}

// given is a database that is there already.
func given(s *settings, dsn string) *server {
	return &server{
		newDatabase: func(context.Context) (string, func(context.Context) error, error) { return dsn, nothing, nil },
		describe: func(ctx context.Context, environment *bench.Environment) error {
			return s.engine.describe(ctx, dsn, environment)
		},
		close: func() error { return nil },
	}
}

func startSQLite(_ context.Context, s *settings) (*server, error) {
	if s.dsn != "" {
		return given(s, s.dsn), nil
	}
	dir, err := os.MkdirTemp("", "lockbench-")
	if err != nil {
		return nil, err
	}
	return &server{
		newDatabase: func(context.Context) (string, func(context.Context) error, error) {
			path := filepath.Join(dir, rand.Text())
			return sqlite.DSN(path), func(context.Context) error {
				return errors.Join(os.Remove(path), removeIfThere(path+"-wal"), removeIfThere(path+"-shm"))
			}, nil
		},
		describe: func(ctx context.Context, environment *bench.Environment) error {
			return s.engine.describe(ctx, sqlite.DSN(filepath.Join(dir, "version")), environment)
		},
		close: func() error { return os.RemoveAll(dir) },
	}, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// startMariaDB gives the server room, so that its memory is not what is measured, and leaves its durability as it comes.
func startMariaDB(ctx context.Context, s *settings) (*server, error) {
	base, dsn := (*testenv.Server)(nil), s.dsn
	if dsn == "" {
		args := []string{"--innodb-flush-log-at-trx-commit=1", "--innodb-log-file-size=256M", "--innodb-buffer-pool-size=512M", "--max-connections=1200"}
		if s.binlog {
			args = append(args, "--log-bin=binlog", "--sync-binlog=1", "--server-id=1")
		}
		if s.isolation != "" {
			args = append(args, "--transaction-isolation="+s.isolation)
		}
		var err error
		if base, err = testenv.MariaDB(ctx, &testenv.Options{Args: args}); err != nil {
			return nil, err
		}
		dsn = base.DSN
	}
	server, err := behindProxy(s, dsn)
	if err != nil {
		if base != nil {
			err = errors.Join(err, base.Close())
		}
		return nil, err
	}
	if base != nil {
		through := server.newDatabase
		server.newDatabase = func(ctx context.Context) (string, func(context.Context) error, error) {
			dsn, drop, err := base.NewDatabase(ctx)
			if err != nil {
				return "", nil, err
			}
			proxied, _, err := through(ctx)
			return withAddress(dsn, proxied), drop, err
		}
		closeProxy := server.close
		server.close = func() error { return errors.Join(closeProxy(), base.Close()) }
	}
	return server, nil
}

// behindProxy makes the way to the database longer, if the settings say so.
func behindProxy(s *settings, dsn string) (*server, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil || s.delay == 0 {
		return given(s, dsn), err
	}
	proxy, err := testenv.NewProxy(config.Addr)
	if err != nil {
		return nil, err
	}
	proxy.SetDelay(s.delay / 2) // in each direction
	config.Addr = proxy.Addr()
	server := given(s, config.FormatDSN())
	server.close = proxy.Close
	return server, nil
}

// withAddress returns dsn with the address of another one. Both were made by us or parsed before.
func withAddress(dsn, other string) string {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return dsn
	}
	from, err := driver.ParseDSN(other)
	if err != nil {
		return dsn
	}
	config.Addr = from.Addr
	return config.FormatDSN()
}

func connectMySQL(dsn string, pool int) (*sql.DB, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.InterpolateParams = true
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return pooled(sql.OpenDB(connector), pool), nil
}

func connectSQLite(dsn string, pool int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return pooled(db, min(pool, 16)), nil // readers; there is one writer
}

// pooled keeps every connection: opening one must not be part of a figure.
func pooled(db *sql.DB, size int) *sql.DB {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

func (e *engine) describe(ctx context.Context, dsn string, environment *bench.Environment) error {
	db, err := e.connect(dsn, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	var version string
	if err := db.QueryRowContext(ctx, e.version).Scan(&version); err != nil {
		return err
	}
	environment.Versions[e.name] = version
	if !e.remote {
		return nil
	}
	for _, name := range []string{"innodb_flush_log_at_trx_commit", "log_bin", "sync_binlog", "tx_isolation"} {
		var key, value string
		err := db.QueryRowContext(ctx, "SHOW GLOBAL VARIABLES LIKE '"+name+"'").Scan(&key, &value)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err == nil {
			environment.Settings[key] = value
		}
	}
	return nil
}
