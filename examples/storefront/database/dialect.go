package database

import (
	"database/sql"
	"errors"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// Dialect is the SQL that a database speaks.
//
// Statements have ? for an argument and "quotes" round names that a database
// reserves, and hold neither in a string. An upsert is ON CONFLICT (columns) DO
// UPDATE SET with excluded.column, or DO NOTHING; FOR UPDATE stands last.
type Dialect string

// The dialects. MySQL is MariaDB's too.
const (
	SQLite   Dialect = "sqlite"
	MySQL    Dialect = "mysql"
	Postgres Dialect = "postgres"
)

func (d Dialect) translate(statement string) string {
	switch d {
	case MySQL:
		return mysqlNames.Replace(mysqlUpsert(statement))
	case Postgres:
		return numbered(statement)
	default: // one writer at a time: there is nothing to lock
		return strings.TrimSuffix(statement, " FOR UPDATE")
	}
}

var (
	mysqlNames   = strings.NewReplacer(`"`, "`")
	doUpdate     = regexp.MustCompile(`ON CONFLICT \([^)]*\) DO UPDATE SET`)
	doNothing    = regexp.MustCompile(`ON CONFLICT \(([^)]*)\) DO NOTHING`)
	excludedName = regexp.MustCompile(`\bexcluded\.(\w+)`)
)

func mysqlUpsert(statement string) string {
	if !strings.Contains(statement, "ON CONFLICT") {
		return statement
	}
	statement = doUpdate.ReplaceAllString(statement, "ON DUPLICATE KEY UPDATE")
	statement = doNothing.ReplaceAllString(statement, "ON DUPLICATE KEY UPDATE $1 = $1")
	return excludedName.ReplaceAllString(statement, "VALUES($1)")
}

// numbered writes $1, $2… for each ?.
func numbered(statement string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(statement, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		statement = after
	}
}

// options are those of a transaction. Where there are levels, READ COMMITTED: what
// a row lock waited for is then seen once it is had.
func (d Dialect) options() *sql.TxOptions {
	if d == SQLite {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// transient reports whether the server undid a transaction that may succeed when it is tried again.
func transient(err error) bool {
	if m, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return m.Number == 1213 || m.Number == 1205 || m.Number == 1020 // deadlock, lock wait, changed since the snapshot
	}
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		return p.Code == "40P01" || p.Code == "40001" // deadlock, serialization failure
	}
	return false
}

func statements(schema string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for statement := range strings.SplitSeq(schema, ";\n") {
			if statement = strings.TrimSpace(statement); statement != "" && !yield(statement) {
				return
			}
		}
	}
}
