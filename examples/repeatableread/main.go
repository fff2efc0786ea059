// Command repeatableread shows why a compare-and-set must not be tried again inside a REPEATABLE READ transaction, on a MariaDB
// that it starts privately:
//
//	go run ./examples/repeatableread
//
// docs/repeatable-read.md explains what it prints.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/inventory"
	stocks "github.com/seed82d84382/commerce/inventory/mysql"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "repeatableread:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	server, err := testenv.MariaDB(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	dsn, _, err := server.NewDatabase(ctx)
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE goods (sku VARCHAR(20) PRIMARY KEY, stock INT NOT NULL)"); err != nil {
		return err
	}
	for _, level := range []sql.IsolationLevel{sql.LevelRepeatableRead, sql.LevelReadCommitted} {
		if err := retryInside(ctx, out, db, level); err != nil {
			return err
		}
	}
	return withThePackage(ctx, out, dsn)
}

const tries = 5

// retryInside sells one unit by compare-and-set, and tries again inside the transaction when somebody else was faster.
func retryInside(ctx context.Context, out io.Writer, db *sql.DB, level sql.IsolationLevel) error {
	if _, err := db.ExecContext(ctx, "REPLACE INTO goods VALUES ('tea', 10)"); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	fmt.Fprintf(out, "\n%s\n", level)
	for try := 1; try <= tries; try++ {
		var seen, there int64
		if err := tx.QueryRowContext(ctx, "SELECT stock FROM goods WHERE sku = 'tea'").Scan(&seen); err != nil {
			return err
		}
		if try == 1 { // now another connection sells one, and commits
			if _, err := db.ExecContext(ctx, "UPDATE goods SET stock = stock - 1 WHERE sku = 'tea'"); err != nil {
				return err
			}
		}
		if err := db.QueryRowContext(ctx, "SELECT stock FROM goods WHERE sku = 'tea'").Scan(&there); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "UPDATE goods SET stock = ? WHERE sku = 'tea' AND stock = ?", seen-1, seen)
		if e, ok := errors.AsType[*mysql.MySQLError](err); ok { // innodb_snapshot_isolation, on by default from MariaDB 11.6.2
			fmt.Fprintf(out, "  try %d: sees %d, there are %d: error %d\n", try, seen, there, e.Number)
			return nil
		}
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  try %d: sees %d, there are %d: %d rows changed\n", try, seen, there, changed)
		if changed == 1 {
			fmt.Fprintln(out, "  sold")
			return tx.Commit()
		}
	}
	fmt.Fprintln(out, "  gave up: the snapshot is of the first read, and stays so")
	return nil
}

// withThePackage sells by the optimistic strategy from many callers, on connections whose level is REPEATABLE READ.
func withThePackage(ctx context.Context, out io.Writer, dsn string) error {
	db, err := sql.Open("mysql", dsn+"?tx_isolation=%27REPEATABLE-READ%27")
	if err != nil {
		return err
	}
	defer db.Close()
	stock, err := stocks.Open(ctx, db, &inventory.Options{Strategy: inventory.Optimistic})
	if err != nil {
		return err
	}
	defer stock.Close()
	if _, err := stock.Set(ctx, inventory.Count{Key: "count", SKU: "tea", OnHand: 10}); err != nil {
		return err
	}
	answers := make(chan error)
	for caller := range 20 {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			_, err := stock.Reserve(ctx, inventory.Order{Key: fmt.Sprint("order ", caller), Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
			answers <- err
		}()
	}
	sold, refused := 0, 0
	var trouble error
	for range 20 {
		switch err := <-answers; {
		case err == nil:
			sold++
		case errors.Is(err, inventory.ErrInsufficient):
			refused++
		default:
			trouble = errors.Join(trouble, err)
		}
	}
	fmt.Fprintf(out, "\ninventory.Optimistic on connections that are REPEATABLE READ\n  20 callers, 10 units: %d sold, %d refused\n", sold, refused)
	return trouble
}
