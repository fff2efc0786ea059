package database

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ statement, sqlite, mysql, postgres string }{
		"arguments": {
			`SELECT a FROM t WHERE b = ? AND c IN (?,?)`,
			`SELECT a FROM t WHERE b = ? AND c IN (?,?)`,
			`SELECT a FROM t WHERE b = ? AND c IN (?,?)`,
			`SELECT a FROM t WHERE b = $1 AND c IN ($2,$3)`,
		},
		"reserved names": {
			`SELECT "key" FROM t`, `SELECT "key" FROM t`, "SELECT `key` FROM t", `SELECT "key" FROM t`,
		},
		"upsert": {
			`INSERT INTO t ("key", n) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET n = t.n + excluded.n`,
			`INSERT INTO t ("key", n) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET n = t.n + excluded.n`,
			"INSERT INTO t (`key`, n) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = t.n + VALUES(n)",
			`INSERT INTO t ("key", n) VALUES ($1, $2) ON CONFLICT ("key") DO UPDATE SET n = t.n + excluded.n`,
		},
		"insert unless there": {
			`INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO NOTHING`,
			`INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO NOTHING`,
			`INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = a`,
			`INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO NOTHING`,
		},
		"row lock": {
			`SELECT a FROM t WHERE b = ? FOR UPDATE`, `SELECT a FROM t WHERE b = ?`,
			`SELECT a FROM t WHERE b = ? FOR UPDATE`, `SELECT a FROM t WHERE b = $1 FOR UPDATE`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.sqlite, SQLite.translate(c.statement))
			require.Equal(t, c.mysql, MySQL.translate(c.statement))
			require.Equal(t, c.postgres, Postgres.translate(c.statement))
		})
	}
}

func TestTransient(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&mysql.MySQLError{Number: 1213}, &mysql.MySQLError{Number: 1205}, &mysql.MySQLError{Number: 1020},
		&pgconn.PgError{Code: "40P01"}, &pgconn.PgError{Code: "40001"},
	} {
		require.True(t, transient(fmt.Errorf("shop: %w", err)), err)
	}
	for _, err := range []error{&mysql.MySQLError{Number: 1062}, &pgconn.PgError{Code: "23505"}, errors.New("40001")} {
		require.False(t, transient(err), err)
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"-- a; b\nCREATE TABLE a (\n\tb TEXT DEFAULT ';'\n)", "CREATE TABLE c (d TEXT)"},
		slices.Collect(statements("-- a; b\nCREATE TABLE a (\n\tb TEXT DEFAULT ';'\n);\n\nCREATE TABLE c (d TEXT);\n")))
	require.Empty(t, slices.Collect(statements("\n")))
}
