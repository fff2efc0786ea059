package main

import (
	"context"

	"github.com/seed82d84382/commerce/inventory"
)

// books are sums over the SKUs of a run.
type books struct{ available, ledger, oversold int64 }

// books reads the tables themselves where there are some, so that the check does not rest on the code it checks.
func (s *shop) books(ctx context.Context, prefix string) (b books, err error) {
	if s.db == nil {
		return s.booksInMemory(ctx, prefix)
	}
	// The prefix is ours, letters and digits.
	err = s.db.QueryRowContext(ctx, `SELECT COALESCE(SUM(on_hand - reserved), 0), COALESCE(SUM(CASE WHEN reserved > on_hand THEN reserved - on_hand ELSE 0 END), 0)
		FROM inventory_levels WHERE sku LIKE '`+prefix+`-%'`).Scan(&b.available, &b.oversold)
	if err != nil {
		return b, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT COALESCE(SUM(reserved), 0) FROM inventory_movements WHERE kind = 'reserve' AND sku LIKE '`+prefix+`-%'`).Scan(&b.ledger)
	return b, err
}

func (s *shop) booksInMemory(ctx context.Context, prefix string) (b books, err error) {
	for cursor := ""; ; {
		page, err := s.List(ctx, inventory.ListQuery{Cursor: cursor, Limit: inventory.MaxPage})
		if err != nil {
			return b, err
		}
		for _, level := range page.Levels {
			b.available += level.OnHand - level.Reserved
			b.oversold += max(0, level.Reserved-level.OnHand)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for cursor := ""; ; {
		page, err := s.Movements(ctx, inventory.MovementQuery{Cursor: cursor, Limit: inventory.MaxPage})
		if err != nil {
			return b, err
		}
		for _, m := range page.Movements {
			if m.Kind == inventory.KindReserve {
				b.ledger += m.Reserved
			}
		}
		if cursor = page.Next; cursor == "" {
			return b, nil
		}
	}
}
