package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/memory"
)

func ExampleOpen() {
	ctx := context.Background()
	stock, err := memory.Open(nil)
	if err != nil {
		panic(err)
	}
	defer stock.Close()

	_, err = stock.Receive(ctx, inventory.Receipt{Key: "delivery-7", Lines: []inventory.Line{
		{SKU: "tea-250g", Quantity: 3}, {SKU: "cup", Quantity: 1}}})
	if err != nil {
		panic(err)
	}
	hold, err := stock.Reserve(ctx, inventory.Order{Key: "order-1001", TTL: 10 * time.Minute,
		Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 2}, {SKU: "cup", Quantity: 1}}})
	if err != nil {
		panic(err)
	}
	fmt.Println(hold.State, hold.Lines)

	_, err = stock.Reserve(ctx, inventory.Order{Key: "order-1002", Lines: []inventory.Line{{SKU: "cup", Quantity: 1}}})
	if short, ok := errors.AsType[*inventory.InsufficientError](err); ok {
		fmt.Println(short.SKU, "wanted", short.Want, "available", short.Available)
	}

	fmt.Println(stock.Commit(ctx, hold.Key))
	level, err := stock.Level(ctx, "tea-250g", "")
	fmt.Println(level.OnHand, level.Reserved, level.Available(), err)
	// Output:
	// held [{cup main 1} {tea-250g main 2}]
	// cup wanted 1 available 0
	// <nil>
	// 1 0 1 <nil>
}
