package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/memory"
)

// open is a shop with ten packets of tea.
func open(options *inventory.Options) *inventory.Inventory {
	stock, err := memory.Open(options)
	if err != nil {
		panic(err)
	}
	_, err = stock.Receive(context.Background(), inventory.Receipt{Key: "delivery-1",
		Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 10}}})
	if err != nil {
		panic(err)
	}
	return stock
}

func ExampleInventory_Reserve() {
	ctx, stock := context.Background(), open(nil)
	defer stock.Close()

	hold, err := stock.Reserve(ctx, inventory.Order{Key: "order-1001", TTL: 10 * time.Minute,
		Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 8}}})
	fmt.Println(hold.State, err)

	// The client lost the answer and asks again: nothing is held twice.
	again, err := stock.Reserve(ctx, inventory.Order{Key: "order-1001", TTL: 10 * time.Minute,
		Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 8}}})
	fmt.Println(again.ExpiresAt.Equal(hold.ExpiresAt), err)

	_, err = stock.Reserve(ctx, inventory.Order{Key: "order-1002", Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 3}}})
	if short, ok := errors.AsType[*inventory.InsufficientError](err); ok {
		fmt.Printf("only %d of %s left\n", short.Available, short.SKU)
	}
	// Output:
	// held <nil>
	// true <nil>
	// only 2 of tea-250g left
}

func ExampleInventory_Commit() {
	ctx, stock := context.Background(), open(nil)
	defer stock.Close()
	for _, key := range []string{"paid", "given-up"} {
		if _, err := stock.Reserve(ctx, inventory.Order{Key: key, Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 2}}}); err != nil {
			panic(err)
		}
	}
	fmt.Println(stock.Commit(ctx, "paid"), stock.Release(ctx, "given-up"))
	err := stock.Commit(ctx, "given-up")
	fmt.Println(err, errors.Is(err, inventory.ErrSettled))
	level, err := stock.Level(ctx, "tea-250g", "")
	fmt.Println(level.OnHand, level.Available(), err)
	// Output:
	// <nil> <nil>
	// inventory: commit: reservation "given-up" is released true
	// 8 8 <nil>
}

func ExampleInventory_Set() {
	ctx, stock := context.Background(), open(nil)
	defer stock.Close()
	// Somebody counted 9 while the shelf should have held 10.
	made, err := stock.Set(ctx, inventory.Count{Key: "count-3", SKU: "tea-250g", OnHand: 9, IfOnHand: new(int64(10)), Reason: "stocktake"})
	fmt.Println(made[0].OnHand, err)
	_, err = stock.Set(ctx, inventory.Count{Key: "count-4", SKU: "tea-250g", OnHand: 9, IfOnHand: new(int64(10))})
	fmt.Println(err)
	// Output:
	// -1 <nil>
	// inventory: set: stock of "tea-250g" at "main" has changed: expected 10 on hand, found 9
}

func ExampleInventory_Import() {
	ctx, stock := context.Background(), open(nil)
	defer stock.Close()
	lines := strings.Lines("tea-250g 40\ncup 12\npot 3\n")
	levels := func(yield func(inventory.Level, error) bool) {
		for line := range lines {
			var level inventory.Level
			_, err := fmt.Sscan(line, &level.SKU, &level.OnHand)
			if !yield(level, err) {
				return
			}
		}
	}
	_, err := stock.Import(ctx, "opening-2026", levels, &inventory.ImportOptions{BatchSize: 2,
		Progress: func(p inventory.ImportProgress) { fmt.Println(p.Levels, "levels") }})
	fmt.Println(err)
	// Output:
	// 2 levels
	// 3 levels
	// <nil>
}

func ExampleInventory_Movements() {
	ctx, stock := context.Background(), open(nil)
	defer stock.Close()
	_, err := stock.Adjust(ctx, inventory.Adjustment{Key: "breakage-1", Reason: "dropped", Reference: "note 12",
		Lines: []inventory.Line{{SKU: "tea-250g", Quantity: -1}}})
	if err != nil {
		panic(err)
	}
	page, err := stock.Movements(ctx, inventory.MovementQuery{SKU: "tea-250g"})
	for _, m := range page.Movements {
		fmt.Printf("%s %+d %q\n", m.Kind, m.OnHand, m.Reason)
	}
	differences, _ := stock.Reconcile(ctx)
	fmt.Println(len(differences), "differences", err)
	// Output:
	// adjust -1 "dropped"
	// receive +10 ""
	// 0 differences <nil>
}

func ExampleOptions_events() {
	stock := open(&inventory.Options{Events: func(_ context.Context, e inventory.Event) {
		fmt.Println(e.Kind, e.Level.SKU)
	}})
	defer stock.Close()
	ctx := context.Background()
	if err := stock.Configure(ctx, inventory.Policy{Key: "policy-1", SKU: "tea-250g", ReorderPoint: 3}); err != nil {
		panic(err)
	}
	if _, err := stock.Reserve(ctx, inventory.Order{Key: "order-1", Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 8}}}); err != nil {
		panic(err)
	}
	// Output:
	// low-stock tea-250g
}

// Stock lies in two warehouses. The order goes out as one parcel if one of them has all of it.
func ExampleInventory_ReserveFrom() {
	ctx := context.Background()
	stock, err := memory.Open(nil)
	if err != nil {
		panic(err)
	}
	defer stock.Close()
	_, err = stock.Receive(ctx, inventory.Receipt{Key: "delivery", Lines: []inventory.Line{
		{SKU: "tea", Location: "north", Quantity: 1}, {SKU: "tea", Location: "south", Quantity: 3},
	}})
	if err != nil {
		panic(err)
	}
	for _, key := range []string{"order-1", "order-2"} {
		order := inventory.Order{Key: key, Lines: []inventory.Line{{SKU: "tea", Quantity: 2}}}
		hold, err := stock.ReserveFrom(ctx, order, inventory.Together("north", "south"))
		fmt.Println(hold.Lines, err)
	}
	// Output:
	// [{tea south 2}] <nil>
	// [{tea north 1} {tea south 1}] <nil>
}
