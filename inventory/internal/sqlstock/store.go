package sqlstock

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// Store is an inventory.Driver on a database.
type Store struct {
	db      *sql.DB
	dialect *Dialect
	options inventory.Options
	writer  chan struct{} // of one element; nil unless the dialect is serial
}

var _ interface {
	inventory.Driver
	inventory.TxDriver
} = (*Store)(nil)

// Open migrates the database, unless the options leave that to the host, and returns the inventory in it.
func Open(ctx context.Context, db *sql.DB, dialect *Dialect, options *inventory.Options) (*inventory.Inventory, error) {
	o := options.WithDefaults()
	if o.SkipMigrations {
		if err := checkSchema(ctx, db, dialect); err != nil {
			return nil, err
		}
	} else if err := Migrate(ctx, db, dialect); err != nil {
		return nil, err
	}
	s := &Store{db: db, dialect: dialect, options: o}
	if dialect.Serial {
		s.writer = make(chan struct{}, 1)
	}
	return inventory.New(s, options)
}

// Close does nothing: the database is the host's.
func (s *Store) Close() error { return nil }

// Apply carries out requests by the strategy of the options.
func (s *Store) Apply(ctx context.Context, requests []inventory.Request) ([]inventory.Result, error) {
	switch s.options.Strategy {
	case inventory.Optimistic:
		return s.optimistic(ctx, requests)
	case inventory.Conditional:
		if len(requests) == 1 && guardable(requests[0]) {
			if result, done, err := s.conditional(ctx, requests[0]); done || err != nil {
				return []inventory.Result{result}, err
			}
		}
	}
	return s.locked(ctx, requests)
}

// locked decides under locks, in one transaction. It is the exact path of every strategy.
func (s *Store) locked(ctx context.Context, requests []inventory.Request) (results []inventory.Result, err error) {
	err = s.transact(ctx, s.dialect.Begin, func(tx queryer) error {
		results, err = s.decide(ctx, tx, requests)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// decide locks what the requests touch, decides them in order and writes what changes.
func (s *Store) decide(ctx context.Context, tx queryer, requests []inventory.Request) ([]inventory.Result, error) {
	book, err := s.load(ctx, tx, requests, s.dialect.ForUpdate)
	if err != nil {
		return nil, err
	}
	results, effects := applyAll(book, requests)
	if len(effects) == 0 {
		return results, nil
	}
	return results, s.write(ctx, tx, book, effects)
}

func applyAll(book *rules.Book, requests []inventory.Request) (results []inventory.Result, effects []*rules.Effect) {
	results = make([]inventory.Result, len(requests))
	for n, r := range requests {
		var effect *rules.Effect
		if results[n], effect = book.Apply(r); effect != nil {
			effects = append(effects, effect)
		}
	}
	return results, effects
}

// ApplyTx decides under locks inside the host's transaction.
func (s *Store) ApplyTx(ctx context.Context, tx *sql.Tx, requests []inventory.Request) ([]inventory.Result, error) {
	if s.dialect.LockTx != "" {
		if _, err := tx.ExecContext(ctx, s.dialect.LockTx); err != nil {
			return nil, s.busy(err)
		}
	}
	results, err := s.decide(ctx, tx, requests)
	if err != nil {
		return nil, s.busy(err)
	}
	return results, nil
}

// busy marks an error after which the host may try its transaction again.
func (s *Store) busy(err error) error {
	if s.dialect.Fault(err) == Permanent {
		return err
	}
	return fmt.Errorf("%w: %w", inventory.ErrContention, err)
}

// Sweep expires holds under locks; rows that another sweep has locked are left to it where the database can skip them.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (results []inventory.Result, err error) {
	err = s.transact(ctx, s.dialect.Begin, func(tx queryer) error {
		requests, err := s.due(ctx, tx, now, limit)
		if err != nil || len(requests) == 0 {
			results = nil
			return err
		}
		results, err = s.decide(ctx, tx, requests)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (s *Store) due(ctx context.Context, tx queryer, now time.Time, limit int) ([]inventory.Request, error) {
	query := "SELECT request_key FROM inventory_requests WHERE " + s.dialect.Due + " LIMIT ?" + s.dialect.SkipLocked
	return collect(ctx, tx, query, []any{now.UnixMicro(), limit}, func(row scanner) (r inventory.Request, err error) {
		r.Kind, r.Now = inventory.KindExpire, now
		return r, row.Scan(&r.Key)
	})
}
