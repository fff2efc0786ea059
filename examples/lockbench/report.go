package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/inventory"
)

// report is a run, as its JSON file has it.
type report struct {
	Environment bench.Environment `json:"environment"`
	Results     []Result          `json:"results"`
}

func readReports(paths []string) ([]report, error) {
	var all []report
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("lockbench: -from: %w", err)
		}
		var r report
		if err := json.Unmarshal(content, &r); err != nil || len(r.Results) == 0 {
			return nil, fmt.Errorf("lockbench: -from: %s is no report of lockbench", path)
		}
		all = append(all, r)
	}
	return all, nil
}

var head = []string{"strategy", "callers", "ops/s", "ratio", "min", "max", "p50 ms", "p99 ms", "retries", "deadlocks", "connections", "ok"}

// table shows results of one workload or of several, with the ratio to pessimistic under the same load.
func table(results []Result) [][]string {
	base := map[string]float64{}
	several := false
	for _, r := range results {
		if r.Strategy == inventory.Pessimistic.String() {
			base[r.load()] = r.OpsPerSecond
		}
		several = several || r.Workload != results[0].Workload
	}
	rows := [][]string{head}
	if several {
		rows[0] = slices.Concat([]string{"workload"}, head)
	}
	for n, r := range results {
		ratio := ""
		if b := base[r.load()]; b > 0 && !r.isFloor() {
			ratio = strconv.FormatFloat(r.OpsPerSecond/b, 'f', 2, 64)
		}
		ok := "ok"
		if !r.OK {
			ok = "NOT OK"
		}
		row := []string{r.Strategy, r.callersText(), bench.Rate(r.OpsPerSecond), ratio, bench.Rate(r.Min), bench.Rate(r.Max),
			bench.Milliseconds(r.P50), bench.Milliseconds(r.P99), strconv.FormatInt(r.Retries, 10), strconv.FormatInt(r.Deadlocks, 10),
			strconv.Itoa(r.Pool), ok}
		if several {
			row = slices.Concat([]string{r.Workload}, row)
		}
		if n > 0 && r.load() != results[n-1].load() {
			rows = append(rows, nil)
		}
		rows = append(rows, row)
	}
	return rows
}

func (r Result) load() string { return r.Workload + " " + r.callersText() }

func (r Result) isFloor() bool { return strings.HasPrefix(r.Strategy, floorPrefix) }

func (r Result) callersText() string {
	if r.Processes == 1 {
		return strconv.Itoa(r.Callers)
	}
	return fmt.Sprintf("%d × %d", r.Processes, r.Callers)
}

// page is the report: for each workload throughput and latency against callers, and the figures.
func page(reports []report) bench.Page {
	p := bench.Page{
		Title: "Inventory: locking strategies",
		Intro: "Reservations per second, and how long a caller waits for one. Every reservation writes its ledger row in the same transaction. " +
			"After each run three figures must be the same: the stock that is gone, the sum of the ledger, and the units that callers were told they have. " +
			"“ops/s” is the median round, “min” and “max” are the slowest and the fastest; the plots show the three as a mark with a bar. " +
			"“ratio” is to “pessimistic” under the same load. “best pool” is pessimistic with as many connections as serve it best. " +
			"“textbook” is the transaction that is usually written by hand: five round trips, without this package, on the same tables. " +
			"A floor is what the database does when nothing is decided: inserts of 1 row or of 256 into a table as narrow as can be, in rows per second, " +
			"and “ledger rows only”, what the same orders leave in the ledger, 192 rows at a time, in orders per second.",
		Environment: common(reports),
	}
	for _, r := range reports {
		for _, w := range workloads {
			own := slices.DeleteFunc(slices.Clone(r.Results), func(result Result) bool { return result.Workload != w.name })
			if len(own) == 0 {
				continue
			}
			p.Sections = append(p.Sections, bench.Section{
				Title: r.name() + ": " + w.name, Text: w.text + special(r, p.Environment), Table: table(own), Plots: plots(own),
			})
		}
	}
	return p
}

// name is the database's, and that of what else sets the run apart.
func (r report) name() string {
	name := r.Results[0].DB
	if e := engineNamed(name); e != nil {
		name = e.title
	}
	if r.Environment.Settings["log_bin"] == "ON" {
		name += " with binary log"
	}
	if trip := r.Environment.Settings[roundTrip]; trip != "" {
		name += ", round trip " + trip
	}
	if n := r.Results[0].Processes; n > 1 {
		name += fmt.Sprintf(", %d processes", n)
	}
	if r.Environment.Settings["keys"] == randomKeys {
		name += ", random keys"
	}
	return name
}

// common is what holds for all reports.
func common(reports []report) bench.Environment {
	e := reports[0].Environment
	e.Versions, e.Settings = map[string]string{}, map[string]string{}
	shared := func(into map[string]string, of func(bench.Environment) map[string]string) {
		for name, value := range of(reports[0].Environment) {
			if !slices.ContainsFunc(reports, func(r report) bool { return of(r.Environment)[name] != value }) {
				into[name] = value
			}
		}
	}
	shared(e.Versions, func(e bench.Environment) map[string]string { return e.Versions })
	shared(e.Settings, func(e bench.Environment) map[string]string { return e.Settings })
	return e
}

// special is what holds for a report only.
func special(r report, common bench.Environment) string {
	var all []string
	for name, value := range r.Environment.Versions {
		if common.Versions[name] != value {
			all = append(all, name+" "+value)
		}
	}
	for name, value := range r.Environment.Settings {
		if common.Settings[name] != value {
			all = append(all, name+": "+value)
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return " Here: " + strings.Join(all, "; ") + "."
}

func plots(results []Result) []bench.Plot {
	return []bench.Plot{
		{Title: "Throughput", XLabel: "callers", YLabel: "operations per second", Lines: lines(results, func(r Result) bench.Point {
			return bench.Point{Y: r.OpsPerSecond, Low: r.Min, High: r.Max}
		})},
		{Title: "Latency, 99th percentile", XLabel: "callers", YLabel: "milliseconds", Lines: lines(results, func(r Result) bench.Point {
			return bench.Point{Y: r.P99}
		})},
	}
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
			all = append(all, bench.Line{Name: r.Strategy, Dashed: r.isFloor()})
		}
		at := point(r)
		at.X = float64(r.Callers * r.Processes)
		all[n].Points = append(all[n].Points, at)
	}
	return all
}
