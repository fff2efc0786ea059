package sqlstock

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed82d84382/commerce/inventory"
)

// queryer is a transaction or a connection.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// errStale ends a transaction that lost a race: what it had read is no longer true.
var errStale = errors.New("lost a race")

// errUndone ends a transaction on purpose, without trying again.
var errUndone = errors.New("undone")

// transact runs work in a transaction of its own and commits, and starts over, with a jittered pause, while the
// database says that it is worth it.
func (s *Store) transact(ctx context.Context, begin []string, work func(queryer) error) error {
	for attempt := 0; ; attempt++ {
		err := s.inTurn(ctx, begin, work)
		if err == nil || errors.Is(err, inventory.ErrOutcomeUnknown) || errors.Is(err, errUndone) {
			return err
		}
		if ctx.Err() != nil { // whatever a database calls being interrupted
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		if !s.again(err) {
			return err
		}
		if attempt >= s.options.Retries {
			return fmt.Errorf("%w: gave up after %d tries: %w", inventory.ErrContention, attempt+1, err)
		}
		if !s.pause(ctx, attempt, err) {
			return ctx.Err()
		}
	}
}

// inTurn waits until this process has no other writer, if the database takes only one.
func (s *Store) inTurn(ctx context.Context, begin []string, work func(queryer) error) error {
	if s.writer != nil {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.once(ctx, begin, work)
}

// again reports whether a failed try left nothing behind and may go better the next time.
func (s *Store) again(err error) bool {
	return errors.Is(err, errStale) || errors.Is(err, errAhead) || errors.Is(err, driver.ErrBadConn) ||
		s.dialect.Fault(err) != Permanent
}

// pause notes why a try failed and waits a random part of a time that doubles from 1 to 64 ms.
func (s *Store) pause(ctx context.Context, attempt int, why error) bool {
	s.options.Logger.DebugContext(ctx, "inventory: try again", "attempt", attempt+1, "error", why)
	timer := time.NewTimer(rand.N(time.Millisecond << min(attempt, 6)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once runs one try. The transaction is opened by hand on a connection and not by BeginTx, for whose commit no
// context can be given: ours must neither be cut off by the caller's nor wait for ever.
func (s *Store) once(ctx context.Context, begin []string, work func(queryer) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	open := false
	defer func() {
		if open {
			s.rollback(ctx, conn)
		}
	}()
	for _, statement := range begin {
		open = true // perhaps, even if it fails
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := work(conn); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
	defer cancel()
	if _, err := conn.ExecContext(detached, "COMMIT"); err != nil {
		if !s.dialect.Answered(err) {
			return fmt.Errorf("%w: commit: %w", inventory.ErrOutcomeUnknown, err)
		}
		return err
	}
	open = false
	return nil
}

// rollback ends the transaction; a connection that cannot is thrown away with it.
func (s *Store) rollback(ctx context.Context, conn *sql.Conn) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
	defer cancel()
	if _, err := conn.ExecContext(detached, "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}
