package sqlstock

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// errAhead says that somebody else was faster, before this transaction had written anything.
var errAhead = errors.New("somebody was faster")

// optimistic reads without locks, decides, and writes each level only if it is still as it was read. If the first one is
// not, the transaction reads again and decides anew, which takes two round trips and needs it to see what others commit:
// inside a REPEATABLE READ transaction it would read the same old stock for ever. If a later one is not, it starts over.
func (s *Store) optimistic(ctx context.Context, requests []inventory.Request) (results []inventory.Result, err error) {
	err = s.transact(ctx, s.dialect.BeginOptimistic, func(tx queryer) error {
		for attempt := 0; ; attempt++ {
			book, err := s.loadUnlocked(ctx, tx, requests)
			if err != nil {
				return err
			}
			var effects []*rules.Effect
			if results, effects = applyAll(book, requests); len(effects) == 0 {
				return nil
			}
			err = writeIfUnchanged(ctx, tx, effects)
			if !errors.Is(err, errAhead) || attempt >= s.options.Retries {
				return err
			}
			if !s.pause(ctx, attempt, err) {
				return ctx.Err()
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// loadUnlocked reads what is known of the requests once more after the levels. Whatever changes a reservation changes
// the versions of its levels: if those are still as read when they are written, so was the reservation.
func (s *Store) loadUnlocked(ctx context.Context, tx queryer, requests []inventory.Request) (*rules.Book, error) {
	book, err := s.load(ctx, tx, requests, "")
	if err != nil || len(book.Records) == 0 {
		return book, err
	}
	keys := slices.Sorted(maps.Keys(book.Records))
	clear(book.Records)
	return book, loadRecords(ctx, tx, book, keys, "")
}

func writeIfUnchanged(ctx context.Context, tx queryer, effects []*rules.Effect) error {
	written := false
	for _, effect := range effects {
		for _, change := range effect.Changes {
			err := writeLevelIfUnchanged(ctx, tx, change)
			if errors.Is(err, errStale) && !written {
				return errAhead
			}
			if err != nil {
				return err
			}
			written = true
		}
	}
	for _, effect := range effects {
		if err := writeRecordIfUnchanged(ctx, tx, effect); err != nil {
			return err
		}
		if err := insert(ctx, tx, "inventory_movements", movementColumns, "", movementRows(effect)); err != nil {
			return err
		}
	}
	return nil
}

func writeRecordIfUnchanged(ctx context.Context, tx queryer, effect *rules.Effect) error {
	record := effect.Record
	if effect.New {
		return insert(ctx, tx, "inventory_requests", requestColumns, "", [][]any{recordRow(record)})
	}
	return one(ctx, tx, `UPDATE inventory_requests SET state = ?, expires_at = ?, settled_at = ?
		WHERE request_key = ? AND state = 'held' AND COALESCE(expires_at, 0) = ?`,
		string(record.State), toNull(record.ExpiresAt), toNull(record.SettledAt), record.Key, zeroOr(effect.WasExpiring))
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
