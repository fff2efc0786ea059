package inventorytest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// handles are inventories on the same stock, as of two processes where the storage can be shared.
func (b *bench) handles(t *testing.T) []*inventory.Inventory {
	t.Helper()
	stocks := []*inventory.Inventory{b.open(t)}
	if b.storage.Shared {
		stocks = append(stocks, b.open(t))
	}
	return stocks
}

// together runs n callers at once, spread over the handles, and waits for them.
func together(n int, stocks []*inventory.Inventory, call func(caller int, stock *inventory.Inventory)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for caller := range n {
		wg.Go(func() {
			<-start
			call(caller, stocks[caller%len(stocks)])
		})
	}
	close(start)
	wg.Wait()
}

// checkNoOversell lets 64 callers fight for less than they want, some of whom commit and some of whom change their minds.
func checkNoOversell(t *testing.T, b *bench) {
	const callers, rounds, units = 64, 2, 75
	ctx, stocks := t.Context(), b.handles(t)
	receive(t, stocks[0], "delivery", line("hot", units))
	var sold, held, refused atomic.Int64
	together(callers, stocks, func(caller int, stock *inventory.Inventory) {
		for round := range rounds {
			key := fmt.Sprintf("order %d/%d", caller, round)
			_, err := stock.Reserve(ctx, order(key, line("hot", 1)))
			switch {
			case errors.Is(err, inventory.ErrInsufficient):
				refused.Add(1)
			case err != nil:
				t.Errorf("reserve: %v", err)
			case caller%4 == 0:
				if err := stock.Release(ctx, key); err != nil {
					t.Errorf("release: %v", err)
				}
			case caller%4 == 1:
				held.Add(1)
			default:
				if err := stock.Commit(ctx, key); err != nil {
					t.Errorf("commit: %v", err)
				}
				sold.Add(1)
			}
		}
	})
	requireLevel(t, stocks[0], "hot", units-sold.Load(), held.Load())
	require.LessOrEqual(t, sold.Load()+held.Load(), int64(units))
	require.Positive(t, refused.Load(), "there were more callers than units")
	requireClean(t, stocks[0])
}

func checkOneKeyManyCallers(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	receive(t, stocks[0], "delivery", line("tea", 100))
	for round := range 3 {
		key := fmt.Sprint("order ", round)
		together(16, stocks, func(_ int, stock *inventory.Inventory) {
			hold, err := stock.Reserve(ctx, order(key, line("tea", 5)))
			if err != nil || hold.State != inventory.Held {
				t.Errorf("every caller gets the one answer, not %v, %v", hold, err)
			}
		})
		requireLevel(t, stocks[0], "tea", 100, int64(5*(round+1)))
	}
	var conflicts atomic.Int64
	together(8, stocks, func(caller int, stock *inventory.Inventory) {
		_, err := stock.Reserve(ctx, order("contested", line("tea", int64(caller+1))))
		if errors.Is(err, inventory.ErrConflict) {
			conflicts.Add(1)
		} else if err != nil {
			t.Errorf("reserve: %v", err)
		}
	})
	require.EqualValues(t, 7, conflicts.Load(), "one caller has it, the others conflict")
	requireClean(t, stocks[0])
}

// checkUnsortedOrders: no deadlock reaches a caller, whatever the order of the lines.
func checkUnsortedOrders(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	skus := []string{"a", "b", "c", "d", "e"}
	for _, sku := range skus {
		receive(t, stocks[0], "delivery "+sku, line(sku, 1000))
	}
	together(16, stocks, func(caller int, stock *inventory.Inventory) {
		for round := range 3 {
			key := fmt.Sprintf("order %d/%d", caller, round)
			var lines []inventory.Line
			for _, n := range rand.Perm(len(skus))[:3] {
				lines = append(lines, line(skus[n], 1))
			}
			if _, err := stock.Reserve(ctx, order(key, lines...)); err != nil {
				t.Errorf("reserve: %v", err)
			}
			if err := stock.Commit(ctx, key); err != nil {
				t.Errorf("commit: %v", err)
			}
		}
	})
	levels, err := stocks[0].Levels(ctx, skus...)
	require.NoError(t, err)
	var left int64
	for _, level := range levels {
		left += level.OnHand
		require.Zero(t, level.Reserved)
	}
	require.EqualValues(t, 5*1000-16*3*3, left)
	requireClean(t, stocks[0])
}

// checkSettleRace: of a commit and a release at the same moment exactly one wins, and the units go one way.
func checkSettleRace(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	receive(t, stocks[0], "delivery", line("tea", 100))
	var sold int64
	for round := range 8 {
		key := fmt.Sprint("order ", round)
		_, err := stocks[0].Reserve(ctx, order(key, line("tea", 1)))
		require.NoError(t, err)
		var won atomic.Int64
		together(6, stocks, func(caller int, stock *inventory.Inventory) {
			settle := stock.Commit
			if caller%3 == 0 {
				settle = stock.Release
			}
			switch err := settle(ctx, key); {
			case err == nil:
				won.Add(int64(1 + 100*(caller%3)))
			case !errors.Is(err, inventory.ErrSettled):
				t.Errorf("settle: %v", err)
			}
		})
		found, err := stocks[0].Reservation(ctx, key)
		require.NoError(t, err)
		if found.State == inventory.Committed {
			sold++
			require.EqualValues(t, 604, won.Load(), "all commits succeed and no release")
		} else {
			require.EqualValues(t, 2, won.Load(), "both releases succeed and no commit")
		}
		requireLevel(t, stocks[0], "tea", 100-sold, 0)
	}
	requireClean(t, stocks[0])
}

// checkFirstReceipts: deliveries of a SKU that nobody has had before, all at once, are all counted.
func checkFirstReceipts(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	for round := range 8 {
		sku := fmt.Sprint("new ", round)
		together(8, stocks, func(caller int, stock *inventory.Inventory) {
			_, err := stock.Receive(ctx, inventory.Receipt{Key: fmt.Sprint("delivery ", round, " ", caller), Lines: []inventory.Line{line(sku, 10)}})
			if err != nil {
				t.Errorf("receive: %v", err)
			}
		})
		requireLevel(t, stocks[0], sku, 80, 0)
	}
	requireClean(t, stocks[0])
}

// checkReturnRace: of a sold order no more comes back than was sold, however many bring it at once.
func checkReturnRace(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	receive(t, stocks[0], "delivery", line("tea", 10))
	for round := range 6 {
		sale := fmt.Sprint("order ", round)
		_, err := stocks[0].Reserve(ctx, order(sale, line("tea", 3)))
		require.NoError(t, err)
		require.NoError(t, stocks[0].Commit(ctx, sale))
		var back atomic.Int64
		together(8, stocks, func(caller int, stock *inventory.Inventory) {
			_, err := stock.Return(ctx, inventory.Return{Key: fmt.Sprintf("%s back %d", sale, caller), Reservation: sale,
				Lines: []inventory.Line{line("tea", 1)}})
			if err == nil {
				back.Add(1)
			} else if !errors.Is(err, inventory.ErrInvalid) {
				t.Errorf("return: %v", err)
			}
		})
		require.EqualValues(t, 3, back.Load())
		requireLevel(t, stocks[0], "tea", 10, 0)
	}
	requireClean(t, stocks[0])
}

func checkConcurrentSweeps(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	const holds = 60
	receive(t, stocks[0], "delivery", line("tea", holds))
	together(4, stocks, func(caller int, stock *inventory.Inventory) {
		for n := range holds / 4 {
			if _, err := stock.Reserve(ctx, order(fmt.Sprintf("order %d/%d", caller, n), line("tea", 1))); err != nil {
				t.Errorf("reserve: %v", err)
			}
		}
	})
	b.clock.Advance(time.Hour)
	var swept atomic.Int64
	together(4, stocks, func(_ int, stock *inventory.Inventory) {
		n, err := stock.Sweep(ctx)
		if err != nil {
			t.Errorf("sweep: %v", err)
		}
		swept.Add(int64(n))
	})
	require.EqualValues(t, holds, swept.Load(), "each hold expires once")
	requireLevel(t, stocks[0], "tea", holds, 0)
	requireClean(t, stocks[0])
}
