package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/seed82d84382/commerce/examples/internal/bench"
)

// floor is what the database can do at most when nothing is decided: plain inserts into a table as wide as a ledger row.
type floor struct {
	name string
	rows int  // of one statement
	one  bool // from one caller only
}

const floorPrefix = "floor: "

var floors = []floor{
	{name: floorPrefix + "1-row inserts", rows: 1},
	{name: floorPrefix + "256-row inserts", rows: 256, one: true},
}

// floorsMeasured: plain inserts take no part in several processes or without a database.
func (s *settings) floorsMeasured() bool {
	return s.floors && s.engine.connect != nil && s.processes == 1 && s.dsn == ""
}

func (f floor) measure(ctx context.Context, s *settings, server *server, callers int, r *Result) (sample bench.Sample, err error) {
	if f.one {
		callers = 1
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
	const table = "CREATE TABLE lockbench_floor (document VARCHAR(128) NOT NULL PRIMARY KEY, sku VARCHAR(128) NOT NULL, quantity BIGINT NOT NULL, at BIGINT NOT NULL)"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return sample, err
	}
	insert := "INSERT INTO lockbench_floor (document, sku, quantity, at) VALUES (?, 'hot', 1, 0)" + strings.Repeat(", (?, 'hot', 1, 0)", f.rows-1)
	var next, acknowledged atomic.Int64
	sample, err = bench.Run(ctx, bench.Load{Callers: callers, Duration: s.duration, Warmup: s.warmup}, func(ctx context.Context, caller int) error {
		keys := make([]any, f.rows)
		first := next.Add(int64(f.rows))
		for n := range keys {
			keys[n] = fmt.Sprintf("order/%d/%d", caller, first+int64(n))
		}
		_, err := db.ExecContext(ctx, insert, keys...)
		if err == nil {
			acknowledged.Add(int64(f.rows))
		}
		return err
	})
	if err != nil {
		return sample, err
	}
	var stored int64
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM lockbench_floor").Scan(&stored); err != nil {
		return sample, err
	}
	o := outcome{Ops: sample.Ops, Errors: sample.Errors, Acknowledged: acknowledged.Load()}
	if sample.FirstErr != nil {
		o.FirstError = sample.FirstErr.Error()
	}
	r.add(o, books{available: stored, ledger: stored}, nil)
	sample.Ops *= int64(f.rows)
	return sample, nil
}
