package prooftest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// TestUnsortedOrders: orders name many SKUs in any order and many callers place them, from two processes' inventories. No
// deadlock reaches a caller, with the default options.
func TestUnsortedOrders(t *testing.T) {
	t.Parallel()
	each(t, backends, func(t *testing.T, b *backend, strategy inventory.Strategy) {
		const callers, orders, skus = 24, 4, 8
		dsn := b.database(t)
		db := b.db(t, dsn, callers)
		stocks := []*inventory.Inventory{b.stock(t, db, strategy), b.stock(t, db, strategy)}
		var lines []inventory.Line
		for n := range skus {
			lines = append(lines, inventory.Line{SKU: fmt.Sprint("sku ", n), Quantity: plenty})
		}
		_, err := stocks[0].Receive(t.Context(), inventory.Receipt{Key: "delivery", Lines: lines})
		require.NoError(t, err)
		together(callers, func(caller int) {
			stock := stocks[caller%len(stocks)]
			for n := range orders {
				order := inventory.Order{Key: fmt.Sprint(caller, "/", n)}
				for _, sku := range rand.Perm(skus)[:5] {
					order.Lines = append(order.Lines, inventory.Line{SKU: fmt.Sprint("sku ", sku), Quantity: 1})
				}
				if _, err := stock.Reserve(t.Context(), order); err != nil {
					t.Errorf("reserve: %v", err)
				}
				if n%2 == 0 {
					if err := stock.Commit(t.Context(), order.Key); err != nil {
						t.Errorf("commit: %v", err)
					}
				}
			}
		})
		var gone int64
		for n := range skus {
			level, err := stocks[0].Level(t.Context(), fmt.Sprint("sku ", n), "")
			require.NoError(t, err)
			gone += plenty - level.Available()
		}
		require.EqualValues(t, callers*orders*5, gone)
		requireWhole(t, stocks[0], db)
	})
}

func together(n int, call func(caller int)) {
	var all sync.WaitGroup
	for caller := range n {
		all.Go(func() { call(caller) })
	}
	all.Wait()
}

// TestOneConnection: everything works, at once, on a pool of one connection, the sweep in the background too.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	each(t, backends, func(t *testing.T, b *backend, strategy inventory.Strategy) {
		db := b.db(t, b.database(t), 1)
		stock := b.stockWith(t, db, &inventory.Options{Strategy: strategy, SweepInterval: 1, Workers: 4}) // sweeps without a pause
		fill(t, stock)
		d := newDiary()
		stop := d.callers(t.Context(), stock, 8, "caller")
		for n := range 5 {
			_, err := stock.Adjust(t.Context(), inventory.Adjustment{Key: fmt.Sprint("up ", n), Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
			require.NoError(t, err)
			_, err = stock.Adjust(t.Context(), inventory.Adjustment{Key: fmt.Sprint("down ", n), Lines: []inventory.Line{{SKU: "tea", Quantity: -1}}})
			require.NoError(t, err)
			_, err = stock.Import(t.Context(), fmt.Sprint("import ", n), func(yield func(inventory.Level, error) bool) {
				yield(inventory.Level{SKU: "other", OnHand: 1}, nil)
			}, nil)
			require.NoError(t, err)
			_, err = stock.Reconcile(t.Context())
			require.NoError(t, err)
			_, err = stock.List(t.Context(), inventory.ListQuery{})
			require.NoError(t, err)
		}
		d.waitFor(t, 30)
		stop()
		for _, s := range d.sales {
			require.False(t, s.broken(), "%v, %v", s.reserveError, s.settlementError)
		}
		d.check(t, stock, db)
	})
}

// foreign is another program that corrects stock by SQL, without a word to the inventory.
func foreign(ctx context.Context, db *sql.DB, sku string, n int) (units int64, err error) {
	const guarded = " WHERE sku = '%s' AND on_hand + %d >= reserved"
	units = int64(n%7) - 3
	result, err := db.ExecContext(ctx, fmt.Sprintf("UPDATE inventory_levels SET on_hand = on_hand + %d"+guarded, units, sku, units))
	if err != nil {
		return 0, err
	}
	changed, err := result.RowsAffected()
	return units * changed, err
}

// TestForeignWriter: another program changes the same rows by plain SQL during a run. Nothing is oversold, no change of either side
// is lost, and Reconcile reports just what the other has done.
func TestForeignWriter(t *testing.T) {
	t.Parallel()
	each(t, backends, func(t *testing.T, b *backend, strategy inventory.Strategy) {
		dsn := b.database(t)
		db := b.db(t, dsn, 12)
		stock := b.stockWith(t, db, &inventory.Options{Strategy: strategy, SweepInterval: -1, Retries: 10_000})
		fill(t, stock)
		d := newDiary()
		stop := d.callers(t.Context(), stock, 8, "caller")
		other := b.db(t, dsn, 1)
		changed := map[string]int64{}
		for n := range 200 {
			sku := []string{"tea", "cup", "rare"}[n%3]
			units, err := foreign(t.Context(), other, sku, n)
			require.NoError(t, err)
			changed[sku] += units
		}
		d.waitFor(t, 50)
		stop()
		wanted := map[string]int64{"tea": plenty + changed["tea"], "cup": 2*plenty + changed["cup"], "rare": few + changed["rare"]}
		reserved := map[string]int64{}
		for _, s := range d.sales {
			require.False(t, s.broken(), "%v, %v", s.reserveError, s.settlementError)
			if s.reserved != done {
				continue
			}
			for _, line := range s.order.Lines {
				switch s.as {
				case inventory.Committed:
					wanted[line.SKU] -= line.Quantity
				case inventory.Held:
					reserved[line.SKU] += line.Quantity
				}
			}
		}
		levels, err := stock.Levels(t.Context(), "tea", "cup", "rare")
		require.NoError(t, err)
		require.Len(t, levels, 3)
		for _, level := range levels {
			require.Equal(t, wanted[level.SKU], level.OnHand, level.SKU)
			require.Equal(t, reserved[level.SKU], level.Reserved, level.SKU)
			require.GreaterOrEqual(t, level.OnHand, level.Reserved, "nothing is oversold")
		}
		differences, err := stock.Reconcile(t.Context())
		require.NoError(t, err)
		for _, difference := range differences {
			require.Equal(t, changed[difference.SKU], difference.OnHand-difference.LedgerOnHand, difference.SKU)
			delete(changed, difference.SKU)
		}
		for sku, units := range changed {
			require.Zero(t, units, "not reported: %s", sku)
		}
	})
}
