package sqlstock

import (
	"context"
	"database/sql"
	"errors"
)

// Statement is one of a script.
type Statement struct {
	Query string
	Args  []any // of the types string, []byte, int, int64, sql.NullInt64 and slices
	// Text, if set, is the statement with its values in it, and there is neither Query nor Args.
	Text []byte
	// Scan takes each row of the answer; nil for a statement that has none.
	Scan func(Row) error
	// Changes, unless zero, is how many rows it must change. Another number ends the script with ErrStale.
	Changes int64
}

// Row is one of an answer.
type Row interface{ Scan(dest ...any) error }

// Sender sends the statements of a script in their order, in as few round trips as the database allows, and ends at
// the first that fails.
type Sender func(ctx context.Context, conn *sql.Conn, script []Statement) error

// ErrStale ends a script, and its transaction, that lost a race: what it had read is no longer true.
var ErrStale = errors.New("lost a race")

// queryer is a database, a connection or the host's transaction.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// sendEach is for databases that take one statement at a time.
func (d *Dialect) sendEach(ctx context.Context, q queryer, script []Statement) error {
	for _, s := range script {
		if err := d.send(ctx, q, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dialect) send(ctx context.Context, q queryer, s Statement) error {
	query := s.Query
	if s.Text != nil {
		query = string(s.Text)
	} else if d.Rebind != nil {
		query = d.Rebind(query)
	}
	if s.Scan != nil {
		rows, err := q.QueryContext(ctx, query, s.Args...)
		if err != nil {
			return err
		}
		return ScanAll(rows, s)
	}
	result, err := q.ExecContext(ctx, query, s.Args...)
	if err != nil || s.Changes == 0 {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != s.Changes {
		return ErrStale
	}
	return nil
}

// ScanAll hands every row of an answer to the statement's Scan, and closes the answer.
func ScanAll(rows *sql.Rows, s Statement) error {
	defer rows.Close()
	for rows.Next() {
		if err := s.Scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// collect runs a query and scans every row.
func collect[T any](ctx context.Context, d *Dialect, q queryer, s Statement, scan func(Row) (T, error)) (all []T, err error) {
	s.Scan = into(&all, scan)
	if err := d.send(ctx, q, s); err != nil {
		return nil, err
	}
	return all, nil
}

// into scans rows to the end of a slice.
func into[T any](all *[]T, scan func(Row) (T, error)) func(Row) error {
	return func(row Row) error {
		one, err := scan(row)
		if err == nil {
			*all = append(*all, one)
		}
		return err
	}
}

// transaction collects statements that can wait and sends them with the next one that cannot.
type transaction struct {
	send    func(ctx context.Context, script []Statement) error
	pending []Statement
}

// later adds statements whose answer nobody waits for.
func (t *transaction) later(statements ...Statement) { t.pending = append(t.pending, statements...) }

// run sends what is pending and the given statements.
func (t *transaction) run(ctx context.Context, statements ...Statement) error {
	script := append(t.pending, statements...)
	if t.pending = nil; len(script) == 0 {
		return nil
	}
	return t.send(ctx, script)
}
