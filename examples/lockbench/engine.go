package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/memory"
)

// engine is a kind of database.
type engine struct {
	name    string
	title   string // for a person
	private bool   // only one process can open it
	// connect opens a database with at most so many connections; nil if the engine is no SQL database.
	connect func(dsn string, pool int) (*sql.DB, error)
	open    func(ctx context.Context, db *sql.DB, options *inventory.Options) (*inventory.Inventory, error)
	// start makes the engine's own place for databases ready; nil for one with a server.
	start  func() (*server, error)
	remote *remote  // nil if there is no network between us and it
	facts  []string // queries for a name and a value, that a reader of the figures must know
	// numbered placeholders are $1, $2 …; others are question marks.
	numbered bool
	// primary follows a table's name and makes the database use the primary key, where it may do worse by itself.
	primary string
	// deadlock reports whether the database's error is one.
	deadlock func(error) bool
}

// remote is what an engine with a server has.
type remote struct {
	server func(context.Context, *testenv.Options) (*testenv.Server, error)
	args   []string // of a server that is measured
	binlog []string // and those that make it write a binary log; nil if it has none
	// isolation is the argument for a default isolation level.
	isolation func(level string) string
	// owns reports whether a data source name is one of this engine's.
	owns func(dsn string) bool
	// address is where a data source name leads to, and moved the name that leads to another address instead.
	address func(dsn string) (string, error)
	moved   func(dsn, address string) (string, error)
}

// server is where databases are made, one for each run.
type server struct {
	newDatabase func(ctx context.Context) (dsn string, drop func(context.Context) error, err error)
	close       func() error
}

var engines = []*engine{memoryEngine, sqliteEngine, mariadbEngine, mysqlEngine, postgresEngine}

var memoryEngine = &engine{
	name: "memory", title: "Memory", private: true,
	open: func(_ context.Context, _ *sql.DB, options *inventory.Options) (*inventory.Inventory, error) {
		return memory.Open(options)
	},
	start:    func() (*server, error) { return given(""), nil },
	deadlock: never,
}

// never is for engines in which nobody holds one lock while waiting for another.
func never(error) bool { return false }

func engineNames() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

func engineNamed(name string) *engine {
	if n := slices.IndexFunc(engines, func(e *engine) bool { return e.name == name }); n >= 0 {
		return engines[n]
	}
	return nil
}

// findEngine returns the engine of a name, or of a data source name by its form.
func findEngine(text string) (e *engine, dsn string, err error) {
	if e := engineNamed(text); e != nil {
		return e, "", nil
	}
	if strings.HasPrefix(text, "file:") {
		return sqliteEngine, text, nil
	}
	for _, e := range engines {
		if e.remote != nil && e.remote.owns(text) {
			return e, text, nil
		}
	}
	// The text is not repeated: it may hold a password.
	return nil, "", fmt.Errorf("lockbench: -db: is none of %s and no data source name that chooses a database", strings.Join(engineNames(), ", "))
}

// ready makes a place for databases, or uses the database that is given.
func (s *settings) ready(ctx context.Context) (*server, error) {
	switch {
	case s.engine.remote != nil:
		return s.startRemote(ctx)
	case s.dsn != "":
		return given(s.dsn), nil
	default:
		return s.engine.start()
	}
}

func nothing(context.Context) error { return nil }

// given is a database that is there already.
func given(dsn string) *server {
	return &server{
		newDatabase: func(context.Context) (string, func(context.Context) error, error) { return dsn, nothing, nil },
		close:       func() error { return nil },
	}
}

// startRemote starts a server unless one is given, and makes the way to it longer if the settings say so.
func (s *settings) startRemote(ctx context.Context) (_ *server, err error) {
	r := s.engine.remote
	var all *server
	var address string
	if s.dsn != "" {
		all = given(s.dsn)
		if address, err = r.address(s.dsn); err != nil {
			return nil, err
		}
	} else {
		own, err := r.server(ctx, &testenv.Options{Args: s.serverArgs()})
		if err != nil {
			return nil, err
		}
		all, address = &server{newDatabase: own.NewDatabase, close: own.Close}, own.Addr
	}
	if s.delay == 0 {
		return all, nil
	}
	proxy, err := testenv.NewProxy(address)
	if err != nil {
		return nil, errors.Join(err, all.close())
	}
	proxy.SetDelay(s.delay / 2) // in each direction
	return &server{
		newDatabase: func(ctx context.Context) (string, func(context.Context) error, error) {
			dsn, drop, err := all.newDatabase(ctx)
			if err != nil {
				return "", nil, err
			}
			if dsn, err = r.moved(dsn, proxy.Addr()); err != nil {
				err = errors.Join(err, drop(context.WithoutCancel(ctx)))
			}
			return dsn, drop, err
		},
		close: func() error { return errors.Join(proxy.Close(), all.close()) },
	}, nil
}

// serverArgs give the server room, so that its memory is not what is measured, and leave its durability as it comes.
func (s *settings) serverArgs() []string {
	args := slices.Clone(s.engine.remote.args)
	if s.binlog {
		args = append(args, s.engine.remote.binlog...)
	}
	if s.isolation != "" {
		args = append(args, s.engine.remote.isolation(s.isolation))
	}
	return args
}

func (e *engine) placeholder(n int) string {
	if e.numbered {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// pooled keeps every connection: opening one must not be part of a figure.
func pooled(db *sql.DB, size int) *sql.DB {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

// describe asks the database for what a reader must know.
func (e *engine) describe(ctx context.Context, from *server, environment *bench.Environment) (err error) {
	if e.connect == nil {
		return nil
	}
	dsn, drop, err := from.newDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop(context.WithoutCancel(ctx))) }()
	db, err := e.connect(dsn, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for n, query := range e.facts {
		var name, value string
		switch err := db.QueryRowContext(ctx, query).Scan(&name, &value); {
		case errors.Is(err, sql.ErrNoRows): // the server has no such setting
		case err != nil:
			return fmt.Errorf("%s: %w", query, err)
		case n == 0:
			environment.Versions[name] = value
		default:
			environment.Settings[name] = value
		}
	}
	return nil
}
