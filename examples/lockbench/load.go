package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/inventory"
)

// load is one process's part of a run.
type load struct {
	Engine, DSN, Workload string
	Strategy              inventory.Strategy
	ByHand                bool   // instead of the strategy
	Prefix                string // of all SKUs and keys of the run
	Process               int
	Keys                  string // orderNumbers or randomKeys
	Callers, Pool         int
	Workers               int
	Warmup, Duration      time.Duration
}

// outcome is what a process's callers were told.
type outcome struct {
	Ops, Errors        int64
	FirstError         string
	Elapsed            time.Duration
	Latencies          *bench.Latencies
	Acknowledged       int64 // units, those of the warm-up included
	Retries, Deadlocks int64
}

// shop is an open inventory.
type shop struct {
	*inventory.Inventory
	db *sql.DB // nil in memory
}

func (l load) open(ctx context.Context, logger *slog.Logger) (*shop, error) {
	e := engineNamed(l.Engine)
	s := &shop{}
	var err error
	if e.connect != nil {
		if s.db, err = e.connect(l.DSN, l.Pool); err != nil {
			return nil, err
		}
	}
	s.Inventory, err = e.open(ctx, s.db, &inventory.Options{Strategy: l.Strategy, Workers: l.Workers, SweepInterval: -1, Retries: 100_000, Logger: logger})
	if err != nil && s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return s, err
}

func (s *shop) close() error {
	err := s.Close()
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}

// drive lets the callers buy and returns what they were told.
func (l load) drive(ctx context.Context, shop *shop, retries *retryCounter) (outcome, error) {
	w := workloadNamed(l.Workload)
	reserve := func(ctx context.Context, order inventory.Order) error {
		_, err := shop.Reserve(ctx, order)
		return err
	}
	if l.ByHand {
		reserve = newTextbook(engineNamed(l.Engine), shop.db).reserve
	}
	dices := make([]*dice, l.Callers)
	for n := range dices {
		dices[n] = newDice()
	}
	key, names := newKeys(l.Keys, l.Prefix, l.Process), w.names(l.Prefix)
	var acknowledged atomic.Int64
	sample, err := bench.Run(ctx, bench.Load{Callers: l.Callers, Duration: l.Duration, Warmup: l.Warmup}, func(ctx context.Context, caller int) error {
		order := w.order(dices[caller], names, key())
		err := reserve(ctx, order)
		if err == nil {
			acknowledged.Add(int64(len(order.Lines)))
		} else if w.units < plenty && errors.Is(err, inventory.ErrInsufficient) {
			return nil // that is an answer
		}
		return err
	})
	o := outcome{Ops: sample.Ops, Errors: sample.Errors, Elapsed: sample.Elapsed, Latencies: sample.Latencies,
		Acknowledged: acknowledged.Load(), Retries: retries.all.Load(), Deadlocks: retries.deadlocks.Load()}
	if sample.FirstErr != nil {
		o.FirstError = sample.FirstErr.Error()
	}
	return o, err
}

// retryCounter is a log handler that counts how often a transaction was tried again.
type retryCounter struct {
	deadlock       func(error) bool
	all, deadlocks atomic.Int64
}

func (e *engine) retryCounter() *retryCounter { return &retryCounter{deadlock: e.deadlock} }

func (c *retryCounter) Enabled(context.Context, slog.Level) bool { return true }
func (c *retryCounter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *retryCounter) WithGroup(string) slog.Handler            { return c }

func (c *retryCounter) Handle(_ context.Context, record slog.Record) error {
	if record.Message != "inventory: try again" {
		return nil
	}
	c.all.Add(1)
	record.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && c.deadlock(err) {
			c.deadlocks.Add(1)
		}
		return true
	})
	return nil
}
