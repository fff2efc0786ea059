package inventorytest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/memory"
)

// checkout is a program under test.
func checkout(ctx context.Context, stock *inventory.Inventory, order string) error {
	_, err := stock.Reserve(ctx, inventory.Order{Key: order, TTL: 10 * time.Minute, Lines: []inventory.Line{{SKU: "tea", Quantity: 2}}})
	return err
}

func TestNew(t *testing.T) {
	t.Parallel()
	stock := inventorytest.New(t, map[string]int64{"tea": 3, "cup": 0})
	require.NoError(t, checkout(t.Context(), stock.Inventory, "first"))
	require.ErrorIs(t, checkout(t.Context(), stock.Inventory, "second"), inventory.ErrInsufficient)
	require.EqualValues(t, 1, stock.Available("tea"))
	require.Zero(t, stock.Available("cup"))

	before := stock.Now()
	stock.Advance(11 * time.Minute) // the first hold is over
	require.Equal(t, 11*time.Minute, stock.Now().Sub(before))
	require.EqualValues(t, 3, stock.Available("tea"))
	require.ErrorIs(t, stock.Commit(t.Context(), "first"), inventory.ErrExpired)
}

func ExampleNew() {
	test := func(t *testing.T) {
		stock := inventorytest.New(t, map[string]int64{"tea": 3})
		if err := checkout(t.Context(), stock.Inventory, "order-1"); err != nil {
			t.Fatal(err)
		}
		stock.Advance(11 * time.Minute)
		if err := stock.Commit(t.Context(), "order-1"); !errors.Is(err, inventory.ErrExpired) {
			t.Errorf("paid too late: %v", err)
		}
	}
	_ = test // run by go test
}

func ExampleRun() {
	test := func(t *testing.T) {
		inventorytest.Run(t, inventorytest.Harness{Storage: func(testing.TB) inventorytest.Storage {
			return inventorytest.Storage{Open: memory.Open}
		}})
	}
	_ = test // run by go test
}
