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

// errUndone ends a transaction on purpose, without trying again.
var errUndone = errors.New("undone")

// transact runs work in a transaction of its own and commits, and starts over, with a jittered pause, after what again
// says is worth it.
func (s *Store) transact(ctx context.Context, begin []string, again func(error) bool, work func(*transaction) error) error {
	for attempt := 0; ; attempt++ {
		err := s.inTurn(ctx, begin, work)
		if err == nil || errors.Is(err, inventory.ErrOutcomeUnknown) || errors.Is(err, errUndone) {
			return err
		}
		if ctx.Err() != nil { // whatever a database calls being interrupted
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		if !again(err) {
			return s.named(err)
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
func (s *Store) inTurn(ctx context.Context, begin []string, work func(*transaction) error) error {
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
	fault := s.dialect.Fault(err)
	return errors.Is(err, ErrStale) || errors.Is(err, driver.ErrBadConn) || fault == Transient || fault == Duplicate
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

// once runs one try. The transaction is opened by hand on a connection and not by BeginTx: so its first and last
// statements share round trips with others, and its commit has a context that is not the caller's and does not wait for ever.
func (s *Store) once(ctx context.Context, begin []string, work func(*transaction) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	open := false
	tx := &transaction{send: func(ctx context.Context, script []Statement) error {
		open = true // perhaps, even if it fails
		if s.abilities.Send != nil {
			return s.abilities.Send(ctx, conn, script)
		}
		return s.dialect.sendEach(ctx, conn, script)
	}}
	defer func() {
		if open {
			s.rollback(ctx, conn)
		}
	}()
	for _, statement := range begin {
		tx.later(Statement{Query: statement})
	}
	if err := work(tx); err != nil {
		return err
	}
	if s.abilities.Send == nil { // then only the commit itself can end in doubt
		if err := tx.run(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
	defer cancel()
	if err := tx.run(detached, Statement{Query: "COMMIT"}); err != nil {
		if s.known(err) {
			return err
		}
		return fmt.Errorf("%w: commit: %w", inventory.ErrOutcomeUnknown, err)
	}
	open = false
	return nil
}

// known reports whether a transaction whose end failed is known not to have happened.
func (s *Store) known(err error) bool {
	return errors.Is(err, ErrStale) || errors.Is(err, driver.ErrBadConn) /* nothing was sent */ || s.dialect.Answered(err)
}

// rollback ends the transaction; a connection that cannot is thrown away with it.
func (s *Store) rollback(ctx context.Context, conn *sql.Conn) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
	defer cancel()
	if _, err := conn.ExecContext(detached, "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}
