package search

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
)

// raw is Bleve, used as its documentation shows.
type raw struct {
	dir     string
	index   bleve.Index
	batches [][]icecat.Product
}

// rawMapping indexes what ours indexes: the text of all fields together, with positions for phrases, the
// words of title and description by themselves, and exact values.
func rawMapping() mapping.IndexMapping {
	text := func(store bool) *mapping.FieldMapping {
		f := bleve.NewTextFieldMapping()
		f.Store, f.IncludeTermVectors, f.DocValues = store, false, false
		return f
	}
	exact := bleve.NewTextFieldMapping()
	exact.Analyzer, exact.IncludeInAll, exact.IncludeTermVectors, exact.Store = keyword.Name, false, false, false
	number, date := bleve.NewNumericFieldMapping(), bleve.NewDateTimeFieldMapping()
	number.IncludeInAll, date.IncludeInAll, number.Store, date.Store = false, false, false, false
	stored := *number
	stored.Store = true
	supplier := *exact
	supplier.Store = true
	m := bleve.NewIndexMapping()
	m.DefaultAnalyzer = en.AnalyzerName
	doc := bleve.NewDocumentStaticMapping()
	doc.AddFieldMappingsAt("title", text(true))
	doc.AddFieldMappingsAt("description", text(true))
	doc.AddFieldMappingsAt("attributes", text(false))
	doc.AddFieldMappingsAt("supplier", &supplier)
	for _, name := range []string{"colour", "type", "origin"} {
		doc.AddFieldMappingsAt(name, exact)
	}
	doc.AddFieldMappingsAt("price", &stored)
	doc.AddFieldMappingsAt("released", date)
	m.DefaultMapping = doc
	return m
}

func openRaw(ctx context.Context, dir string, products []icecat.Product, environment *bench.Environment) (engine, error) {
	path := filepath.Join(dir, "raw")
	index, err := bleve.New(path, rawMapping())
	if err != nil {
		return nil, err
	}
	r := &raw{dir: dir, index: index, batches: slices.Collect(slices.Chunk(products, batchSize))}
	for i := range r.batches {
		if err := r.write(index, i); err != nil {
			return nil, errors.Join(err, index.Close())
		}
	}
	if err := index.Close(); err != nil {
		return nil, err
	}
	if r.index, err = bleve.Open(path); err != nil {
		return nil, err
	}
	environment.Settings["on disk, raw-bleve"] = megabytes(path)
	return r, ctx.Err()
}

func (r *raw) name() string { return "raw-bleve" }
func (r *raw) close() error { return r.index.Close() }

func (r *raw) write(index bleve.Index, i int) error {
	batch := index.NewBatch()
	for _, p := range r.batches[i] {
		if err := batch.Index(p.ID, p.Document().Fields); err != nil {
			return err
		}
	}
	return index.Batch(batch)
}

// words is the query of a text, with the clauses that ours has: each word in all the text, or, of three, two; more for
// a word in title or description, and for words in a row.
func (r *raw) words(text string) query.Query {
	words := strings.Fields(text)
	match := func(field, word string) query.Query {
		m := bleve.NewMatchQuery(word)
		m.SetField(field)
		return m
	}
	var required, extra []query.Query
	for i, word := range words {
		required = append(required, match("_all", word))
		extra = append(extra, match("title", word), match("description", word))
		if i > 0 {
			p := bleve.NewMatchPhraseQuery(words[i-1] + " " + word)
			p.SetField("_all")
			extra = append(extra, p)
		}
	}
	both := bleve.NewBooleanQuery()
	if len(words) > 2 {
		most := bleve.NewDisjunctionQuery(required...)
		most.SetMin(float64(len(words) - 1))
		both.AddMust(most)
	} else {
		both.AddMust(required...)
	}
	both.AddShould(extra...)
	return both
}

func (r *raw) query(ctx context.Context, text string) (int, error) {
	request := bleve.NewSearchRequestOptions(r.words(text), pageSize, 0, false)
	request.Fields = []string{"title"}
	found, err := r.index.SearchInContext(ctx, request)
	if err != nil {
		return 0, err
	}
	if len(found.Hits) > 0 && found.Hits[0].Fields["title"] == nil {
		return 0, errors.New("a hit has no title")
	}
	return int(found.Total), nil
}

// rawFacets are the names of the facets with a filter of their own, and the others.
var rawFacets = [][]string{{"supplier"}, {"colour"}, {"price"}, {"type", "origin", "year"}}

// facets asks four times: for the page with the facets nobody has chosen from, and for each
// of the other three without its own filter.
func (r *raw) facets(ctx context.Context, text string) (int, error) {
	counted := 0
	for _, names := range rawFacets {
		all := bleve.NewConjunctionQuery(r.words(text))
		for field, filter := range map[string]query.Query{"supplier": anyOf("supplier", chosen.suppliers...), "colour": anyOf("colour", chosen.colour), "price": priceRange()} {
			if !slices.Contains(names, field) {
				all.AddQuery(filter)
			}
		}
		size := 0
		if len(names) > 1 {
			size = pageSize
		}
		request := bleve.NewSearchRequestOptions(all, size, 0, false)
		request.Fields = []string{"title"}
		for _, name := range names {
			request.AddFacet(name, rawFacet(name))
		}
		found, err := r.index.SearchInContext(ctx, request)
		if err != nil {
			return 0, err
		}
		for _, f := range found.Facets {
			for _, v := range f.Terms.Terms() {
				counted += v.Count
			}
			for _, v := range f.NumericRanges {
				counted += v.Count
			}
			for _, v := range f.DateRanges {
				counted += v.Count
			}
		}
	}
	return counted, nil
}

func anyOf(field string, values ...string) query.Query {
	any := bleve.NewDisjunctionQuery()
	for _, v := range values {
		t := bleve.NewTermQuery(v)
		t.SetField(field)
		any.AddQuery(t)
	}
	return any
}

func priceRange() query.Query {
	q := bleve.NewNumericRangeQuery(&chosen.priceFrom, &chosen.to)
	q.SetField("price")
	return q
}

func rawFacet(name string) *bleve.FacetRequest {
	switch name {
	case "price":
		f := bleve.NewFacetRequest("price", 10)
		var low *float64
		for _, edge := range priceEdges {
			high := edge.(float64)
			f.AddNumericRange("", low, &high)
			low = &high
		}
		f.AddNumericRange("above", low, nil)
		for i := range f.NumericRanges {
			f.NumericRanges[i].Name = string(rune('a' + i))
		}
		return f
	case "year":
		f := bleve.NewFacetRequest("released", 10)
		for i, b := range years {
			f.AddDateTimeRange(string(rune('a'+i)), at(b.GTE), at(b.LT))
		}
		return f
	}
	return bleve.NewFacetRequest(name, 10)
}

func at(bound any) time.Time {
	text, _ := bound.(string)
	t, _ := time.Parse(time.RFC3339, text) // the zero time is no bound
	return t
}

// suggest finds products that begin with what is typed; Bleve has no completions with counts.
func (r *raw) suggest(ctx context.Context, text string) (int, error) {
	words := strings.Fields(text)
	all := bleve.NewConjunctionQuery()
	for _, word := range words[:len(words)-1] {
		m := bleve.NewMatchQuery(word)
		m.SetField("title")
		all.AddQuery(m)
	}
	p := bleve.NewPrefixQuery(words[len(words)-1])
	p.SetField("title")
	all.AddQuery(p)
	request := bleve.NewSearchRequestOptions(all, 5, 0, false)
	request.Fields = []string{"title"}
	found, err := r.index.SearchInContext(ctx, request)
	if err != nil {
		return 0, err
	}
	return len(found.Hits), nil
}

type rawFilling struct {
	r     *raw
	index bleve.Index
	path  string
}

func (r *raw) indexing(context.Context) (filling, error) {
	path, err := os.MkdirTemp(r.dir, "raw-")
	if err != nil {
		return nil, err
	}
	index, err := bleve.New(filepath.Join(path, "index"), rawMapping())
	if err != nil {
		return nil, err
	}
	return &rawFilling{r, index, path}, nil
}

func (f *rawFilling) put(_ context.Context, batch int) error { return f.r.write(f.index, batch) }

func (f *rawFilling) close() error { return errors.Join(f.index.Close(), os.RemoveAll(f.path)) }
