package inventorytest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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

const bulk = 100_000

// BenchBulk measures an import of 100,000 levels and a sweep of as many expired holds; run it with -benchtime 1x.
func BenchBulk(b *testing.B, h Harness) {
	b.Run("import=100000", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			stock := openBulk(b, h, NewClock())
			b.StartTimer()
			progress, err := stock.Import(b.Context(), "import", manyLevels, nil)
			if err != nil || progress.Levels != bulk {
				b.Fatalf("%+v: %v", progress, err)
			}
		}
	})
	b.Run("sweep=100000", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			clock := NewClock()
			stock := openBulk(b, h, clock)
			count := inventory.Count{Key: "count", SKU: "hot", OnHand: bulk}
			if _, err := stock.Set(b.Context(), count); err != nil {
				b.Fatal(err)
			}
			holdMany(b, stock)
			clock.Advance(time.Hour)
			b.StartTimer()
			n, err := stock.Sweep(b.Context())
			if err != nil || n != bulk {
				b.Fatalf("%d swept: %v", n, err)
			}
		}
	})
}

func openBulk(b *testing.B, h Harness, clock *Clock) *inventory.Inventory {
	b.Helper()
	stock, err := h.Storage(b).Open(&inventory.Options{SweepInterval: -1, Now: clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stock.Close() })
	return stock
}

func manyLevels(yield func(inventory.Level, error) bool) {
	for n := range bulk {
		if !yield(inventory.Level{SKU: fmt.Sprintf("sku-%06d", n), OnHand: 10}, nil) {
			return
		}
	}
}

// holdMany reserves as many units, each by an order of its own.
func holdMany(b *testing.B, stock *inventory.Inventory) {
	b.Helper()
	var next atomic.Int64
	together(256, []*inventory.Inventory{stock}, func(int, *inventory.Inventory) {
		for n := next.Add(1); n <= bulk; n = next.Add(1) {
			_, err := stock.Reserve(b.Context(), inventory.Order{Key: fmt.Sprint("order ", n), TTL: time.Minute,
				Lines: []inventory.Line{{SKU: "hot", Quantity: 1}}})
			if err != nil {
				b.Errorf("reserve: %v", err)
				return
			}
		}
	})
}
