// Command peerbench measures the SDK against other libraries, and against the
// floor under all of them, in one run on one machine:
//
//	go run ./examples/peerbench -area session -callers 1,16,64 -json result.json
//
// It starts the servers it needs privately. It is a module of its own, so that
// nobody else carries the libraries compared.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/progress"
	"github.com/seed82d84382/commerce/examples/peerbench/media"
	"github.com/seed82d84382/commerce/examples/peerbench/notify"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/examples/peerbench/search"
	"github.com/seed82d84382/commerce/examples/peerbench/session"
)

// areas are the comparisons there are.
var areas = []peer.Area{media.Area(&fastdfsTrackers), notify.Area, search.Area(&catalogue), session.Area}

// fastdfsTrackers is where the area media finds a FastDFS cluster.
var fastdfsTrackers string

// catalogue is the file of products that the area search indexes.
var catalogue string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("peerbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	areaName := flags.String("area", "", "what to compare: "+areaNames())
	caseNames := flags.String("case", "", "only these cases, separated by commas")
	callers := flags.String("callers", "", "only these numbers of callers, separated by commas")
	duration := flags.Duration("duration", 3*time.Second, "how long each subject is measured in each round")
	warmup := flags.Duration("warmup", 500*time.Millisecond, "how long each subject runs before it is measured")
	rounds := flags.Int("rounds", 5, "how often the subjects take turns")
	jsonFile := flags.String("json", "", "write the results to this file")
	flags.StringVar(&fastdfsTrackers, "fastdfs", "", "area media: trackers \"host:port,…\" of a FastDFS cluster that may be written to; default one in process")
	flags.StringVar(&catalogue, "products", "", "area search: `FILE` of products, JSON lines, may be compressed by gzip")
	if err := flags.Parse(args); err != nil {
		return err
	}
	settings := peer.Settings{Duration: *duration, Warmup: *warmup, Rounds: *rounds, Cases: list(*caseNames)}
	for _, text := range list(*callers) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("peerbench: -callers: %q is not a positive number", text)
		}
		settings.Callers = append(settings.Callers, n)
	}
	if *duration <= 0 || *warmup < 0 || *rounds < 1 {
		return errors.New("peerbench: -duration and -rounds must be positive, -warmup not negative")
	}
	for _, area := range areas {
		if area.Name == *areaName {
			return measure(ctx, area, settings, *jsonFile, stdout, stderr)
		}
	}
	return fmt.Errorf("peerbench: -area: there is no %q; there are: %s", *areaName, areaNames())
}

func measure(ctx context.Context, area peer.Area, settings peer.Settings, jsonFile string, stdout, stderr io.Writer) (err error) {
	environment := bench.Describe()
	environment.Settings["measured"] = fmt.Sprintf("%d rounds of %v after %v of warm-up, subjects in turns; the median round", settings.Rounds, settings.Duration, settings.Warmup)
	cases, closeAll, err := area.Open(ctx, &environment)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()

	bar := progress.Bar(stderr, -1, "starting")
	settings.After = func(done, total int, what string) {
		bar.ChangeMax(total)
		bar.Describe(what)
		_ = bar.Set(done)
	}
	results, err := peer.Run(ctx, area.Name, cases, settings)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	rows := [][]string{{"case", "callers", "subject", "ops/s", "min", "max", "p50 ms", "p99 ms", "round trips"}}
	for _, r := range results {
		trips := ""
		if r.RoundTripsPerOp != nil {
			trips = strconv.FormatFloat(*r.RoundTripsPerOp, 'f', 2, 64)
		}
		rows = append(rows, []string{r.Case, strconv.Itoa(r.Callers), r.Subject, bench.Rate(r.OpsPerSecond), bench.Rate(r.Min), bench.Rate(r.Max),
			bench.Milliseconds(r.P50), bench.Milliseconds(r.P99), trips})
	}
	if err := bench.Table(stdout, rows); err != nil {
		return err
	}
	if jsonFile == "" {
		return nil
	}
	return bench.WriteJSON(jsonFile, environment, results)
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func areaNames() string {
	names := make([]string, len(areas))
	for i, area := range areas {
		names[i] = area.Name
	}
	return strings.Join(names, ", ")
}
