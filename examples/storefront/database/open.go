package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// connections bounds how many are open at once. A shopper's request needs one.
const connections = 32

// OpenSQLite opens a file, made when it is not there, so that what was
// acknowledged survives a power cut (WAL, synchronous=FULL) and a transaction
// that will write never has to be rolled back because another one did first
// (immediate).
func OpenSQLite(ctx context.Context, path string) (*DB, error) {
	options := url.Values{
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(15000)", "foreign_keys(ON)"},
		"_txlock": {"immediate"},
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return ready(ctx, pool, SQLite)
}

// ErrName reports a data source name that cannot be read. What is wrong with it is
// not said, since it may hold a password.
var ErrName = errors.New("not a data source name")

// OpenMySQL opens a database of a MySQL or MariaDB server by its data source
// name, such as shop:password@tcp(127.0.0.1:3306)/shop. Errors: ErrName.
func OpenMySQL(ctx context.Context, name string) (*DB, error) {
	settings, err := mysql.ParseDSN(name)
	if err != nil || settings.DBName == "" {
		return nil, fmt.Errorf("%w such as user:password@tcp(127.0.0.1:3306)/shop", ErrName)
	}
	settings.InterpolateParams = true // one round trip a statement instead of three
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrName, err)
	}
	return ready(ctx, sql.OpenDB(connector), MySQL)
}

// OpenPostgres opens a database of a PostgreSQL server by its data source name,
// such as postgres://shop:password@127.0.0.1:5432/shop. Errors: ErrName.
func OpenPostgres(ctx context.Context, name string) (*DB, error) {
	settings, err := pgx.ParseConfig(name)
	if err != nil {
		return nil, fmt.Errorf("%w such as postgres://user:password@127.0.0.1:5432/shop", ErrName)
	}
	return ready(ctx, stdlib.OpenDB(*settings), Postgres)
}

func ready(ctx context.Context, pool *sql.DB, dialect Dialect) (*DB, error) {
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dialect, err), pool.Close())
	}
	return New(pool, dialect), nil
}

// Close closes the database, with all that is on it.
func (d *DB) Close() error { return d.pool.Close() }
