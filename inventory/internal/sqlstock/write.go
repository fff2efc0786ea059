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
	var ledger, headers []entry
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
		ledger = append(ledger, entries(effect)...)
	}
	var made, changed []inventory.Level
	for _, place := range slices.SortedFunc(maps.Keys(known), inventory.Place.Compare) {
		if known[place] {
			changed = append(changed, book.Levels[place])
		} else {
			made = append(made, book.Levels[place])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(settled)) {
		headers = append(headers, firstEntry(book.Records[key]))
	}
	slices.SortStableFunc(ledger, entry.compare)
	tx.later(s.upserts(movementRows(headers), []string{"expires_at", "settled_at"})...)
	s.append(tx, ledger)
	tx.later(s.inserts(levelRows(made))...)
	tx.later(s.upserts(levelRows(changed), []string{"on_hand", "reserved", "safety_stock", "backorder_limit", "reorder_point", "version", "updated_at"})...)
}
