package sqlstock

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// Store is an inventory.Driver on a database.
type Store struct {
	db        *sql.DB
	dialect   *Dialect
	abilities Abilities
	options   inventory.Options
	writer    chan struct{} // of one element; nil unless the dialect is serial
	shy       shyness
}

var _ interface {
	inventory.Driver
	inventory.TxDriver
	inventory.RoundTripper
} = (*Store)(nil)

// Open migrates the database, unless the options leave that to the host, and returns the inventory in it.
func Open(ctx context.Context, db *sql.DB, dialect *Dialect, options *inventory.Options) (*inventory.Inventory, error) {
	if err := Reach(ctx, db, dialect); err != nil {
		return nil, err
	}
	s := &Store{db: db, dialect: dialect, options: options.WithDefaults()}
	if dialect.Inspect != nil {
		var err error
		if s.abilities, err = dialect.Inspect(ctx, db); err != nil {
			return nil, fmt.Errorf("inventory: open %s: %w", dialect.Name, err)
		}
	}
	if s.options.SkipMigrations {
		if err := checkSchema(ctx, db, dialect); err != nil {
			return nil, err
		}
	} else if err := Migrate(ctx, db, dialect); err != nil {
		return nil, err
	}
	if dialect.Serial {
		s.writer = make(chan struct{}, 1)
	}
	return inventory.New(s, options)
}

// Reach makes sure that there is a database.
func Reach(ctx context.Context, db *sql.DB, dialect *Dialect) error {
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("inventory: open %s: %w: %w", dialect.Name, inventory.ErrUnavailable, err)
	}
	return nil
}

// Close does nothing: the database is the host's.
func (s *Store) Close() error { return nil }

// RoundTrip is the shortest of three, on one connection.
func (s *Store) RoundTrip(ctx context.Context) (best time.Duration, err error) {
	if s.dialect.Serial {
		return 0, nil
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for range 3 {
		start := time.Now()
		if err := conn.PingContext(ctx); err != nil {
			return 0, err
		}
		if trip := time.Since(start); best == 0 || trip < best {
			best = trip
		}
	}
	return best, nil
}

// Apply carries out requests by the strategy of the options.
func (s *Store) Apply(ctx context.Context, requests []inventory.Request) ([]inventory.Result, error) {
	switch s.options.Strategy {
	case inventory.Optimistic:
		return s.optimistic(ctx, requests)
	case inventory.Conditional:
		if len(requests) == 1 && guardable(requests[0]) {
			if results, done, err := s.conditional(ctx, requests[0]); done || err != nil {
				return results, err
			}
		}
	case inventory.Grouped:
		if reservesOnly(requests) && s.shy.try() {
			results, done, err := s.together(ctx, requests)
			s.shy.learn(done)
			if done || err != nil {
				return results, err
			}
		}
	}
	return s.locked(ctx, requests)
}

func reservesOnly(requests []inventory.Request) bool {
	return !slices.ContainsFunc(requests, func(r inventory.Request) bool { return r.Kind != inventory.KindReserve })
}

// locked decides under locks, in one transaction. It is the exact path of every strategy.
func (s *Store) locked(ctx context.Context, requests []inventory.Request) (results []inventory.Result, err error) {
	err = s.transact(ctx, s.dialect.Begin, s.again, func(tx *transaction) error {
		results, err = s.decide(ctx, tx, requests)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// decide locks what the requests touch, decides them in order and leaves what changes to be written.
func (s *Store) decide(ctx context.Context, tx *transaction, requests []inventory.Request) ([]inventory.Result, error) {
	loader := s.newLoader(s.dialect.ForUpdate)
	if err := loader.locked(ctx, tx, requests); err != nil {
		return nil, err
	}
	results, effects := applyAll(loader.book, requests)
	s.write(tx, loader.book, effects)
	return results, nil
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
func (s *Store) ApplyTx(ctx context.Context, host *sql.Tx, requests []inventory.Request) ([]inventory.Result, error) {
	tx := &transaction{send: func(ctx context.Context, script []Statement) error { return s.dialect.sendEach(ctx, host, script) }}
	if s.dialect.LockTx != "" {
		tx.later(Statement{Query: s.dialect.LockTx})
	}
	results, err := s.decide(ctx, tx, requests)
	if err == nil {
		err = tx.run(ctx)
	}
	if err != nil {
		return nil, s.busy(err)
	}
	return results, nil
}

// named gives an error the name that package inventory has for its kind, if it has one.
func (s *Store) named(err error) error {
	switch s.dialect.Fault(err) {
	case ReadOnly:
		return fmt.Errorf("%w: %w", inventory.ErrReadOnly, err)
	case Full:
		return fmt.Errorf("%w: %w", inventory.ErrFull, err)
	}
	return err
}

// busy marks also an error after which the host may try its transaction again.
func (s *Store) busy(err error) error {
	switch s.dialect.Fault(err) {
	case Transient, Duplicate:
		return fmt.Errorf("%w: %w", inventory.ErrContention, err)
	}
	return s.named(err)
}

// Sweep expires holds under locks; rows that another sweep has locked are left to it where the database can skip them.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (results []inventory.Result, err error) {
	err = s.transact(ctx, s.dialect.Begin, s.again, func(tx *transaction) error {
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

func (s *Store) due(ctx context.Context, tx *transaction, now time.Time, limit int) (requests []inventory.Request, err error) {
	return requests, tx.run(ctx, Statement{
		Query: "SELECT request_key FROM inventory_movements WHERE " + s.dialect.Due + " LIMIT ?" + s.dialect.SkipLocked,
		Args:  []any{now.UnixMicro(), limit},
		Scan: into(&requests, func(row Row) (r inventory.Request, err error) {
			r.Kind, r.Now = inventory.KindExpire, now
			return r, row.Scan(&r.Key)
		}),
	})
}
