package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/inventory"
)

// floor is what the database can do at most when nothing is decided.
type floor struct {
	name    string
	rows    int // of one statement
	callers int // those of the load, if zero
	// ledger: the rows are those that orders of the workload leave in the inventory's own ledger, with all its indexes and
	// checks, and what is counted is orders. Else they go into a table as narrow as can be, and are counted themselves.
	ledger bool
}

const floorPrefix = "floor: "

var floors = []floor{
	{name: floorPrefix + "1-row inserts", rows: 1},
	{name: floorPrefix + "256-row inserts", rows: 256, callers: 1},
	{name: floorPrefix + "ledger rows only", rows: 192, callers: 2, ledger: true}, // 64 orders of three lines
}

// floorsMeasured: plain inserts take no part in several processes or without a database.
func (s *settings) floorsMeasured() bool {
	return s.floors && s.engine.connect != nil && s.processes == 1 && s.dsn == ""
}

// writer makes the next statement that a caller sends.
type writer func(caller int) (insert string, args []any)

func (f floor) measure(ctx context.Context, s *settings, server *server, w *workload, callers int, r *Result) (sample bench.Sample, err error) {
	if f.callers > 0 {
		callers = f.callers
	}
	if f.ledger && s.engine.remote == nil {
		callers = 1 // a file has one writer
	}
	dsn, drop, err := server.newDatabase(ctx)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, drop(context.WithoutCancel(ctx))) }()
	db, err := s.engine.connect(dsn, s.poolFor(callers))
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	prepare, table := f.narrow, "lockbench_floor"
	if f.ledger {
		prepare, table = f.ledgerOf(w), "inventory_movements"
	}
	write, ops, err := prepare(ctx, s.engine, db, callers, newKeys(s.keys, "floor", 0))
	if err != nil {
		return sample, err
	}
	var acknowledged atomic.Int64
	sample, err = bench.Run(ctx, bench.Load{Callers: callers, Duration: s.duration, Warmup: s.warmup}, func(ctx context.Context, caller int) error {
		insert, args := write(caller)
		result, err := db.ExecContext(ctx, insert, args...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		acknowledged.Add(rows)
		return err
	})
	if err != nil {
		return sample, err
	}
	var stored int64
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&stored); err != nil {
		return sample, err
	}
	o := outcome{Ops: sample.Ops, Errors: sample.Errors, Acknowledged: acknowledged.Load()}
	if sample.FirstErr != nil {
		o.FirstError = sample.FirstErr.Error()
	}
	r.add(o, books{available: stored, ledger: stored}, nil)
	sample.Ops *= int64(ops)
	return sample, nil
}

// narrow makes a table that has what a ledger needs at least, and the writer of its rows.
func (f floor) narrow(ctx context.Context, e *engine, db *sql.DB, _ int, key func() string) (writer, int, error) {
	const table = "CREATE TABLE lockbench_floor (document VARCHAR(128) NOT NULL PRIMARY KEY, sku VARCHAR(128) NOT NULL, quantity BIGINT NOT NULL, at BIGINT NOT NULL)"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return nil, 0, err
	}
	rows := make([]string, f.rows)
	for n := range rows {
		rows[n] = "(" + e.placeholder(n+1) + ", 'hot', 1, 0)"
	}
	insert := "INSERT INTO lockbench_floor (document, sku, quantity, at) VALUES " + strings.Join(rows, ", ")
	return func(int) (string, []any) {
		keys := make([]any, f.rows)
		for n := range keys {
			keys[n] = key()
		}
		return insert, keys
	}, f.rows, nil
}

// ledgerOf makes the inventory's tables, and the writer of what orders of the workload leave in the ledger.
func (f floor) ledgerOf(w *workload) func(context.Context, *engine, *sql.DB, int, func() string) (writer, int, error) {
	return func(ctx context.Context, e *engine, db *sql.DB, callers int, key func() string) (writer, int, error) {
		stock, err := e.open(ctx, db, &inventory.Options{SweepInterval: -1})
		if err != nil {
			return nil, 0, err
		}
		if err := stock.Close(); err != nil {
			return nil, 0, err
		}
		dices := make([]*dice, callers)
		for n := range dices {
			dices[n] = newDice()
		}
		ops, digest, names := f.rows/len(w.pick(newDice())), make([]byte, 16), w.names("floor")
		return func(caller int) (string, []any) {
			orders := make([]inventory.Order, ops)
			for n := range orders {
				orders[n] = w.order(dices[caller], names, key())
			}
			return e.ledgerRows(orders, time.Now(), digest)
		}, ops, nil
	}
}
