package sqlstocktest

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// CheckReadOnly checks with every strategy that a database which takes no changes can be read, and that a change is refused as
// one that has not happened. Both handles are of the same database.
func CheckReadOnly(t *testing.T, open Open, writable, readOnly *sql.DB) {
	t.Helper()
	ctx := t.Context()
	stock, err := open(ctx, writable, &inventory.Options{SweepInterval: -1})
	require.NoError(t, err)
	defer stock.Close()
	_, err = stock.Receive(ctx, inventory.Receipt{Key: "delivery", Lines: []inventory.Line{{SKU: "tea", Quantity: 10}}})
	require.NoError(t, err)
	for _, strategy := range Strategies {
		replica, err := open(ctx, readOnly, &inventory.Options{Strategy: strategy, SkipMigrations: true, SweepInterval: -1})
		require.NoError(t, err)
		_, err = replica.Reserve(ctx, inventory.Order{Key: "order", Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
		require.ErrorIs(t, err, inventory.ErrReadOnly, "%v", strategy)
		require.NotErrorIs(t, err, inventory.ErrOutcomeUnknown, "nothing was written, and that is known")
		level, err := replica.Level(ctx, "tea", "")
		require.NoError(t, err, "reading works")
		require.EqualValues(t, 10, level.Available())
		require.NoError(t, replica.Close())
	}
}
