package mysql_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

// It needs a server, so it is compiled and not run.
func ExampleOpen() {
	ctx := context.Background()
	db, err := sql.Open("mysql", "shop:password@tcp(127.0.0.1:3306)/shop?interpolateParams=true")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	stock, err := mysql.Open(ctx, db, &inventory.Options{Strategy: inventory.Grouped})
	if err != nil {
		panic(err)
	}
	defer stock.Close()
	hold, err := stock.Reserve(ctx, inventory.Order{Key: "order-1001", Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 2}}})
	fmt.Println(hold.State, err)
}
