// Package sqlstore keeps sessions in a SQL database, today SQLite, through a
// *sql.DB of the caller: they survive a restart, and processes may share them.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
//	sessions, err := sqlstore.Open(ctx, db, nil)
//
// It works with any driver of the dialect, and compiles none itself. Every save
// is one statement; a read is one too. Statements that find the database busy
// are tried again for up to five seconds, in addition to a busy_timeout.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/session"
)

// Dialect names a kind of database.
type Dialect string

// SQLite is the dialect of SQLite 3.8.2 and later.
const SQLite Dialect = "sqlite"

// Options of a store. Nil and zero mean the defaults.
type Options struct {
	// Dialect of the database. Default SQLite.
	Dialect Dialect
	// SkipMigrations leaves calling Migrate to the host.
	SkipMigrations bool
}

// Open returns a Manager over a New store with the default Options.
func Open(ctx context.Context, db *sql.DB, options *session.Options) (*session.Manager, error) {
	driver, err := New(ctx, db, nil)
	if err != nil {
		return nil, err
	}
	return session.New(driver, options)
}

// New returns a driver that keeps its records in the table session_sessions,
// which it creates. It lists and deletes by user. db stays the caller's to close.
func New(ctx context.Context, db *sql.DB, options *Options) (session.Driver, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if db == nil {
		return nil, &session.InvalidError{Field: "db", Reason: "is nil"}
	}
	if o.Dialect == "" {
		o.Dialect = SQLite
	}
	if o.Dialect != SQLite {
		return nil, &session.InvalidError{Field: "Dialect", Reason: fmt.Sprintf("%q is unknown", string(o.Dialect))}
	}
	if !o.SkipMigrations {
		if err := Migrate(ctx, db, o.Dialect); err != nil {
			return nil, err
		}
	}
	return &store{db: db}, nil
}

type store struct{ db *sql.DB }

const columns = `id, user_id, version, seen, idle, deadline, data`

func scan(row interface{ Scan(...any) error }) (session.Record, error) {
	var r session.Record
	var user []byte
	var seen, idle, deadline int64
	if err := row.Scan(&r.ID, &user, &r.Version, &seen, &idle, &deadline, &r.Data); err != nil {
		return session.Record{}, err
	}
	r.UserID = string(user)
	r.Seen, r.Deadline = time.UnixMicro(seen), time.UnixMicro(deadline)
	r.Idle = time.Duration(idle) * time.Microsecond
	return r, nil
}

func (s *store) Load(ctx context.Context, id string) (r session.Record, err error) {
	err = retryBusy(ctx, func() error {
		r, err = scan(s.db.QueryRowContext(ctx, `SELECT `+columns+` FROM session_sessions WHERE id = ?`, id))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = session.ErrNotFound
	}
	return r, err
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	n, err := s.exec(ctx, `INSERT INTO session_sessions (id, user_id, version, seen, idle, deadline, expires, data)
		VALUES (?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.ID, []byte(r.UserID), r.Seen.UnixMicro(), r.Idle.Microseconds(), r.Deadline.UnixMicro(), r.Expires().UnixMicro(), bytes(r.Data))
	if err == nil && n == 0 {
		err = session.ErrExists
	}
	return err
}

func (s *store) Save(ctx context.Context, was, next session.Record) error {
	n, err := s.exec(ctx, `UPDATE session_sessions
		SET user_id = ?, version = version + 1, seen = ?, idle = ?, deadline = ?, expires = ?, data = ? WHERE id = ? AND version = ?`,
		[]byte(next.UserID), next.Seen.UnixMicro(), next.Idle.Microseconds(), next.Deadline.UnixMicro(), next.Expires().UnixMicro(),
		bytes(next.Data), was.ID, was.Version)
	return s.changed(ctx, was, n, err)
}

func (s *store) Touch(ctx context.Context, r session.Record) error {
	n, err := s.exec(ctx, `UPDATE session_sessions SET seen = ?, expires = ? WHERE id = ? AND version = ?`,
		r.Seen.UnixMicro(), r.Expires().UnixMicro(), r.ID, r.Version)
	return s.changed(ctx, r, n, err)
}

// changed says why an update met no row.
func (s *store) changed(ctx context.Context, was session.Record, n int, err error) error {
	if err != nil || n > 0 {
		return err
	}
	switch found, err := s.Load(ctx, was.ID); {
	case err != nil:
		return err
	case found.Version == was.Version: // it was gone, and has been made anew since
		return session.ErrNotFound
	}
	return session.ErrConflict
}

func (s *store) Delete(ctx context.Context, id string) error {
	_, err := s.exec(ctx, `DELETE FROM session_sessions WHERE id = ?`, id)
	return err
}

func (s *store) ListUser(ctx context.Context, userID string, limit int) (found []session.Record, err error) {
	err = retryBusy(ctx, func() error {
		found, err = s.list(ctx, userID, limit)
		return err
	})
	return found, err
}

func (s *store) list(ctx context.Context, userID string, limit int) ([]session.Record, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+columns+` FROM session_sessions
		WHERE user_id = ? AND user_id <> x'' ORDER BY seen DESC LIMIT ?`, []byte(userID), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []session.Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func (s *store) DeleteUser(ctx context.Context, userID, keep string) (int, error) {
	return s.exec(ctx, `DELETE FROM session_sessions WHERE user_id = ? AND user_id <> x'' AND id <> ?`, []byte(userID), keep)
}

func (s *store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.exec(ctx, `DELETE FROM session_sessions WHERE id IN
		(SELECT id FROM session_sessions WHERE expires < ? ORDER BY expires LIMIT ?)`, now.UnixMicro(), limit)
}

func (s *store) exec(ctx context.Context, statement string, args ...any) (int, error) {
	var n int64
	err := retryBusy(ctx, func() error {
		result, err := s.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return int(n), err
}

// bytes keeps empty data from becoming NULL.
func bytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
