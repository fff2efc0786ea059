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
	var ledger, first []entry
	extended := false
	for _, effect := range effects {
		if key := effect.Record.Key; effect.New {
			created[key] = true
		} else if !created[key] {
			settled[key] = true
			extended = extended || len(effect.Changes) == 0
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
		first = append(first, firstEntry(book.Records[key]))
	}
	slices.SortStableFunc(ledger, entry.compare)
	tx.later(s.settlements(first, extended)...)
	s.append(tx, ledger)
	tx.later(s.inserts(levelRows(made))...)
	tx.later(s.upserts(levelRows(changed), []string{"on_hand", "reserved", "safety_stock", "backorder_limit", "reorder_point", "version", "updated_at"})...)
}

// settlements note in the first rows of reservations when they ended, and if some were extended until when they are held.
func (s *Store) settlements(first []entry, extended bool) (all []Statement) {
	if len(first) == 0 {
		return nil
	}
	at := first[0].record.SettledAt
	if extended || slices.ContainsFunc(first, func(e entry) bool { return !e.record.SettledAt.Equal(at) }) {
		return s.upserts(movementRows(first), []string{"expires_at", "settled_at"})
	}
	keys := make([]string, len(first)) // all at once, as in a sweep
	for n, e := range first {
		keys[n] = e.Key
	}
	for part := range slices.Chunk(keys, s.room()) {
		in, args := s.dialect.In("request_key", part)
		all = append(all, Statement{Query: "UPDATE inventory_movements SET settled_at = ? WHERE step = 0 AND line = 1 AND " + in,
			Args: append([]any{at.UnixMicro()}, args...)})
	}
	return all
}
