package sqlstocktest

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// CheckLedgerConstraints checks that the database itself refuses what the ledger must never have. There must be some tea.
func CheckLedgerConstraints(t *testing.T, db *sql.DB, stock *inventory.Inventory) {
	t.Helper()
	_, err := stock.Reserve(t.Context(), inventory.Order{Key: "constraints", Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
	require.NoError(t, err)
	require.NoError(t, stock.Commit(t.Context(), "constraints"))
	const insert = "INSERT INTO inventory_movements (request_key, step, line, kind, sku, at, settled_at) VALUES "
	for what, values := range map[string]string{
		"a second end of a hold":       "('constraints', 1, 1, 'release', 'tea', 0, NULL)",
		"a key a second time":          "('constraints', 0, 1, 'receive', 'tea', 0, NULL)",
		"a first row without a digest": "('other', 0, 1, 'receive', 'tea', 0, NULL)",
		"a line that was settled":      "('constraints', 0, 2, 'reserve', 'tea', 0, 5)",
	} {
		_, err := db.ExecContext(t.Context(), insert+values)
		require.Error(t, err, what)
	}
	_, err = db.ExecContext(t.Context(), "UPDATE inventory_movements SET settled_at = 5 WHERE kind = 'receive'")
	require.Error(t, err, "a receipt that was settled")
	_, err = db.ExecContext(t.Context(), insert+"('constraints', 0, 2, 'reserve', 'tea', 0, NULL)")
	require.NoError(t, err, "it is not the statement that is wrong")
}

// CheckTakesAllOrNothing checks on an empty database that a group's order of many lines holds all or none of them.
func CheckTakesAllOrNothing(t *testing.T, open Open, db *sql.DB) {
	t.Helper()
	ctx := t.Context()
	stock, err := open(ctx, db, &inventory.Options{SweepInterval: -1})
	require.NoError(t, err)
	defer stock.Close()
	_, err = stock.Receive(ctx, inventory.Receipt{Key: "delivery", Lines: []inventory.Line{{SKU: "cup", Quantity: 1}, {SKU: "tea", Quantity: 9}}})
	require.NoError(t, err)
	order := func(key string, lines ...inventory.Line) error {
		_, err := stock.Reserve(ctx, inventory.Order{Key: key, Lines: lines})
		return err
	}
	require.NoError(t, order("all there", inventory.Line{SKU: "cup", Quantity: 1}, inventory.Line{SKU: "tea", Quantity: 2}))
	err = order("too few cups", inventory.Line{SKU: "cup", Quantity: 1}, inventory.Line{SKU: "tea", Quantity: 2})
	require.ErrorIs(t, err, inventory.ErrInsufficient)
	for n := range 3 { // what failed before goes another way next time
		err = order("no such thing "+string(rune('a'+n)), inventory.Line{SKU: "tea", Quantity: 2}, inventory.Line{SKU: "thing", Quantity: 1})
		require.ErrorIs(t, err, inventory.ErrUnknownSKU)
	}
	levels, err := stock.Levels(ctx, "cup", "tea", "thing")
	require.NoError(t, err)
	require.Len(t, levels, 2, "no level comes to be by an order")
	require.Equal(t, []int64{1, 2}, []int64{levels[0].Reserved, levels[1].Reserved})
	differences, err := stock.Reconcile(ctx)
	require.NoError(t, err)
	require.Empty(t, differences)
}
