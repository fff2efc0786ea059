package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

// An order and its stock are written together, in one transaction of the host, or not at all.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", sqlite.DSN(filepath.Join(dir, "shop.db")))
	if err != nil {
		panic(err)
	}
	defer db.Close()
	stock, err := sqlite.Open(ctx, db, &inventory.Options{Strategy: inventory.Grouped})
	if err != nil {
		panic(err)
	}
	defer stock.Close()
	_, err = stock.Receive(ctx, inventory.Receipt{Key: "delivery-1", Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 10}}})
	if err != nil {
		panic(err)
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE orders (id TEXT PRIMARY KEY)"); err != nil {
		panic(err)
	}
	if err := placeOrder(ctx, db, stock, "order-1001"); err != nil {
		panic(err)
	}
	level, err := stock.Level(ctx, "tea-250g", "")
	fmt.Println(level.OnHand, level.Reserved, err)
	// Output: 10 2 <nil>
}

func placeOrder(ctx context.Context, db *sql.DB, stock *inventory.Inventory, id string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES (?)", id); err != nil {
		return err
	}
	_, err = stock.ReserveTx(ctx, tx, inventory.Order{Key: id, Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 2}}})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func ExampleDSN() {
	fmt.Println(sqlite.DSN("data/shop.db"))
	// Output: file:data/shop.db?_pragma=busy_timeout%2810000%29&_pragma=journal_mode%28WAL%29&_pragma=synchronous%28FULL%29&_txlock=immediate
}
