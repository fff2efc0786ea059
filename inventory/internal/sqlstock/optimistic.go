package sqlstock

import (
	"context"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// optimistic reads without locks, decides, and writes each level only if it is still as it was read. If one is not, the
// transaction starts over and decides anew. It must see what others commit: inside one REPEATABLE READ transaction
// it would read the same old stock for ever.
func (s *Store) optimistic(ctx context.Context, requests []inventory.Request) (results []inventory.Result, err error) {
	err = s.transact(ctx, s.dialect.BeginOptimistic, s.again, func(tx *transaction) error {
		loader := s.newLoader("")
		if err := loader.unlocked(ctx, tx, requests); err != nil {
			return err
		}
		var effects []*rules.Effect
		results, effects = applyAll(loader.book, requests)
		s.writeIfUnchanged(tx, effects)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// writeIfUnchanged writes the levels first, so that who has lost finds out before the rest.
func (s *Store) writeIfUnchanged(tx *transaction, effects []*rules.Effect) {
	for _, effect := range effects {
		for _, change := range effect.Changes {
			tx.later(s.levelIfUnchanged(change)...)
		}
	}
	var all []entry
	for _, effect := range effects {
		if !effect.New {
			tx.later(recordIfUnchanged(effect))
		}
		all = append(all, entries(effect)...)
	}
	s.append(tx, all)
}

func recordIfUnchanged(effect *rules.Effect) Statement {
	record := effect.Record
	return Statement{Changes: 1, Query: `UPDATE inventory_movements SET expires_at = ?, settled_at = ?
		WHERE request_key = ? AND step = 0 AND line = 1 AND settled_at IS NULL AND COALESCE(expires_at, 0) = ?`,
		Args: []any{toNull(record.ExpiresAt), toNull(record.SettledAt), record.Key, zeroOr(effect.WasExpiring)}}
}

func (s *Store) levelIfUnchanged(change inventory.Change) []Statement {
	l := change.After
	if change.Before.Version == 0 {
		return s.inserts(levelRows([]inventory.Level{l}))
	}
	// All that was decided on is compared and not the version alone, which another program may forget to raise.
	was := change.Before
	return []Statement{{Changes: 1, Query: `UPDATE inventory_levels SET on_hand = ?, reserved = ?, safety_stock = ?, backorder_limit = ?, reorder_point = ?,
		version = ?, updated_at = ? WHERE sku = ? AND location = ? AND version = ?
		AND on_hand = ? AND reserved = ? AND safety_stock = ? AND backorder_limit = ? AND reorder_point = ?`,
		Args: []any{l.OnHand, l.Reserved, l.SafetyStock, l.BackorderLimit, l.ReorderPoint, l.Version, l.UpdatedAt.UnixMicro(),
			l.SKU, l.Location, was.Version, was.OnHand, was.Reserved, was.SafetyStock, was.BackorderLimit, was.ReorderPoint}}}
}
