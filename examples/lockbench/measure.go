package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/inventory"
)

// Result is a line of the report: one strategy under one load, over all rounds.
type Result struct {
	DB        string `json:"db"`
	Strategy  string `json:"strategy"`
	Workload  string `json:"workload"`
	Callers   int    `json:"callers"` // of each process
	Processes int    `json:"processes"`
	Pool      int    `json:"pool,omitempty"` // connections of each process
	bench.Summary
	Retries        int64  `json:"retries"`
	Deadlocks      int64  `json:"deadlocks"`
	Acknowledged   int64  `json:"acknowledged"`    // units that callers were told they have
	StockDecrement int64  `json:"stock_decrement"` // units that are gone from the levels
	LedgerSum      int64  `json:"ledger_sum"`      // units in the ledger
	Oversold       int64  `json:"oversold"`        // units held that are not there
	OK             bool   `json:"ok"`
	Trouble        string `json:"trouble,omitempty"` // why it is not ok
}

// pools are the numbers of connections that the best is chosen from.
var pools = []int{2, 4, 8, 16, 32}

const poolTrial = 500 * time.Millisecond // at most

func (s *settings) steps() int {
	perCallers := len(s.strategies)
	if s.floorsMeasured() {
		perCallers += len(floors)
	}
	return len(s.workloads) * len(s.callers) * s.rounds * perCallers
}

// watcher is told of every step before it and after it.
type watcher struct {
	begin func(what string)
	done  func()
}

// measure lets the strategies take turns under each load.
func measure(ctx context.Context, s *settings, server *server, w watcher) ([]Result, error) {
	var results []Result
	for _, name := range s.workloads {
		for _, callers := range s.callers {
			more, err := measureLoad(ctx, s, server, name, callers, w)
			if err != nil {
				return nil, fmt.Errorf("%s, %d callers: %w", name, callers, err)
			}
			results = append(results, more...)
		}
	}
	return results, nil
}

func measureLoad(ctx context.Context, s *settings, server *server, workload string, callers int, w watcher) ([]Result, error) {
	results := make([]Result, 0, len(s.strategies)+len(floors))
	var subjects []bench.Subject
	subject := func(name string, pool int, measure func(context.Context, *Result) (bench.Sample, error)) {
		results = append(results, Result{DB: s.engine.name, Strategy: name, Workload: workload, Callers: callers, Processes: s.processes, Pool: pool, OK: true})
		r := &results[len(results)-1]
		subjects = append(subjects, bench.Subject{Name: name, Measure: func(ctx context.Context) (bench.Sample, error) {
			w.begin(fmt.Sprintf("%s, %s callers, %s", workload, r.callersText(), name))
			return measure(ctx, r)
		}})
	}
	for _, strategy := range s.strategies {
		l := load{Engine: s.engine.name, Workload: workload, Keys: s.keys, Strategy: strategy.locking, ByHand: strategy.byHand, Callers: callers, Pool: s.poolFor(callers),
			Workers: s.workers, Warmup: s.warmup, Duration: s.duration}
		if strategy.bestPool {
			w.begin(fmt.Sprintf("%s, %d callers, best pool", workload, callers))
			var err error
			if l.Pool, err = bestPool(ctx, s, server, l); err != nil {
				return nil, err
			}
		}
		subject(strategy.name, l.Pool, func(ctx context.Context, r *Result) (bench.Sample, error) { return sell(ctx, s, server, l, r) })
	}
	if s.floorsMeasured() {
		for _, floor := range floors {
			subject(floor.name, s.poolFor(callers), func(ctx context.Context, r *Result) (bench.Sample, error) {
				return floor.measure(ctx, s, server, workloadNamed(workload), callers, r)
			})
		}
	}
	samples, err := bench.Interleave(ctx, s.rounds, subjects, func(bench.Round) { w.done() })
	for n := range results {
		results[n].Summary = bench.Summarize(samples[results[n].Strategy])
	}
	return results, err
}

func (s *settings) poolFor(callers int) int {
	if s.pool > 0 {
		return s.pool
	}
	return callers + 1 // and one for what the inventory does by itself
}

// bestPool tries a few sizes briefly.
func bestPool(ctx context.Context, s *settings, server *server, l load) (best int, err error) {
	best = l.Pool
	var most float64
	l.Duration = min(poolTrial, s.duration)
	l.Warmup = l.Duration / 5
	for _, size := range append([]int{l.Pool}, pools...) {
		if size > l.Pool {
			continue
		}
		l.Pool = size
		sample, err := sell(ctx, s, server, l, new(Result))
		if err != nil {
			return 0, err
		}
		if rate := sample.OpsPerSecond(); rate > most {
			best, most = size, rate
		}
	}
	return best, nil
}

// sell makes one run in a database of its own and adds what came of it to the result.
func sell(ctx context.Context, s *settings, server *server, l load, r *Result) (sample bench.Sample, err error) {
	dsn, drop, err := server.newDatabase(ctx)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, drop(context.WithoutCancel(ctx))) }()
	l.DSN, l.Prefix = dsn, strings.ToLower(rand.Text()[:10])
	retries := s.engine.retryCounter()
	shop, err := l.open(ctx, slog.New(retries))
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, shop.close()) }()
	if err := workloadNamed(l.Workload).stock(ctx, shop.Inventory, l.Prefix); err != nil {
		return sample, err
	}
	before, err := shop.books(ctx, l.Prefix)
	if err != nil {
		return sample, err
	}
	var o outcome
	if s.processes > 1 {
		o, err = together(ctx, l, s.processes)
	} else {
		o, err = l.drive(ctx, shop, retries)
	}
	if err != nil {
		return sample, err
	}
	after, err := shop.books(ctx, l.Prefix)
	if err != nil {
		return sample, err
	}
	differences, err := shop.Reconcile(ctx)
	if err != nil {
		return sample, err
	}
	r.add(o, books{before.available - after.available, after.ledger, after.oversold}, differences)
	return bench.Sample{Ops: o.Ops, Errors: o.Errors, Elapsed: o.Elapsed, Latencies: o.Latencies}, nil
}

// add takes a run into the result and says whether its books balance.
func (r *Result) add(o outcome, gone books, differences []inventory.Difference) {
	r.Retries += o.Retries
	r.Deadlocks += o.Deadlocks
	r.Acknowledged += o.Acknowledged
	r.StockDecrement += gone.available
	r.LedgerSum += gone.ledger
	r.Oversold += gone.oversold
	trouble := ""
	switch {
	case o.Errors > 0:
		trouble = fmt.Sprintf("%d calls failed, the first with: %s", o.Errors, o.FirstError)
	case o.Ops == 0:
		trouble = "no call ended in time"
	case gone.available != o.Acknowledged || gone.ledger != o.Acknowledged:
		trouble = fmt.Sprintf("%d units acknowledged, %d gone from stock, %d in the ledger", o.Acknowledged, gone.available, gone.ledger)
	case gone.oversold != 0:
		trouble = fmt.Sprintf("%d units oversold", gone.oversold)
	case len(differences) > 0:
		trouble = fmt.Sprintf("levels and ledger differ at %d places", len(differences))
	}
	if trouble != "" && r.OK {
		r.OK, r.Trouble = false, trouble
	}
}
