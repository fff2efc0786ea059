package sqlstocktest

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// CheckForeignWriter lets another program change the same rows by SQL of its own, which knows nothing of versions and the
// ledger: no change of either side is lost, nothing is oversold, and Reconcile names the difference.
func CheckForeignWriter(t *testing.T, open Open, empty func(testing.TB) *sql.DB) {
	const units, callers, orders, taken = 100, 4, 10, 80
	for _, strategy := range Strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			ctx, db := t.Context(), empty(t)
			stock, err := open(ctx, db, &inventory.Options{Strategy: strategy, SweepInterval: -1, Retries: 10_000})
			require.NoError(t, err)
			defer stock.Close()
			_, err = stock.Receive(ctx, inventory.Receipt{Key: "delivery", Lines: []inventory.Line{{SKU: "tea", Quantity: units}}})
			require.NoError(t, err)
			var sold, stolen atomic.Int64
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for n := range orders {
						_, err := stock.Reserve(ctx, inventory.Order{Key: fmt.Sprintf("%d/%d", caller, n), Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
						if err == nil {
							sold.Add(1)
						} else if !errors.Is(err, inventory.ErrInsufficient) {
							t.Errorf("reserve: %v", err)
						}
					}
				})
			}
			wg.Go(func() {
				for range taken {
					result, err := db.ExecContext(ctx, "UPDATE inventory_levels SET on_hand = on_hand - 1 WHERE on_hand - reserved > 0")
					if err != nil {
						t.Errorf("foreign: %v", err)
						return
					}
					n, err := result.RowsAffected()
					if err != nil {
						t.Errorf("foreign: %v", err)
					}
					stolen.Add(n)
				}
			})
			wg.Wait()
			level, err := stock.Level(ctx, "tea", "")
			require.NoError(t, err)
			require.Equal(t, []int64{units - stolen.Load(), sold.Load()}, []int64{level.OnHand, level.Reserved}, "no writer's change is lost")
			require.GreaterOrEqual(t, level.OnHand, level.Reserved, "oversold")
			differences, err := stock.Reconcile(ctx)
			require.NoError(t, err)
			require.Equal(t, []inventory.Difference{{SKU: "tea", Location: inventory.DefaultLocation, OnHand: level.OnHand, Reserved: level.Reserved,
				LedgerOnHand: units, LedgerReserved: level.Reserved, Held: level.Reserved}}, differences)
		})
	}
}
