// Command relevance measures a search by judgements:
//
//	go run ./examples/relevance -products products.ndjson.gz -judgements judgements.tsv -engine bleve -json result.json -html result.html
//
// It indexes the products with the default options, runs every judged query, and
// prints NDCG@10, judged-only NDCG@10, recall@100 and the worst queries. -baseline compares
// with the JSON of an earlier run, query by query.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/examples/internal/progress"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/searchtest/relevance"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "relevance:", err)
		}
		stop()
		os.Exit(1)
	}
}

// Result is a line of the JSON.
type Result struct {
	Engine string `json:"engine"`
	relevance.Scores
	Queries  int                     `json:"queries"` // that count in the means
	PerQuery []relevance.QueryReport `json:"per_query"`
}

type settings struct {
	products, judgements, engine, url, json, html, baseline string
	worst                                                   int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("relevance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.products, "products", "", "`FILE` of products, JSON lines, may be compressed by gzip")
	flags.StringVar(&s.judgements, "judgements", "", "`FILE` of judgements: query, product and grade with tabs between them")
	flags.StringVar(&s.engine, "engine", "bleve", strings.Join(engineNames(), " or "))
	flags.StringVar(&s.url, "url", "", "`URL` of a running server; without it a private one is started")
	flags.StringVar(&s.json, "json", "", "write the result to `FILE`")
	flags.StringVar(&s.html, "html", "", "write a report to `FILE`")
	flags.StringVar(&s.baseline, "baseline", "", "compare with the -json `FILE` of an earlier run")
	flags.IntVar(&s.worst, "worst", 10, "how many of the worst queries are printed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	open, ok := engines[s.engine]
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.products == "" || s.judgements == "":
		return errors.New("-products and -judgements are needed")
	case !ok:
		return fmt.Errorf("-engine: there is no %q; there are: %s", s.engine, strings.Join(engineNames(), ", "))
	case s.worst < 0:
		return errors.New("-worst must not be negative")
	}
	judgements, err := readJudgements(s.judgements)
	if err != nil {
		return err
	}
	var before *relevance.Report
	if s.baseline != "" {
		if before, err = readBaseline(s.baseline); err != nil {
			return err
		}
	}
	products, err := icecat.Read(s.products)
	if err != nil {
		return err
	}
	environment := bench.Describe()
	environment.Settings["products"] = strconv.Itoa(len(products))
	environment.Settings["options"] = "the defaults"
	index, closeAll, err := open(ctx, s.url, &environment)
	if err != nil {
		return err
	}
	report, err := measure(ctx, index, products, judgements, s.engine, stderr)
	if err = errors.Join(err, closeAll()); err != nil {
		return err
	}
	if err := show(stdout, report, before, s.worst); err != nil {
		return err
	}
	return write(s, environment, report, before, products)
}

func readJudgements(path string) (relevance.Judgements, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	judgements, err := relevance.Read(file)
	if err == nil && !slices.ContainsFunc(slices.Collect(maps.Keys(judgements)), judgements.Scored) {
		err = errors.New("no product is judged relevant for any query")
	}
	return judgements, err
}

// readBaseline takes the first result of an earlier run.
func readBaseline(path string) (*relevance.Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var earlier struct{ Results []Result }
	if err := json.Unmarshal(text, &earlier); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(earlier.Results) == 0 {
		return nil, fmt.Errorf("%s has no results", path)
	}
	r := earlier.Results[0]
	return &relevance.Report{Name: r.Engine + ", before", Mean: r.Scores, Queries: r.PerQuery}, nil
}

// batch is the number of products written at once.
const batch = 1000

func measure(ctx context.Context, index *search.Index, products []icecat.Product, judgements relevance.Judgements, name string, stderr io.Writer) (*relevance.Report, error) {
	bar := progress.Bar(stderr, int64(len(products)), "indexing")
	for part := range slices.Chunk(products, batch) {
		if err := index.Put(ctx, icecat.Documents(part)...); err != nil {
			return nil, err
		}
		_ = bar.Add(len(part))
	}
	_ = bar.Finish()
	if err := index.Refresh(ctx); err != nil {
		return nil, err
	}
	return relevance.Measure(ctx, name, judgements, relevance.Of(index, search.Query{}))
}
