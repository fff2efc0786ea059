package sqlstock

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed82d84382/commerce/inventory"
)

// Levels returns the levels of the SKUs with one query.
func (s *Store) Levels(ctx context.Context, skus []string) ([]inventory.Level, error) {
	condition, args := s.dialect.In("sku", skus)
	return collect(ctx, s.dialect, s.db, Statement{Args: args,
		Query: "SELECT " + levelColumns + " FROM inventory_levels WHERE " + condition + " ORDER BY sku, location"}, scanLevel)
}

// List returns a page of levels.
func (s *Store) List(ctx context.Context, q inventory.ListRequest) ([]inventory.Level, error) {
	// Each way is spelled out, for not every database answers (sku, location) > (?, ?) with an index.
	where, args, order := []string{"sku >= ?", "(sku > ? OR location > ?)"}, []any{q.After.SKU, q.After.SKU, q.After.Location}, "sku, location"
	if q.Location != "" {
		where, args, order = []string{"location = ?", "sku > ?"}, []any{q.Location, q.After.SKU}, "sku"
	}
	if q.Low {
		where = append(where, s.dialect.Low)
	}
	return collect(ctx, s.dialect, s.db, Statement{Args: append(args, q.Limit),
		Query: "SELECT " + levelColumns + " FROM inventory_levels WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + " LIMIT ?"}, scanLevel)
}

// Movements returns a page of the ledger.
func (s *Store) Movements(ctx context.Context, q inventory.MovementRequest) ([]inventory.Movement, error) {
	where, args := []string{"1 = 1"}, []any{}
	equal := func(column, value string) {
		if value != "" {
			where = append(where, column+" = ?")
			args = append(args, value)
		}
	}
	equal("sku", q.SKU)
	equal("location", q.Location)
	if q.Document != "" {
		returns, err := collect(ctx, s.dialect, s.db, Statement{Query: "SELECT request_key FROM inventory_returns WHERE reservation = ?", Args: []any{q.Document}},
			func(row Row) (key string, err error) { return key, row.Scan(&key) })
		if err != nil {
			return nil, err
		}
		in, keys := s.dialect.In("request_key", append(returns, q.Document))
		where, args = append(where, in), append(args, keys...)
	}
	if m := q.After; m != nil {
		at := m.At.UnixMicro()
		where = append(where, "at <= ?", "(at < ? OR (request_key, step, line) < (?, ?, ?))")
		args = append(args, at, at, m.Key, m.Step(), m.Line)
	}
	return collect(ctx, s.dialect, s.db, Statement{Args: append(args, q.Limit),
		Query: "SELECT " + movementColumns + " FROM inventory_movements WHERE " + strings.Join(where, " AND ") +
			" ORDER BY at DESC, request_key DESC, step DESC, line DESC LIMIT ?"}, scanMovement)
}

// Reservation returns the reservation of that key.
func (s *Store) Reservation(ctx context.Context, key string) (inventory.Reservation, error) {
	loader := s.newLoader("")
	if err := s.dialect.sendEach(ctx, s.db, loader.records([]string{key})); err != nil {
		return inventory.Reservation{}, err
	}
	record := loader.book.Records[key]
	if record == nil || record.Kind != inventory.KindReserve {
		return inventory.Reservation{}, fmt.Errorf("reservation %q: %w", key, inventory.ErrNotFound)
	}
	return record.Reservation(), nil
}

// Reconcile is one statement, and so sees one moment at every isolation level.
func (s *Store) Reconcile(ctx context.Context) ([]inventory.Difference, error) {
	const query = `
SELECT sku, location, SUM(a), SUM(b), SUM(c), SUM(d), SUM(e) FROM (
	SELECT sku, location, on_hand AS a, reserved AS b, 0 AS c, 0 AS d, 0 AS e FROM inventory_levels
	UNION ALL
	SELECT sku, location, 0, 0, on_hand, reserved, 0 FROM inventory_movements
	UNION ALL
	SELECT m.sku, m.location, 0, 0, 0, 0, m.reserved FROM inventory_movements h
	JOIN inventory_movements m ON m.request_key = h.request_key AND m.step = 0
	WHERE h.kind = 'reserve' AND h.line = 1 AND h.settled_at IS NULL
) AS sums
GROUP BY sku, location HAVING SUM(a) <> SUM(c) OR SUM(b) <> SUM(d) OR SUM(b) <> SUM(e)
ORDER BY sku, location`
	return collect(ctx, s.dialect, s.db, Statement{Query: query}, func(row Row) (d inventory.Difference, err error) {
		return d, row.Scan(&d.SKU, &d.Location, &d.OnHand, &d.Reserved, &d.LedgerOnHand, &d.LedgerReserved, &d.Held)
	})
}
