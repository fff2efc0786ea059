// Command lockbench measures the strategies of package inventory against each other, and against the floor under all
// of them, on one machine in one run:
//
//	go run ./examples/lockbench -db mariadb -workload hot -callers 1,8,64,256 -html report.html
//
// It starts the database it needs privately, or uses an empty one that is given by its data source name. After each run it compares
// the stock that is gone, the sum of the ledger and the units that callers were told they have; a figure of a run in
// which they differ is marked and fails the command. With -from it puts the JSON files of earlier runs into one report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return run(ctx, os.Args[1:], os.Stdout, os.Stderr) }
	if os.Getenv(memberVariable) != "" {
		run = func() error { return member(ctx, os.Stdin, os.Stdout) }
	}
	if err := run(); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	reports, err := readReports(s.from)
	if err != nil {
		return err
	}
	if len(reports) == 0 {
		r, err := s.run(ctx, stderr)
		if err != nil {
			return fmt.Errorf("lockbench: %w", err)
		}
		reports = []report{r}
		if s.jsonFile != "" {
			if err := bench.WriteJSON(s.jsonFile, r.Environment, r.Results); err != nil {
				return err
			}
		}
	}
	var all []error
	for _, r := range reports {
		if len(reports) > 1 {
			fmt.Fprintf(stdout, "\n%s\n", r.name())
		}
		if err := bench.Table(stdout, table(r.Results)); err != nil {
			return err
		}
		all = append(all, verdict(r.Results))
	}
	if s.htmlFile != "" {
		all = append(all, bench.WriteHTML(s.htmlFile, page(reports)))
	}
	return errors.Join(all...)
}

// run measures.
func (s *settings) run(ctx context.Context, stderr io.Writer) (r report, err error) {
	server, err := s.ready(ctx)
	if err != nil {
		return r, fmt.Errorf("%s: %w", s.engine.name, err)
	}
	defer func() { err = errors.Join(err, server.close()) }()
	r.Environment = bench.Describe()
	s.describe(&r.Environment)
	if err := s.engine.describe(ctx, server, &r.Environment); err != nil {
		return r, fmt.Errorf("%s: %w", s.engine.name, err)
	}
	bar := progress.Bar(stderr, int64(s.steps()), "starting")
	r.Results, err = measure(ctx, s, server, watcher{
		begin: func(what string) { bar.Describe(fmt.Sprintf("%-48s", what)) },
		done:  func() { _ = bar.Add(1) },
	})
	_ = bar.Finish()
	return r, err
}

// verdict is an error if the books of any run do not balance.
func verdict(results []Result) error {
	var all []error
	for _, r := range results {
		if !r.OK {
			all = append(all, fmt.Errorf("lockbench: %s, %s, %d callers: not ok: %s", r.Workload, r.Strategy, r.Callers, r.Trouble))
		}
	}
	return errors.Join(all...)
}
