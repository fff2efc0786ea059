package sqlstock

import (
	"context"
	"slices"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// load reads what the requests touch: first the requests known by their keys, then their ledger, then the levels,
// each in the order of its primary key. Everybody locks in this order, so no two wait for each other.
func (s *Store) load(ctx context.Context, q queryer, requests []inventory.Request, lock string) (*rules.Book, error) {
	book := rules.NewBook()
	var keys []string
	for _, r := range requests {
		keys = append(keys, rules.Keys(r)...)
	}
	if err := loadRecords(ctx, q, book, sortedUnique(keys, compareText), lock); err != nil {
		return nil, err
	}
	var places []inventory.Place
	for _, r := range requests {
		places = append(places, book.Places(r)...)
	}
	return book, s.loadLevels(ctx, q, book, sortedUnique(places, inventory.Place.Compare), lock)
}

func loadRecords(ctx context.Context, q queryer, book *rules.Book, keys []string, lock string) error {
	one := func(key string) []any { return []any{key} }
	records, err := selectIn(ctx, q, "SELECT "+requestColumns+" FROM inventory_requests WHERE ",
		func(n int) string { return in("request_key", n) }, " ORDER BY request_key"+lock, keys, one, scanRecord)
	if err != nil || len(records) == 0 {
		return err
	}
	known := make([]string, len(records))
	for n, record := range records {
		book.Records[record.Key] = record
		known[n] = record.Key
	}
	// Locked as well, for under REPEATABLE READ an unlocked read may be of a time before the rows above.
	movements, err := selectIn(ctx, q, "SELECT "+movementColumns+" FROM inventory_movements WHERE ",
		func(n int) string { return in("document", n) }, lock, known, one, scanMovement)
	for _, m := range movements {
		record := book.Records[m.Document()]
		record.Movements = append(record.Movements, m)
	}
	return err
}

func (s *Store) loadLevels(ctx context.Context, q queryer, book *rules.Book, places []inventory.Place, lock string) error {
	levels, err := selectIn(ctx, q, "SELECT "+levelColumns+" FROM inventory_levels WHERE ", s.dialect.Places,
		" ORDER BY sku, location"+lock, places, func(p inventory.Place) []any { return []any{p.SKU, p.Location} }, scanLevel)
	for _, level := range levels {
		book.Levels[level.Place()] = level
	}
	return err
}

func sortedUnique[T comparable](values []T, compare func(a, b T) int) []T {
	slices.SortFunc(values, compare)
	return slices.Compact(values)
}
