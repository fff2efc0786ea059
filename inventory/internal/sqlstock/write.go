package sqlstock

import (
	"maps"
	"slices"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// write stores the effects of requests decided under locks: however many they are, one statement a table.
func (s *Store) write(tx *transaction, book *rules.Book, effects []*rules.Effect) {
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
		movements = append(movements, movementRows(effect.Movements)...)
	}
	var made, changed [][]any
	for _, place := range slices.SortedFunc(maps.Keys(known), inventory.Place.Compare) {
		if row := levelRow(book.Levels[place]); known[place] {
			changed = append(changed, row)
		} else {
			made = append(made, row)
		}
	}
	tx.later(s.inserts(requestTable, recordRows(book, created))...)
	tx.later(s.upserts(requestTable, []string{"state", "expires_at", "settled_at"}, recordRows(book, settled))...)
	tx.later(s.inserts(movementTable, movements)...)
	tx.later(s.inserts(levelTable, made)...)
	tx.later(s.upserts(levelTable, levelTable.Columns[2:], changed)...)
}

func recordRows(book *rules.Book, keys map[string]bool) [][]any {
	rows := make([][]any, 0, len(keys))
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		rows = append(rows, recordRow(book.Records[key]))
	}
	return rows
}
