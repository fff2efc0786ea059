package sqlstock

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

func compareText(a, b string) int { return cmp.Compare(a, b) }

// write stores the effects of requests decided under locks: however many they are, one statement a table.
func (s *Store) write(ctx context.Context, tx queryer, book *rules.Book, effects []*rules.Effect) error {
	created, settled := map[string]bool{}, map[string]bool{}
	// Whether a level was there before. No lock can be held on one that was not, so two transactions may both make
	// it: a plain INSERT then stops the later one, which starts over and sees what the other wrote.
	known := map[inventory.Place]bool{}
	var movements [][]any
	for _, effect := range effects {
		if key := effect.Record.Key; effect.New {
			created[key] = true
		} else if !created[key] {
			settled[key] = true
		}
		for _, change := range effect.Changes {
			place := change.After.Place()
			if _, seen := known[place]; !seen {
				known[place] = change.Before.Version > 0
			}
		}
		movements = append(movements, movementRows(effect)...)
	}
	var made, changed [][]any
	for _, place := range slices.SortedFunc(maps.Keys(known), inventory.Place.Compare) {
		if row := levelRow(book.Levels[place]); known[place] {
			changed = append(changed, row)
		} else {
			made = append(made, row)
		}
	}
	upsertRecords := s.dialect.Upsert([]string{"request_key"}, []string{"state", "expires_at", "settled_at"})
	upsertLevels := s.dialect.Upsert([]string{"sku", "location"}, strings.Split(levelColumns, ", ")[2:])
	if err := insert(ctx, tx, "inventory_requests", requestColumns, "", recordRows(book, created)); err != nil {
		return err
	}
	if err := insert(ctx, tx, "inventory_requests", requestColumns, upsertRecords, recordRows(book, settled)); err != nil {
		return err
	}
	if err := insert(ctx, tx, "inventory_movements", movementColumns, "", movements); err != nil {
		return err
	}
	if err := insert(ctx, tx, "inventory_levels", levelColumns, "", made); err != nil {
		return err
	}
	return insert(ctx, tx, "inventory_levels", levelColumns, upsertLevels, changed)
}

func recordRows(book *rules.Book, keys map[string]bool) [][]any {
	var rows [][]any
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		rows = append(rows, recordRow(book.Records[key]))
	}
	return rows
}

func movementRows(effect *rules.Effect) [][]any {
	rows := make([][]any, len(effect.Movements))
	for n, m := range effect.Movements {
		rows[n] = movementRow(m)
	}
	return rows
}
