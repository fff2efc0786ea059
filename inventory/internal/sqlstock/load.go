package sqlstock

import (
	"cmp"
	"context"
	"slices"

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

// records reads the requests of the keys.
func (l *loader) records(keys []string) []Statement {
	in := func(keys []string) (string, []any) { return l.store.dialect.In("request_key", keys) }
	return selects("SELECT "+requestColumns+" FROM inventory_requests WHERE ", in, " ORDER BY request_key"+l.lock, keys, func(row Row) error {
		record, err := scanRecord(row)
		if known := l.book.Records[record.Key]; known != nil { // read again: the ledger is read after it
			record.Movements = known.Movements
		}
		l.book.Records[record.Key] = record
		return err
	})
}

// ledger reads the movements of reservations and requests. The rows are locked as well, for under REPEATABLE READ an
// unlocked read may be of a time before the records.
func (l *loader) ledger(keys []string, found map[string][]inventory.Movement) []Statement {
	in := func(keys []string) (string, []any) { return l.store.dialect.In("document", keys) }
	return selects("SELECT "+movementColumns+" FROM inventory_movements WHERE ", in, l.lock, keys, func(row Row) error {
		m, err := scanMovement(row)
		found[m.Document()] = append(found[m.Document()], m)
		return err
	})
}

func (l *loader) levels(places []inventory.Place) []Statement {
	return selects("SELECT "+levelColumns+" FROM inventory_levels WHERE ", l.store.dialect.Places, " ORDER BY sku, location"+l.lock, places, func(row Row) error {
		level, err := scanLevel(row)
		l.book.Levels[level.Place()] = level
		return err
	})
}

// file puts what was read of the ledger into the records.
func (l *loader) file(found map[string][]inventory.Movement) {
	for key, movements := range found {
		if record := l.book.Records[key]; record != nil {
			record.Movements = movements
		}
	}
}

// missing are the keys of records whose ledger has not been read.
func (l *loader) missing() (keys []string) {
	for key, record := range l.book.Records {
		if record.Movements == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// locked reads and locks, in as few round trips as the order of locks allows.
func (l *loader) locked(ctx context.Context, tx *transaction, requests []inventory.Request) error {
	keys, settled := keysOf(requests)
	found := map[string][]inventory.Movement{}
	script := append(l.records(keys), l.ledger(settled, found)...)
	if len(settled) == 0 { // all places are known
		script = append(script, l.levels(l.places(requests))...)
	}
	if err := tx.run(ctx, script...); err != nil {
		return err
	}
	l.file(found)
	script = l.ledger(l.missing(), found)
	if len(settled) > 0 {
		script = append(script, l.levels(l.places(requests))...)
	}
	if err := tx.run(ctx, script...); err != nil {
		return err
	}
	l.file(found)
	return nil
}

// unlocked reads without locks, the levels before the records. Whatever changes a reservation changes the versions of its
// levels: if those are still as read when they are written, so was the reservation.
func (l *loader) unlocked(ctx context.Context, tx *transaction, requests []inventory.Request) error {
	keys, settled := keysOf(requests)
	found := map[string][]inventory.Movement{}
	if len(settled) > 0 { // whose places only the ledger knows
		if err := tx.run(ctx, append(l.records(settled), l.ledger(settled, found)...)...); err != nil {
			return err
		}
		l.file(found)
		clear(found)
	}
	script := append(l.levels(l.places(requests)), l.records(keys)...)
	if err := tx.run(ctx, append(script, l.ledger(settled, found)...)...); err != nil {
		return err
	}
	l.file(found)
	if err := tx.run(ctx, l.ledger(l.missing(), found)...); err != nil {
		return err
	}
	l.file(found)
	return nil
}

func (l *loader) places(requests []inventory.Request) (places []inventory.Place) {
	for _, r := range requests {
		places = append(places, l.book.Places(r)...)
	}
	return sortedUnique(places, inventory.Place.Compare)
}

// keysOf are the keys of all records that requests need, and of the reservations whose ledger they need.
func keysOf(requests []inventory.Request) (keys, settled []string) {
	for _, r := range requests {
		keys = append(keys, rules.Keys(r)...)
		if key, ok := rules.Settles(r); ok {
			settled = append(settled, key)
		}
	}
	return sortedUnique(keys, compareText), sortedUnique(settled, compareText)
}

func sortedUnique[T comparable](values []T, compare func(a, b T) int) []T {
	slices.SortFunc(values, compare)
	return slices.Compact(values)
}
