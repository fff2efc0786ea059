package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/inventory"
)

// TestGrant: what is granted without looking is what is decided with enough of everything there.
func TestGrant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := NewBook()
		for _, sku := range []string{"cup", "tea"} {
			b.Levels[inventory.Place{SKU: sku, Location: "main"}] = inventory.Level{SKU: sku, Location: "main", OnHand: 1_000_000, Version: 1}
		}
		var requests []inventory.Request
		for n := range rapid.IntRange(1, 5).Draw(rt, "requests") {
			r := inventory.Request{Kind: inventory.KindReserve, Key: fmt.Sprint("order ", n), Now: noon.Add(time.Duration(n) * time.Second),
				Reason: rapid.SampledFrom([]string{"", "sale"}).Draw(rt, "reason"), Reference: "web"}
			if rapid.Bool().Draw(rt, "expires") {
				r.Expires = r.Now.Add(time.Minute)
			}
			for _, sku := range []string{"cup", "tea"}[rapid.IntRange(0, 1).Draw(rt, "first"):] {
				r.Lines = append(r.Lines, inventory.Line{SKU: sku, Location: "main", Quantity: rapid.Int64Range(1, 9).Draw(rt, "quantity")})
			}
			requests = append(requests, r)
		}
		granted := Grant(requests)
		require.Len(rt, granted, len(requests))
		for n, r := range requests {
			decided, _ := b.Apply(r)
			decided.Changes = nil // which only the levels know
			require.Equal(rt, decided, granted[n])
		}
	})
}
