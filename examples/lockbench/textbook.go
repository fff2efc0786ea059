package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/inventory"
)

// textbook is the transaction that is usually written by hand, on the inventory's own tables and as complete as an order of the
// inventory's: BEGIN, SELECT … FOR UPDATE, INSERT, UPDATE, COMMIT, five round trips for any number of lines, each of which
// is of one unit, as in all workloads. Its rows are locked in order. It shows what the strategies save beyond it.
type textbook struct {
	engine *engine
	db     *sql.DB
	digest []byte // stands for that of an order
}

func newTextbook(e *engine, db *sql.DB) *textbook { return &textbook{e, db, make([]byte, 16)} }

const holdTime = 15 * time.Minute // as the inventory's default

func (t *textbook) reserve(ctx context.Context, order inventory.Order) (err error) {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if failed := tx.Rollback(); !errors.Is(failed, sql.ErrTxDone) {
			err = errors.Join(err, failed)
		}
	}()
	skus := make([]any, len(order.Lines))
	for n, line := range order.Lines {
		skus[n] = line.SKU
	}
	if err := t.lock(ctx, tx, skus); err != nil {
		return err
	}
	now := time.Now()
	insert, args := t.engine.ledgerRows([]inventory.Order{order}, now, t.digest)
	if _, err := tx.ExecContext(ctx, insert, args...); err != nil {
		return err
	}
	update := "UPDATE inventory_levels" + t.engine.primary + " SET reserved = reserved + 1, version = version + 1, updated_at = " + t.engine.placeholder(len(skus)+1) +
		" WHERE location = 'main' AND sku IN (" + t.engine.placeholders(1, len(skus)) + ")"
	args = append(skus, now.UnixMicro())
	if !t.engine.numbered { // then they come in the order of the text
		args = append([]any{now.UnixMicro()}, skus...)
	}
	if _, err := tx.ExecContext(ctx, update, args...); err != nil {
		return err
	}
	return tx.Commit()
}

// lock makes sure that there is a unit of each SKU, and that nobody else takes it.
func (t *textbook) lock(ctx context.Context, tx *sql.Tx, skus []any) error {
	rows, err := tx.QueryContext(ctx, "SELECT sku, on_hand - reserved - safety_stock + backorder_limit FROM inventory_levels"+t.engine.primary+
		" WHERE location = 'main' AND sku IN ("+t.engine.placeholders(1, len(skus))+") ORDER BY sku FOR UPDATE", skus...)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := 0
	for ; rows.Next(); found++ {
		var sku string
		var sellable int64
		if err := rows.Scan(&sku, &sellable); err != nil {
			return err
		}
		if sellable < 1 {
			return &inventory.InsufficientError{SKU: sku, Location: inventory.DefaultLocation, Want: 1, Available: max(0, sellable)}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if found != len(skus) {
		return fmt.Errorf("%d of %d SKUs are there", found, len(skus))
	}
	return nil
}

// placeholders are so many from the given number on, separated by commas.
func (e *engine) placeholders(first, count int) string {
	all := make([]string, count)
	for n := range all {
		all[n] = e.placeholder(first + n)
	}
	return strings.Join(all, ", ")
}

// ledgerRows is the statement that writes the ledger's rows of orders as the inventory does.
func (e *engine) ledgerRows(orders []inventory.Order, now time.Time, digest []byte) (insert string, args []any) {
	var rows []string
	row := func(values ...any) {
		rows = append(rows, "("+e.placeholders(len(args)+1, len(values))+")")
		args = append(args, values...)
	}
	for _, order := range orders {
		for n, line := range order.Lines {
			if n == 0 {
				row(order.Key, n+1, line.SKU, line.Quantity, now.UnixMicro(), digest, now.Add(holdTime).UnixMicro())
			} else {
				row(order.Key, n+1, line.SKU, line.Quantity, now.UnixMicro(), nil, nil)
			}
		}
	}
	return "INSERT INTO inventory_movements (request_key, line, sku, reserved, at, hash, expires_at) VALUES " + strings.Join(rows, ", "), args
}
