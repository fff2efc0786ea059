package main

import (
	"fmt"
	"strconv"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/inventory"
)

var head = []string{"workload", "callers", "strategy", "connections", "ops/s", "min", "max", "ratio", "p50 ms", "p99 ms", "retries", "deadlocks", "ok"}

// table shows every result, with its ratio to pessimistic under the same load.
func table(results []Result) [][]string {
	base := map[string]float64{}
	for _, r := range results {
		if r.Strategy == inventory.Pessimistic.String() {
			base[r.load()] = r.OpsPerSecond
		}
	}
	rows := [][]string{head}
	for _, r := range results {
		ratio := ""
		if b := base[r.load()]; b > 0 {
			ratio = strconv.FormatFloat(r.OpsPerSecond/b, 'f', 2, 64)
		}
		ok := "ok"
		if !r.OK {
			ok = "NOT OK"
		}
		rows = append(rows, []string{r.Workload, r.callersText(), r.Strategy, strconv.Itoa(r.Pool),
			bench.Rate(r.OpsPerSecond), bench.Rate(r.Min), bench.Rate(r.Max), ratio,
			bench.Milliseconds(r.P50), bench.Milliseconds(r.P99), strconv.FormatInt(r.Retries, 10), strconv.FormatInt(r.Deadlocks, 10), ok})
	}
	return rows
}

func (r Result) load() string { return r.Workload + " " + r.callersText() }

func (r Result) callersText() string {
	if r.Processes == 1 {
		return strconv.Itoa(r.Callers)
	}
	return fmt.Sprintf("%d × %d", r.Processes, r.Callers)
}

// page is the report: for each workload throughput and latency against callers, and the figures.
func page(environment bench.Environment, results []Result) bench.Page {
	p := bench.Page{
		Title: "Inventory: locking strategies on " + results[0].DB,
		Intro: "Reservations per second and how long a caller waits. Every reservation writes its ledger row in the same transaction, and was " +
			"checked after its run: stock that is gone = sum of the ledger = units acknowledged. The ratio is to “pessimistic” under the same load. " +
			"The lines of the plots have a mark at the median round and a bar from the slowest round to the fastest.",
		Environment: environment,
	}
	for _, w := range workloads {
		var own []Result
		for _, r := range results {
			if r.Workload == w.name {
				own = append(own, r)
			}
		}
		if len(own) == 0 {
			continue
		}
		p.Sections = append(p.Sections, bench.Section{Title: w.name, Text: w.text, Table: table(own), Plots: []bench.Plot{
			{Title: "Throughput", XLabel: "callers", YLabel: "operations per second", Lines: lines(own, func(r Result) bench.Point {
				return bench.Point{Y: r.OpsPerSecond, Low: r.Min, High: r.Max}
			})},
			{Title: "Latency, 99th percentile", XLabel: "callers", YLabel: "milliseconds", Lines: lines(own, func(r Result) bench.Point {
				return bench.Point{Y: r.P99}
			})},
		}})
	}
	return p
}

// lines are one for each strategy, in the order of the results.
func lines(results []Result, point func(Result) bench.Point) []bench.Line {
	var all []bench.Line
	index := map[string]int{}
	for _, r := range results {
		n, known := index[r.Strategy]
		if !known {
			n = len(all)
			index[r.Strategy] = n
			all = append(all, bench.Line{Name: r.Strategy})
		}
		at := point(r)
		at.X = float64(r.Callers * r.Processes)
		all[n].Points = append(all[n].Points, at)
	}
	return all
}
