package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

// send pipelines a script: one round trip, and what follows a statement that failed, the commit too, is not carried out.
func send(ctx context.Context, conn *sql.Conn, script []sqlstock.Statement) error {
	return conn.Raw(func(driver any) error {
		batch := &pgx.Batch{}
		for _, s := range script {
			query, args := s.Query, s.Args
			if s.Changes != 0 {
				query, args = counted(s)
			}
			batch.Queue(rebind(query), args...)
		}
		results := driver.(*stdlib.Conn).Conn().SendBatch(ctx, batch)
		err := receive(results, script)
		if closing := results.Close(); err == nil {
			err = closing
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == invalidText && strings.Contains(e.Message, changed) {
			return sqlstock.ErrStale
		}
		return err
	})
}

func receive(results pgx.BatchResults, script []sqlstock.Statement) error {
	for _, s := range script {
		if s.Scan == nil {
			if _, err := results.Exec(); err != nil {
				return err
			}
			continue
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := s.Scan(rows); err != nil {
				rows.Close()
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// changed begins what the server's log says of a statement that was made to fail.
const changed = "inventory: a row has changed"

// counted makes a statement fail, and so end the script, if it changes another number of rows than it must. Outside of
// functions the server has no way to raise an error, but a cast may fail, and quotes what it was given.
func counted(s sqlstock.Statement) (string, []any) {
	query := "WITH changed AS (" + s.Query + " RETURNING 1) SELECT (CASE WHEN COUNT(*) = ? THEN '1' ELSE '" + changed + ": ' || COUNT(*) END)::integer FROM changed"
	return query, append(s.Args[:len(s.Args):len(s.Args)], s.Changes)
}

const (
	oldestServer = 120000 // generated columns
	oldestName   = "12"
)

// inspect refuses another driver and a server that is too old.
func inspect(ctx context.Context, db *sql.DB) (sqlstock.Abilities, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return sqlstock.Abilities{}, err
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		if _, ok := driver.(*stdlib.Conn); !ok {
			return &inventory.InvalidError{Field: "db", Reason: fmt.Sprintf("is of another driver than github.com/jackc/pgx/v5/stdlib (%T)", driver)}
		}
		return nil
	})
	if err != nil {
		return sqlstock.Abilities{}, err
	}
	var version string
	var number int
	if err := conn.QueryRowContext(ctx, "SELECT current_setting('server_version'), current_setting('server_version_num')::integer").Scan(&version, &number); err != nil {
		return sqlstock.Abilities{}, err
	}
	if number < oldestServer {
		return sqlstock.Abilities{}, &inventory.ServerError{Server: "PostgreSQL " + version, Needs: oldestName}
	}
	return sqlstock.Abilities{Send: send}, nil
}
