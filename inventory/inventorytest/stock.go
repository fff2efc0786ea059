package inventorytest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/memory"
)

// Stock is an inventory in memory, for tests of programs that use one, whose time the test moves.
type Stock struct {
	*inventory.Inventory
	t     testing.TB
	clock *Clock
}

// New returns an inventory with the given units on hand by SKU, at the default location. It is closed at the test's end.
func New(t testing.TB, onHand map[string]int64) *Stock {
	t.Helper()
	clock := NewClock()
	stock, err := memory.Open(&inventory.Options{Now: clock.Now, SweepInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stock.Close() })
	s := &Stock{Inventory: stock, t: t, clock: clock}
	for _, sku := range slices.Sorted(maps.Keys(onHand)) {
		count := inventory.Count{Key: "inventorytest/" + sku, SKU: sku, OnHand: onHand[sku]}
		if _, err := stock.Set(t.Context(), count); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Now is the time of the stock's clock.
func (s *Stock) Now() time.Time { return s.clock.Now() }

// Advance moves the time and sweeps what has expired by then.
func (s *Stock) Advance(d time.Duration) {
	s.t.Helper()
	s.clock.Advance(d)
	if _, err := s.Sweep(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// Available is how many units of a SKU are free at the default location; the test fails if there is no such level.
func (s *Stock) Available(sku string) int64 {
	s.t.Helper()
	level, err := s.Level(s.t.Context(), sku, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return level.Available()
}
