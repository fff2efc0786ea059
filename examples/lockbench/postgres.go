package main

import (
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

var postgresEngine = &engine{
	name:    "postgres",
	title:   "PostgreSQL",
	connect: connectPostgres,
	open:    postgres.Open,
	remote: &remote{
		server: testenv.Postgres,
		args:   []string{"-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB", "-c", "max_connections=1200"},
		isolation: func(level string) string {
			return "--default-transaction-isolation=" + strings.ToLower(strings.ReplaceAll(level, "-", " "))
		},
		owns:    isPostgres,
		address: postgresAddress,
		moved:   movedPostgres,
	},
	facts: []string{
		"SELECT 'postgres', current_setting('server_version')",
		"SELECT 'fsync', current_setting('fsync')",
		"SELECT 'synchronous_commit', current_setting('synchronous_commit')",
		"SELECT 'default_transaction_isolation', current_setting('default_transaction_isolation')",
	},
	numbered: true,
	deadlock: func(err error) bool {
		e, ok := errors.AsType[*pgconn.PgError](err)
		return ok && e.Code == "40P01"
	},
}

func isPostgres(dsn string) bool {
	u, err := url.Parse(dsn)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && strings.Trim(u.Path, "/") != ""
}

func postgresAddress(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the data source name is no URL") // not repeated: it may hold a password
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "5432"), nil
	}
	return u.Host, nil
}

func movedPostgres(dsn, address string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the data source name is no URL")
	}
	u.Host = address
	return u.String(), nil
}

func connectPostgres(dsn string, pool int) (*sql.DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	return pooled(db, pool), nil
}
