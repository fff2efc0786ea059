package inventorytest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed82d84382/commerce/inventory"
)

// Bench measures reservations of one hot SKU by one caller and by 64, with each strategy of the harness.
func Bench(b *testing.B, h Harness) {
	for _, strategy := range h.Strategies {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", strategy, callers), func(b *testing.B) {
				stock, err := h.Storage(b).Open(&inventory.Options{Strategy: strategy, SweepInterval: -1, Retries: 10_000})
				if err != nil {
					b.Fatal(err)
				}
				defer stock.Close()
				count := inventory.Count{Key: "count", SKU: "hot", OnHand: inventory.MaxQuantity}
				if _, err := stock.Set(b.Context(), count); err != nil {
					b.Fatal(err)
				}
				benchReserve(b, stock, callers)
			})
		}
	}
}

func benchReserve(b *testing.B, stock *inventory.Inventory, callers int) {
	var order atomic.Int64
	reserve := func(int, *inventory.Inventory) {
		for n := order.Add(1); n <= int64(b.N); n = order.Add(1) {
			_, err := stock.Reserve(b.Context(), inventory.Order{Key: fmt.Sprint("order ", n),
				Lines: []inventory.Line{{SKU: "hot", Quantity: 1}}})
			if err != nil {
				b.Errorf("reserve: %v", err)
				return
			}
		}
	}
	b.ResetTimer()
	together(callers, []*inventory.Inventory{stock}, reserve)
	b.StopTimer()
	if level, err := stock.Level(b.Context(), "hot", ""); err != nil || level.Reserved != int64(b.N) {
		b.Errorf("%d reserved of %d: %v", level.Reserved, b.N, err)
	}
}
