// Command lockbench measures the strategies of package inventory against each other, and against the floor under all
// of them, on one machine in one run:
//
//	go run ./examples/lockbench -db mariadb -workload hot -callers 1,8,64,256 -html report.html
//
// It starts the database it needs privately, or uses an empty one that is given by its data source name. After each run it compares
// the stock that is gone, the sum of the ledger and the units that callers were told they have; a figure of a run in
// which they differ is marked and fails the command.
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

	"github.com/schollz/progressbar/v3"

	"github.com/seed82d84382/commerce/examples/internal/bench"
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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	server, err := s.engine.start(ctx, s)
	if err != nil {
		return fmt.Errorf("lockbench: %s: %w", s.engine.name, err)
	}
	defer func() { err = errors.Join(err, server.close()) }()
	environment := bench.Describe()
	s.describe(&environment)
	if err := server.describe(ctx, &environment); err != nil {
		return fmt.Errorf("lockbench: %s: %w", s.engine.name, err)
	}

	bar := progressbar.NewOptions(s.steps(), progressbar.OptionSetWriter(stderr), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	results, err := measure(ctx, s, server, func(what string) {
		bar.Describe(what)
		_ = bar.Add(1)
	})
	_ = bar.Finish()
	if err != nil {
		return fmt.Errorf("lockbench: %w", err)
	}
	if err := bench.Table(stdout, table(results)); err != nil {
		return err
	}
	if s.jsonFile != "" {
		if err := bench.WriteJSON(s.jsonFile, environment, results); err != nil {
			return err
		}
	}
	if s.htmlFile != "" {
		if err := bench.WriteHTML(s.htmlFile, page(environment, results)); err != nil {
			return err
		}
	}
	return verdict(results)
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
