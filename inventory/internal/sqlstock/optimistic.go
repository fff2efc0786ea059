package sqlstock

import (
	"context"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// optimistic reads outside any transaction and writes in a short one, each row only if it is still as it was read.
// Every try begins with fresh reads: retried inside a REPEATABLE READ transaction it would see the same old stock for ever.
func (s *Store) optimistic(ctx context.Context, requests []inventory.Request) (results []inventory.Result, err error) {
	err = s.retry(ctx, func() error {
		book, err := s.load(ctx, s.db, requests, "")
		if err != nil {
			return err
		}
		var effects []*rules.Effect
		if results, effects = applyAll(book, requests); len(effects) == 0 {
			return nil
		}
		return s.transactOnce(ctx, func(tx queryer) error {
			for _, effect := range effects {
				if err := writeIfUnchanged(ctx, tx, effect); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// writeIfUnchanged writes the levels last: they are what others wait for.
func writeIfUnchanged(ctx context.Context, tx queryer, effect *rules.Effect) error {
	record := effect.Record
	if effect.New {
		if err := insert(ctx, tx, "inventory_requests", requestColumns, "", [][]any{recordRow(record)}); err != nil {
			return err
		}
	} else if err := one(ctx, tx, `UPDATE inventory_requests SET state = ?, expires_at = ?, settled_at = ?
		WHERE request_key = ? AND state = 'held' AND COALESCE(expires_at, 0) = ?`,
		string(record.State), toNull(record.ExpiresAt), toNull(record.SettledAt), record.Key, zeroOr(effect.WasExpiring)); err != nil {
		return err
	}
	rows := make([][]any, len(effect.Movements))
	for n, m := range effect.Movements {
		rows[n] = movementRow(m)
	}
	if err := insert(ctx, tx, "inventory_movements", movementColumns, "", rows); err != nil {
		return err
	}
	for _, change := range effect.Changes {
		if err := writeLevelIfUnchanged(ctx, tx, change); err != nil {
			return err
		}
	}
	return nil
}

func writeLevelIfUnchanged(ctx context.Context, tx queryer, change inventory.Change) error {
	l := change.After
	if change.Before.Version == 0 {
		return insert(ctx, tx, "inventory_levels", levelColumns, "", [][]any{levelRow(l)})
	}
	return one(ctx, tx, `UPDATE inventory_levels SET on_hand = ?, reserved = ?, safety_stock = ?, backorder_limit = ?, reorder_point = ?,
		version = ?, updated_at = ? WHERE sku = ? AND location = ? AND version = ?`,
		l.OnHand, l.Reserved, l.SafetyStock, l.BackorderLimit, l.ReorderPoint, l.Version, l.UpdatedAt.UnixMicro(),
		l.SKU, l.Location, change.Before.Version)
}

// one runs an UPDATE that must change exactly one row: none means that somebody else was faster.
func one(ctx context.Context, tx queryer, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errStale
	}
	return nil
}
