package sqlstocktest

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// Backend is a backend as the tests see it that all SQL backends share.
type Backend struct {
	Open    Open
	Migrate func(context.Context, *sql.DB) error
	// Empty makes a database without tables.
	Empty func(testing.TB) *sql.DB
	// ReadOnly makes one, and gives two handles of which the second can only read.
	ReadOnly func(testing.TB) (writable, readOnly *sql.DB)
	// Unreachable are databases that are not there, by what is wrong. Where their names hold a password, it is "secret-word".
	Unreachable func(testing.TB) map[string]*sql.DB
}

// Run checks all that is shared and needs nothing else of the backend, the public kit apart.
func Run(t *testing.T, b Backend) {
	for name, test := range map[string]func(*testing.T){
		"migrations":           func(t *testing.T) { CheckMigrations(t, b.Empty(t), b.Open, b.Migrate) },
		"foreign writer":       func(t *testing.T) { CheckForeignWriter(t, b.Open, b.Empty) },
		"takes all or nothing": func(t *testing.T) { CheckTakesAllOrNothing(t, b.Open, b.Empty(t)) },
		"constraints":          func(t *testing.T) { checkConstraints(t, b) },
		"one connection":       func(t *testing.T) { checkOneConnection(t, b) },
		"unreachable":          func(t *testing.T) { checkUnreachable(t, b) },
		"read only": func(t *testing.T) {
			writable, readOnly := b.ReadOnly(t)
			CheckReadOnly(t, b.Open, writable, readOnly)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// Stock opens an inventory on an empty database, and receives tea, and twice as many cups.
func (b Backend) Stock(t *testing.T, db *sql.DB, options *inventory.Options, tea int64) *inventory.Inventory {
	t.Helper()
	stock, err := b.Open(t.Context(), db, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stock.Close()) })
	_, err = stock.Receive(t.Context(), inventory.Receipt{Key: "delivery", Lines: []inventory.Line{{SKU: "tea", Quantity: tea}, {SKU: "cup", Quantity: 2 * tea}}})
	require.NoError(t, err)
	return stock
}

// checkConstraints: they are the last line of defence.
func checkConstraints(t *testing.T, b Backend) {
	db := b.Empty(t)
	stock := b.Stock(t, db, nil, 5)
	for _, set := range []string{"on_hand = -1", "reserved = -1", "reserved = 6", "safety_stock = -1"} {
		_, err := db.ExecContext(t.Context(), "UPDATE inventory_levels SET "+set+" WHERE sku = 'tea'")
		require.Error(t, err, set)
	}
	CheckLedgerConstraints(t, db, stock)
}

// checkOneConnection: a pool of one is enough for any number of callers.
func checkOneConnection(t *testing.T, b Backend) {
	for _, strategy := range Strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			db := b.Empty(t)
			db.SetMaxOpenConns(1)
			stock := b.Stock(t, db, &inventory.Options{Strategy: strategy, SweepInterval: -1}, 50)
			CheckSales(t, stock, 16, 50)
		})
	}
}

// CheckSales lets callers buy a tea each, of so many that there are.
func CheckSales(t *testing.T, stock *inventory.Inventory, callers int, tea int64) {
	t.Helper()
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			key := fmt.Sprint("order ", caller)
			if _, err := stock.Reserve(t.Context(), inventory.Order{Key: key, Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}}); err != nil {
				t.Errorf("reserve: %v", err)
			}
			if err := stock.Commit(t.Context(), key); err != nil {
				t.Errorf("commit: %v", err)
			}
		})
	}
	wg.Wait()
	level, err := stock.Level(t.Context(), "tea", "")
	require.NoError(t, err)
	require.Equal(t, []int64{tea - int64(callers), 0}, []int64{level.OnHand, level.Reserved})
	differences, err := stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
}

func checkUnreachable(t *testing.T, b Backend) {
	for what, db := range b.Unreachable(t) {
		_, err := b.Open(t.Context(), db, nil)
		require.ErrorIs(t, err, inventory.ErrUnavailable, what)
		require.NotContains(t, err.Error(), "secret-word", what)
	}
}
