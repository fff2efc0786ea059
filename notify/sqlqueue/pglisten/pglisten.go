// Package pglisten lets workers of a sqlqueue on PostgreSQL hear of new jobs by LISTEN
// instead of polling. It is apart from sqlqueue because it needs pgx itself and not
// only a database/sql driver.
//
//	db, err := sql.Open("pgx", "postgres://…")
//	queue, err := sqlqueue.Open(ctx, db, &sqlqueue.Options{Listener: pglisten.New(db)})
package pglisten

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
)

// New makes a listener that holds one connection of db while it listens. Db must have
// been opened with pgx's driver for database/sql; Listen of another one fails, and workers poll.
func New(db *sql.DB) sqlqueue.Listener { return &listener{db} }

type listener struct{ db *sql.DB }

func (l *listener) Listen(ctx context.Context, channel string, ready, heard func()) error {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("pglisten: %w", err)
	}
	defer conn.Close()
	var failed error
	err = conn.Raw(func(c any) error {
		std, ok := c.(*stdlib.Conn)
		if !ok {
			failed = fmt.Errorf("pglisten: connections are %T and not pgx's: %w", c, errors.ErrUnsupported)
			return nil
		}
		failed = listen(ctx, std.Conn(), channel, ready, heard)
		return driver.ErrBadConn // it still listens: nobody else should have it
	})
	if failed != nil {
		return failed
	}
	return err
}

func listen(ctx context.Context, conn *pgx.Conn, channel string, ready, heard func()) error {
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("pglisten: %w", err)
	}
	ready()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("pglisten: %w", err)
		}
		heard()
	}
}
