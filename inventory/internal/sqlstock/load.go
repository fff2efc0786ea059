package sqlstock

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

func compareText(a, b string) int { return cmp.Compare(a, b) }

// loader reads what requests touch: the requests known by their keys, their ledger, and the levels, each in the order of
// its primary key. Whoever locks does it in this order, so no two wait for each other.
type loader struct {
	store *Store
	lock  string // the end of each SELECT
	book  *rules.Book
}

func (s *Store) newLoader(lock string) *loader {
	return &loader{store: s, lock: lock, book: rules.NewBook()}
}

// records reads the requests of the keys: all that the ledger has under them.
func (l *loader) records(keys []string) []Statement {
	in := func(keys []string) (string, []any) { return l.store.dialect.In("request_key", keys) }
	return selects(l.store, "SELECT "+movementColumns+" FROM inventory_movements WHERE ", in, " ORDER BY request_key, step, line"+l.lock, keys, func(row Row) error {
		e, err := scanEntry(row)
		if err != nil {
			return err
		}
		if e.record != nil { // the first of its rows
			l.book.Records[e.Key] = e.record
		}
		record := l.book.Records[e.Key]
		if record == nil || e.Kind == inventory.KindReturn {
			return nil
		}
		if e.Step() != 0 {
			record.State = rules.Final(e.Kind)
		}
		record.Movements = append(record.Movements, *e.Movement)
		return nil
	})
}

// returns reads what has come back of reservations, whose records are read before. The rows are locked as well, for under
// REPEATABLE READ an unlocked read may be of a time before the records.
func (l *loader) returns(reservations []string) []Statement {
	in := func(keys []string) (string, []any) { return l.store.dialect.In("r.reservation", keys) }
	columns := "m." + strings.ReplaceAll(movementColumns, ", ", ", m.")
	return selects(l.store, "SELECT "+columns+" FROM inventory_returns r JOIN inventory_movements m ON m.request_key = r.request_key WHERE ", in, l.lock, reservations, func(row Row) error {
		m, err := scanMovement(row)
		if record := l.book.Records[m.Reservation]; record != nil {
			record.Movements = append(record.Movements, m)
		}
		return err
	})
}

func (l *loader) levels(places []inventory.Place) []Statement {
	return selects(l.store, "SELECT "+levelColumns+" FROM inventory_levels"+l.store.dialect.PlacesIndex+" WHERE ", l.store.dialect.Places, " ORDER BY sku, location"+l.lock, places, func(row Row) error {
		level, err := scanLevel(row)
		l.book.Levels[level.Place()] = level
		return err
	})
}

// locked reads and locks, in as few round trips as the order of locks allows.
func (l *loader) locked(ctx context.Context, tx *transaction, requests []inventory.Request) error {
	keys, settled, returned := keysOf(requests)
	script := append(l.records(keys), l.returns(returned)...)
	if len(settled) > 0 { // whose places only the ledger knows
		if err := tx.run(ctx, script...); err != nil {
			return err
		}
		script = nil
	}
	return tx.run(ctx, append(script, l.levels(l.places(requests))...)...)
}

// unlocked reads without locks, the levels before the records. Whatever changes a reservation changes the versions of its
// levels: if those are still as read when they are written, so was the reservation.
func (l *loader) unlocked(ctx context.Context, tx *transaction, requests []inventory.Request) error {
	keys, settled, returned := keysOf(requests)
	if len(settled) > 0 { // whose places only the ledger knows
		if err := tx.run(ctx, l.records(settled)...); err != nil {
			return err
		}
	}
	script := append(l.levels(l.places(requests)), l.records(keys)...)
	return tx.run(ctx, append(script, l.returns(returned)...)...)
}

func (l *loader) places(requests []inventory.Request) (places []inventory.Place) {
	for _, r := range requests {
		places = append(places, l.book.Places(r)...)
	}
	return sortedUnique(places, inventory.Place.Compare)
}

// keysOf are the keys of all records that requests need, of the reservations that they settle, and of those that they return.
func keysOf(requests []inventory.Request) (keys, settled, returned []string) {
	for _, r := range requests {
		keys = append(keys, rules.Keys(r)...)
		if r.Reservation != "" {
			returned = append(returned, r.Reservation)
		} else if rules.Settles(r.Kind) {
			settled = append(settled, r.Key)
		}
	}
	return sortedUnique(keys, compareText), sortedUnique(settled, compareText), sortedUnique(returned, compareText)
}

func sortedUnique[T comparable](values []T, compare func(a, b T) int) []T {
	slices.SortFunc(values, compare)
	return slices.Compact(values)
}
