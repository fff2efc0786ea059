package inventorytest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

func at(location, sku string, quantity int64) inventory.Line {
	return inventory.Line{SKU: sku, Location: location, Quantity: quantity}
}

func checkAllocation(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", at("north", "tea", 3), at("south", "tea", 5), at("south", "cup", 2), at("west", "cup", 9))

	hold, err := stock.ReserveFrom(ctx, order("split", line("tea", 4)), inventory.InOrder("north", "south"))
	require.NoError(t, err)
	require.Equal(t, []inventory.Line{at("north", "tea", 3), at("south", "tea", 1)}, hold.Lines)
	again, err := stock.ReserveFrom(ctx, order("split", line("tea", 4)), inventory.InOrder("south"))
	require.NoError(t, err)
	require.Equal(t, hold, again, "the first answer, though another place would be chosen now")
	_, err = stock.ReserveFrom(ctx, order("split", line("tea", 5)), inventory.InOrder())
	require.ErrorIs(t, err, inventory.ErrConflict)

	hold, err = stock.ReserveFrom(ctx, order("one parcel", line("tea", 2), line("cup", 2)), inventory.Together())
	require.NoError(t, err)
	require.Equal(t, []inventory.Line{at("south", "cup", 2), at("south", "tea", 2)}, hold.Lines)

	_, err = stock.ReserveFrom(ctx, order("too much", line("tea", 3)), inventory.Together())
	short, ok := errorAs[*inventory.InsufficientError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, inventory.InsufficientError{SKU: "tea", Want: 3, Available: 2}, *short)
	_, err = stock.ReserveFrom(ctx, order("unknown", line("unicorn", 1)), inventory.InOrder())
	require.ErrorIs(t, err, inventory.ErrUnknownSKU)

	for field, err := range map[string]error{
		"Lines[0].Location": second(stock.ReserveFrom(ctx, order("bad", at("north", "tea", 1)), inventory.InOrder())),
		"Lines[0].Quantity": second(stock.ReserveFrom(ctx, order("bad", line("tea", -1)), inventory.InOrder())),
		"allocate":          second(stock.ReserveFrom(ctx, order("bad", line("tea", 1)), nil)),
	} {
		bad, ok := errorAs[*inventory.InvalidError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, field, bad.Field)
	}
	greedy := func(want []inventory.Line, _ []inventory.Level) []inventory.Line {
		return []inventory.Line{at("west", "cup", want[0].Quantity+1)}
	}
	require.ErrorIs(t, second(stock.ReserveFrom(ctx, order("bad", line("cup", 1)), greedy)), inventory.ErrInvalid)
	requireClean(t, stock)
}

// checkAllocationRace: callers who choose from the same levels at once sell every unit and none twice.
func checkAllocationRace(t *testing.T, b *bench) {
	ctx, stocks := t.Context(), b.handles(t)
	receive(t, stocks[0], "delivery", at("north", "tea", 5), at("south", "tea", 7), at("west", "tea", 4))
	var sold atomic.Int64
	together(24, stocks, func(caller int, stock *inventory.Inventory) {
		_, err := stock.ReserveFrom(ctx, order(fmt.Sprint("order ", caller), line("tea", 1)), inventory.InOrder())
		switch {
		case err == nil:
			sold.Add(1)
		case !errors.Is(err, inventory.ErrInsufficient):
			t.Errorf("reserve: %v", err)
		}
	})
	require.EqualValues(t, 16, sold.Load())
	requireClean(t, stocks[0])
}
