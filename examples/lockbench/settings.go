package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/inventory"
)

// settings are what the flags say.
type settings struct {
	engine             *engine
	dsn                string // of a database that runs already
	strategies         []strategy
	workloads          []string
	callers            []int
	duration, warmup   time.Duration
	rounds             int
	processes, pool    int
	workers            int
	keys               string
	delay              time.Duration
	isolation          string
	binlog, floors     bool
	jsonFile, htmlFile string
	from               []string // JSON files of earlier runs
}

// strategy is one way of locking as it is compared.
type strategy struct {
	name     string
	locking  inventory.Strategy
	bestPool bool // with as many connections as serve it best
	byHand   bool // without the inventory, see textbook.go
}

var strategies = []strategy{
	{name: "textbook", byHand: true},
	{name: "pessimistic", locking: inventory.Pessimistic},
	{name: "pessimistic, best pool", locking: inventory.Pessimistic, bestPool: true},
	{name: "optimistic", locking: inventory.Optimistic},
	{name: "conditional", locking: inventory.Conditional},
	{name: "grouped", locking: inventory.Grouped},
}

// chosenBy is the name that chooses the strategy on the command line.
func (s strategy) chosenBy() string {
	if s.byHand {
		return s.name
	}
	return s.locking.String()
}

var isolations = []string{"READ-UNCOMMITTED", "READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"}

func parse(args []string, stderr io.Writer) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("lockbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	db := flags.String("db", "mariadb", strings.Join(engineNames(), ", ")+", started privately, or the data source name of an empty database")
	names := flags.String("strategy", "all", "all, or some of grouped, conditional, optimistic, pessimistic, separated by commas; and textbook, a transaction of five round trips written by hand, on a server")
	loads := flags.String("workload", "hot", "all, or some of "+strings.Join(workloadNames(), ", ")+", separated by commas")
	callers := flags.String("callers", "1,8,64,256", "numbers of callers in each process, separated by commas")
	flags.DurationVar(&s.duration, "duration", 3*time.Second, "how long each strategy is measured in each round")
	flags.DurationVar(&s.warmup, "warmup", 300*time.Millisecond, "how long each runs before it is measured")
	flags.IntVar(&s.rounds, "rounds", 3, "how often the strategies take turns")
	flags.IntVar(&s.processes, "processes", 1, "processes at once, each with its own callers, connections and groups")
	flags.IntVar(&s.pool, "pool", 0, "connections of each process; 0 for as many as callers")
	flags.IntVar(&s.workers, "workers", 0, "groups under way at once in each process; 0 for the default")
	flags.StringVar(&s.keys, "keys", orderNumbers, "keys of the orders: "+orderNumbers+", which ascend as those of a shop do, or "+randomKeys)
	flags.DurationVar(&s.delay, "delay", 0, "how much longer a round trip to the database takes")
	flags.StringVar(&s.isolation, "isolation", "", "the server's default isolation level: "+strings.Join(isolations, ", "))
	flags.BoolVar(&s.binlog, "binlog", false, "let the server write its binary log and sync it at every commit")
	flags.BoolVar(&s.floors, "floors", true, "also measure plain inserts, the floor under every strategy")
	flags.StringVar(&s.jsonFile, "json", "", "write the results to this file")
	flags.StringVar(&s.htmlFile, "html", "", "write a report with plots to this file")
	from := flags.String("from", "", "measure nothing; make the table and the report of these JSON files, separated by commas")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("lockbench: there are no arguments but flags; found %q", flags.Arg(0))
	}
	s.from = list(*from)
	if s.engine, s.dsn, err = findEngine(*db); err != nil {
		return nil, err
	}
	if s.strategies, err = chooseStrategies(s.engine, *names); err != nil {
		return nil, err
	}
	if s.workloads, err = choose("-workload", *loads, workloadNames()); err != nil {
		return nil, err
	}
	for _, text := range list(*callers) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100_000 {
			return nil, fmt.Errorf("lockbench: -callers: %q is not a number from 1 to 100000", text)
		}
		s.callers = append(s.callers, n)
	}
	return s, s.check()
}

func (s *settings) check() error {
	s.isolation = strings.ReplaceAll(strings.ToUpper(s.isolation), " ", "-")
	switch {
	case len(s.callers) == 0:
		return errors.New("lockbench: -callers: none given")
	case s.duration <= 0 || s.warmup < 0 || s.rounds < 1:
		return errors.New("lockbench: -duration and -rounds must be positive, -warmup not negative")
	case s.processes < 1 || s.pool < 0 || s.workers < 0 || s.delay < 0:
		return errors.New("lockbench: -processes must be positive, -pool, -workers and -delay not negative")
	case s.keys != orderNumbers && s.keys != randomKeys:
		return fmt.Errorf("lockbench: -keys: there is no %q; there are: %s, %s", s.keys, orderNumbers, randomKeys)
	case s.processes > 1 && s.engine.private:
		return fmt.Errorf("lockbench: -processes: %s belongs to one process", s.engine.name)
	case s.delay > 0 && s.engine.remote == nil:
		return fmt.Errorf("lockbench: -delay: there is no network between us and %s", s.engine.name)
	case (s.binlog || s.isolation != "") && (s.engine.remote == nil || s.dsn != ""):
		return errors.New("lockbench: -isolation and -binlog are for a server that lockbench starts")
	case s.binlog && s.engine.remote.binlog == nil:
		return fmt.Errorf("lockbench: -binlog: %s has no binary log", s.engine.name)
	case s.isolation != "" && !slices.Contains(isolations, s.isolation):
		return fmt.Errorf("lockbench: -isolation: there is no %q; there are: %s", s.isolation, strings.Join(isolations, ", "))
	}
	return nil
}

// chooseStrategies knows those that make sense on the engine: one of hand-made round trips needs a network.
func chooseStrategies(e *engine, text string) ([]strategy, error) {
	var there, chosen []strategy
	var names []string
	for _, strategy := range strategies {
		if strategy.byHand && e.remote == nil {
			continue
		}
		if there = append(there, strategy); !strategy.bestPool {
			names = append(names, strategy.chosenBy())
		}
	}
	names, err := choose("-strategy", text, names)
	for _, strategy := range there {
		if slices.Contains(names, strategy.chosenBy()) {
			chosen = append(chosen, strategy)
		}
	}
	return chosen, err
}

// choose returns the names in a list separated by commas; "all" are all there are.
func choose(flag, text string, all []string) ([]string, error) {
	names := list(text)
	if slices.Equal(names, []string{"all"}) {
		return all, nil
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("lockbench: %s: there is no %q; there are: %s", flag, name, strings.Join(all, ", "))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("lockbench: %s: none given; there are: %s", flag, strings.Join(all, ", "))
	}
	return names, nil
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

const roundTrip = "round trip" // the name of a setting

func (s *settings) describe(environment *bench.Environment) {
	environment.Settings["measured"] = fmt.Sprintf("%d rounds of %v after %v of warm-up, strategies in turns; the median round", s.rounds, s.duration, s.warmup)
	environment.Settings["keys"] = s.keys
	environment.Settings["processes"] = strconv.Itoa(s.processes)
	if s.delay > 0 {
		environment.Settings[roundTrip] = "longer by " + s.delay.String()
	}
	if s.workers > 0 {
		environment.Settings["workers"] = strconv.Itoa(s.workers)
	}
	if s.pool > 0 {
		environment.Settings["connections"] = strconv.Itoa(s.pool)
	}
}
