package postgres_test

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

// It needs a server, so it is compiled and not run.
func ExampleOpen() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://shop:password@127.0.0.1:5432/shop")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	stock, err := postgres.Open(ctx, db, &inventory.Options{Strategy: inventory.Grouped})
	if err != nil {
		panic(err)
	}
	defer stock.Close()
	hold, err := stock.Reserve(ctx, inventory.Order{Key: "order-1001", Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 2}}})
	fmt.Println(hold.State, err)
}
