// Package search compares searches of a product catalogue: ours with the
// engine under it, used directly, for the same queries on the same products.
package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
)

// Area is "search". products is the path of a catalogue as JSON lines; it is read when the area is opened.
func Area(products *string) peer.Area {
	return peer.Area{Name: "search", Open: func(ctx context.Context, environment *bench.Environment) ([]peer.Case, func() error, error) {
		return open(ctx, *products, environment)
	}}
}

// engine is a subject: an index that holds the whole catalogue, and a way to index it again.
type engine interface {
	// query finds the first 20 products with the text, with their titles, and returns how many there are.
	query(ctx context.Context, text string) (int, error)
	// facets finds a page with six disjunctive facets, three of them with a chosen value, and
	// returns the sum of the counts of their first ten values.
	facets(ctx context.Context, text string) (int, error)
	// suggest returns completions and products for what is typed.
	suggest(ctx context.Context, text string) (int, error)
	indexer
}

// indexer is a subject of the index case.
type indexer interface {
	name() string
	// indexing begins to fill a new index.
	indexing(ctx context.Context) (filling, error)
	close() error
}

// filling is an index being filled with the catalogue in batches.
type filling interface {
	put(ctx context.Context, batch int) error
	close() error
}

const (
	batchSize = 1000
	pageSize  = 20
)

// queries are what shoppers type into a shop for electronics: words, pairs, and one of three.
var queries = []string{"notebook", "wireless mouse", "hdmi cable", "laser printer", "usb", "monitor", "external hard drive", "keyboard",
	"toner cartridge", "battery", "bluetooth headphones", "wireless keyboard", "docking station", "ssd", "projector", "memory card"}

// narrowed are the texts that are found with the narrowing of the facets case.
var narrowed = []string{"notebook", "keyboard", "usb", "mouse"}

// prefixes are what a shopper has typed after some keys.
var prefixes = []string{"no", "note", "notebo", "wireless m", "hd", "hdmi c", "las", "laser pr", "us", "usb hu", "mon", "blueto", "bluetooth hea", "ca", "cam", "camera b"}

// chosen is the narrowing of the facets case.
var chosen = struct {
	suppliers     []string
	colour        string
	priceFrom, to float64
}{[]string{"HP", "Kensington"}, "Black", 1000, 20000}

// priceEdges are those of the price facet.
var priceEdges = []any{1000.0, 5000.0, 20000.0, 100000.0}

func open(ctx context.Context, path string, environment *bench.Environment) (_ []peer.Case, _ func() error, err error) {
	if path == "" {
		return nil, nil, errors.New("peerbench: area search needs -products FILE")
	}
	products, err := icecat.Read(path)
	if err != nil {
		return nil, nil, err
	}
	environment.Settings["products"] = fmt.Sprint(len(products))
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, m := range build.Deps {
			if m.Path == "github.com/blevesearch/bleve/v2" {
				environment.Versions[m.Path] = m.Version
			}
		}
	}
	dir, err := os.MkdirTemp("", "peerbench-search-")
	if err != nil {
		return nil, nil, err
	}
	b := &bed{}
	server, err := startElastic(ctx, environment)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	closeAll := func() error { return errors.Join(b.close(), server.close(), os.RemoveAll(dir)) }
	for _, open := range []func(context.Context, string, []icecat.Product, *bench.Environment) (engine, error){
		openOurs, openRaw, server.openOurs, server.openRaw,
	} {
		e, err := open(ctx, dir, products, environment)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		b.engines = append(b.engines, e)
	}
	b.hand = handElastic{b.engines[len(b.engines)-1].(*rawElastic)}
	if b.same, err = server.openSame(ctx, products); err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	if err := b.check(ctx); err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	return b.cases((len(products) + batchSize - 1) / batchSize), closeAll, nil
}

type bed struct {
	engines []engine
	hand    handElastic
	same    *sameElastic
}

// nearly is by what part the numbers of another analysis may differ.
const nearly = 0.02

// check compares what the engines find and count: ours must agree exactly, and Bleve, whose analysis is another one, nearly.
func (b *bed) check(ctx context.Context) error {
	for _, c := range []struct {
		texts []string
		ask   func(engine) func(context.Context, string) (int, error)
	}{
		{queries, func(e engine) func(context.Context, string) (int, error) { return e.query }},
		{narrowed, func(e engine) func(context.Context, string) (int, error) { return e.facets }},
	} {
		for _, text := range c.texts {
			first := 0
			for i, e := range b.engines {
				n, err := c.ask(e)(ctx, text)
				if err != nil {
					return fmt.Errorf("%s: %q: %w", e.name(), text, err)
				}
				if i == 0 {
					first = n
				}
				tolerance := 0.0
				if e.name() == "raw-bleve" {
					tolerance = nearly * float64(first)
				}
				if n == 0 || math.Abs(float64(n-first)) > tolerance {
					return fmt.Errorf("%q: %s finds %d, and %s %d", text, e.name(), n, b.engines[0].name(), first)
				}
			}
		}
	}
	return nil
}

func (b *bed) close() error {
	var errs []error
	for _, e := range b.engines {
		errs = append(errs, e.close())
	}
	if b.same != nil {
		errs = append(errs, b.same.close())
	}
	return errors.Join(errs...)
}

func (b *bed) cases(batches int) []peer.Case {
	cases := []peer.Case{{Name: "query", Callers: []int{1, 8}}, {Name: "facets", Callers: []int{1}}, {Name: "suggest", Callers: []int{1, 8}}}
	for i, c := range []struct {
		texts []string
		ask   func(engine) func(context.Context, string) (int, error)
	}{
		{queries, func(e engine) func(context.Context, string) (int, error) { return e.query }},
		{narrowed, func(e engine) func(context.Context, string) (int, error) { return e.facets }},
		{prefixes, func(e engine) func(context.Context, string) (int, error) { return e.suggest }},
	} {
		for _, e := range b.engines {
			cases[i].Subjects = append(cases[i].Subjects, subject(e.name(), c.texts, c.ask(e)))
		}
		cases[i].Warm = func(ctx context.Context) error {
			return b.inTurns(ctx, func(e engine) error { return eachText(ctx, c.texts, c.ask(e)) })
		}
	}
	index := peer.Case{Name: "index", Callers: []int{1}}
	var onElastic []peer.Subject
	for _, e := range b.indexers() {
		index.Subjects = append(index.Subjects, fill(e, batches))
		if isElastic(e) {
			onElastic = append(onElastic, fill(e, batches))
		}
	}
	index.Warm = func(ctx context.Context) error {
		for _, s := range onElastic {
			sample, err := s.Measure(ctx, bench.Load{Callers: 1})
			if err := errors.Join(err, sample.FirstErr); err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		return nil
	}
	return append(cases, index)
}

// indexers are the subjects of the index case.
func (b *bed) indexers() []indexer {
	all := make([]indexer, 0, len(b.engines)+2)
	for _, e := range b.engines {
		all = append(all, e)
	}
	return append(all, b.hand, b.same)
}

// warmUp is how long the subjects on Elasticsearch ask before anything of a case is measured.
const warmUp = 15 * time.Second

func isElastic(e indexer) bool { return strings.Contains(e.name(), "elasticsearch") }

// inTurns lets the subjects on Elasticsearch ask in turns until the server is warm. It compiles its code while it runs, so
// that whoever asks first would pay for all.
func (b *bed) inTurns(ctx context.Context, ask func(engine) error) error {
	for end := time.Now().Add(warmUp); time.Now().Before(end); {
		for _, e := range b.engines {
			if !isElastic(e) {
				continue
			}
			if err := ask(e); err != nil {
				return fmt.Errorf("%s: %w", e.name(), err)
			}
		}
	}
	return nil
}

// eachText asks for each text once.
func eachText(ctx context.Context, texts []string, ask func(context.Context, string) (int, error)) error {
	for _, text := range texts {
		if _, err := ask(ctx, text); err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
	}
	return nil
}

// subject asks for the texts in turns; each must find something.
func subject(name string, texts []string, ask func(context.Context, string) (int, error)) peer.Subject {
	return peer.Subject{Name: name, Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
		var next atomic.Uint64
		sample, err := bench.Run(ctx, load, func(ctx context.Context, _ int) error {
			text := texts[next.Add(1)%uint64(len(texts))]
			n, err := ask(ctx, text)
			if err == nil && n == 0 {
				err = fmt.Errorf("%q finds nothing", text)
			}
			return err
		})
		return peer.Sample{Sample: sample, RoundTrips: -1}, err
	}}
}

// fill fills a new index with the whole catalogue in each round, however long that takes; an operation is a batch. Opening
// and closing count to the batches.
func fill(e indexer, batches int) peer.Subject {
	return peer.Subject{Name: e.name(), Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
		var mu sync.Mutex
		var filled filling
		at := 0
		whole := bench.Load{Callers: load.Callers, MaxOps: int64(batches)}
		sample, err := bench.Run(ctx, whole, func(ctx context.Context, _ int) error {
			mu.Lock()
			defer mu.Unlock()
			var err error
			if filled == nil {
				if filled, err = e.indexing(ctx); err != nil {
					return err
				}
				at = 0
			}
			if err := filled.put(ctx, at); err != nil {
				return err
			}
			if at++; at == batches {
				err = filled.close()
				filled = nil
			}
			return err
		})
		if filled != nil {
			err = errors.Join(err, filled.close())
		}
		return peer.Sample{Sample: sample, RoundTrips: -1}, err
	}}
}
