package sqlstock

import (
	"context"
	"errors"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// guardable reports whether a request changes levels by differences that one UPDATE can check.
func guardable(r inventory.Request) bool {
	switch r.Kind {
	case inventory.KindReserve, inventory.KindCommit, inventory.KindRelease, inventory.KindAdjust, inventory.KindReceive:
		return true
	}
	return false
}

// conditional writes first and lets each UPDATE's own condition decide, the levels last. Whatever it finds other than the
// plain case (a key known already, too little stock, a hold that is over) it undoes and reports as not done, for the
// exact path to answer.
func (s *Store) conditional(ctx context.Context, r inventory.Request) (result inventory.Result, done bool, err error) {
	err = s.transact(ctx, s.dialect.Begin, func(tx queryer) error {
		var record *rules.Record
		if r.Kind == inventory.KindCommit || r.Kind == inventory.KindRelease {
			if record, err = s.settle(ctx, tx, r); err != nil {
				return err
			}
		}
		var effect *rules.Effect
		if result, effect = rules.Assume(r, record).Apply(r); effect == nil {
			return errUndone
		}
		result.Changes, err = s.writeGuarded(ctx, tx, r, effect)
		return err
	})
	if errors.Is(err, errUndone) {
		return inventory.Result{}, false, nil
	}
	return result, err == nil, err
}

// settle moves the reservation to its new state if it may, which locks it, and returns it as it was.
func (s *Store) settle(ctx context.Context, tx queryer, r inventory.Request) (*rules.Record, error) {
	state, query := inventory.Released, "UPDATE inventory_requests SET state = ?, settled_at = ? WHERE request_key = ? AND state = 'held'"
	args := []any{r.Now.UnixMicro(), r.Key}
	if r.Kind == inventory.KindCommit {
		state = inventory.Committed
		query += " AND (expires_at IS NULL OR expires_at > ?)"
		args = append(args, r.Now.UnixMicro())
	}
	if err := one(ctx, tx, query, append([]any{string(state)}, args...)...); err != nil {
		return nil, undone(err)
	}
	book := rules.NewBook()
	if err := loadRecords(ctx, tx, book, []string{r.Key}, s.dialect.ForUpdate); err != nil {
		return nil, err
	}
	record := book.Records[r.Key]
	record.State, record.SettledAt = inventory.Held, time.Time{}
	return record, nil
}

func (s *Store) writeGuarded(ctx context.Context, tx queryer, r inventory.Request, effect *rules.Effect) ([]inventory.Change, error) {
	if effect.New {
		if err := insert(ctx, tx, "inventory_requests", requestColumns, "", [][]any{recordRow(effect.Record)}); err != nil {
			if s.dialect.Fault(err) == Duplicate {
				return nil, errUndone
			}
			return nil, err
		}
	}
	if err := insert(ctx, tx, "inventory_movements", movementColumns, "", movementRows(effect)); err != nil {
		return nil, err
	}
	for _, m := range effect.Movements {
		if err := updateGuarded(ctx, tx, m); err != nil {
			return nil, undone(err)
		}
	}
	if s.options.Events == nil {
		return nil, nil
	}
	return s.changes(ctx, tx, effect.Movements)
}

// updateGuarded changes a level by a movement, unless that breaks what package rules would refuse.
func updateGuarded(ctx context.Context, tx queryer, m inventory.Movement) error {
	query := `UPDATE inventory_levels SET on_hand = on_hand + ?, reserved = reserved + ?, version = version + 1, updated_at = ?
		WHERE sku = ? AND location = ? AND on_hand <= ? AND reserved <= ?`
	args := []any{m.OnHand, m.Reserved, m.At.UnixMicro(), m.SKU, m.Location,
		inventory.MaxQuantity - max(0, m.OnHand), inventory.MaxQuantity - max(0, m.Reserved)}
	switch {
	case m.Kind == inventory.KindReserve:
		query += " AND on_hand - reserved - safety_stock + backorder_limit >= ?"
		args = append(args, m.Reserved)
	case m.Kind == inventory.KindAdjust && m.OnHand < 0:
		query += " AND on_hand - reserved + backorder_limit >= ?"
		args = append(args, -m.OnHand)
	}
	return one(ctx, tx, query, args...)
}

// changes reads the levels after their update; they are locked by it.
func (s *Store) changes(ctx context.Context, tx queryer, movements []inventory.Movement) ([]inventory.Change, error) {
	book := rules.NewBook()
	places := make([]inventory.Place, len(movements))
	for n, m := range movements {
		places[n] = m.Place()
	}
	if err := s.loadLevels(ctx, tx, book, places, ""); err != nil {
		return nil, err
	}
	changes := make([]inventory.Change, len(movements))
	for n, m := range movements {
		after := book.Levels[m.Place()]
		before := after
		before.OnHand -= m.OnHand
		before.Reserved -= m.Reserved
		before.Version--
		changes[n] = inventory.Change{Before: before, After: after}
	}
	return changes, nil
}

// undone turns an UPDATE that found no row into the end of the short way.
func undone(err error) error {
	if errors.Is(err, errStale) {
		return errUndone
	}
	return err
}
