package search_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSchema(t *testing.T) {
	t.Parallel()
	field := func(f search.Field) search.Schema { return search.Schema{Fields: []search.Field{f}} }
	for field, schema := range map[string]search.Schema{
		"Schema":           {},
		"field \"\"":       field(search.Field{Kind: search.Text}),
		"field \"_score\"": field(search.Field{Name: "_score", Kind: search.Text}),
		"field \"a.b\"":    field(search.Field{Name: "a.b", Kind: search.Text}),
		"field \"9\"":      field(search.Field{Name: "9", Kind: search.Text}),
		"kind":             field(search.Field{Name: "kind", Kind: "colour"}),
		"heavy":            field(search.Field{Name: "heavy", Kind: search.Text, Weight: 17}),
		"light":            field(search.Field{Name: "light", Kind: search.Text, Weight: -2}),
		"weighed":          field(search.Field{Name: "weighed", Kind: search.Number, Weight: 1}),
		"language":         field(search.Field{Name: "language", Kind: search.Text, Language: "tlh"}),
		"facet":            field(search.Field{Name: "facet", Kind: search.Text, Facet: true}),
		"sorted":           field(search.Field{Name: "sorted", Kind: search.Text, Sort: true}),
		"path":             field(search.Field{Name: "path", Kind: search.Category, Sort: true}),
		"suggest":          field(search.Field{Name: "suggest", Kind: search.Date, Suggest: true}),
		"twice":            {Fields: []search.Field{{Name: "twice", Kind: search.Text}, {Name: "twice", Kind: search.Bool}}},
		"300 fields":       {Fields: make([]search.Field, 300)},
	} {
		err := schema.Validate()
		require.ErrorIs(t, err, search.ErrInvalid, field)
		var invalid *search.InvalidError
		require.ErrorAs(t, err, &invalid)
		if field == "300 fields" {
			field = "Schema"
		}
		require.Equal(t, field, invalid.Field)
	}
	require.ErrorIs(t, field(search.Field{Name: strings.Repeat("x", 1<<20), Kind: search.Text}).Validate(), search.ErrInvalid)

	whole := searchtest.Schema()
	require.NoError(t, whole.Validate())
	f, ok := whole.Field("title")
	require.True(t, ok)
	require.Equal(t, "en", f.Language)
	_, ok = whole.Field("colour")
	require.False(t, ok)
	same := searchtest.Schema()
	same.Fields[0].Language = "en"
	require.Equal(t, whole.Fingerprint(), same.Fingerprint(), "a default written out is no change")
	same.Fields[0].Weight++
	require.NotEqual(t, whole.Fingerprint(), same.Fingerprint())
}

// What decides the terms of an index is part of its identity; what is left out changes nothing.
func TestFingerprintOfAnalysis(t *testing.T) {
	t.Parallel()
	plain := search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text}}}
	require.Equal(t, "cee60cf30784", plain.Fingerprint()[:12], "indexes made before there were options stay valid")
	seen := map[string]bool{plain.Fingerprint(): true}
	for _, change := range []func(*search.Schema){
		func(s *search.Schema) { s.Simplify = true },
		func(s *search.Schema) { s.Romanizer = named("a") },
		func(s *search.Schema) { s.Romanizer = named("b") },
		func(s *search.Schema) { s.Segmenter = named("a") },
		func(s *search.Schema) { s.Segmenter = named("b") },
	} {
		schema := plain
		change(&schema)
		require.NoError(t, schema.Validate())
		require.False(t, seen[schema.Fingerprint()])
		seen[schema.Fingerprint()] = true
	}
}

type named string

func (n named) Name() string          { return string(n) }
func (named) Readings(rune) []string  { return nil }
func (named) Segment(string) [][2]int { return nil }

func TestOptionsDefaults(t *testing.T) {
	t.Parallel()
	o := (*search.Options)(nil).WithDefaults()
	require.Equal(t, 10, o.FewHits)
	require.Equal(t, search.Limits{PageSize: 1000, Depth: 10_000, Filters: 64, Values: 1024, Facets: 32, FacetSize: 1000, FacetRange: 64, Batch: 10_000}, o.Limits)
	require.NotNil(t, o.Now)
	require.NotNil(t, o.Logger)
	o = (&search.Options{FewHits: -1, Limits: search.Limits{Depth: 50}}).WithDefaults()
	require.Equal(t, -1, o.FewHits)
	require.Equal(t, 50, o.Limits.Depth)
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := search.New(nil, searchtest.Schema(), nil)
	require.ErrorIs(t, err, search.ErrInvalid)
	_, err = search.New(&faulty{}, search.Schema{}, nil)
	require.ErrorIs(t, err, search.ErrInvalid)
	_, err = search.New(&faulty{}, searchtest.Schema(), &search.Options{Synonyms: []search.Synonym{{}}})
	require.ErrorIs(t, err, search.ErrInvalid)
}

func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 1000)
	for _, err := range []error{
		&search.InvalidError{Document: long, Field: long, Reason: "is wrong"},
		&search.BatchError{Failed: []search.DocumentError{{ID: long, Err: search.ErrConflict}}},
	} {
		require.Less(t, len(err.Error()), 300)
		require.True(t, strings.HasPrefix(err.Error(), "search: "))
		require.Equal(t, strings.ToValidUTF8(err.Error(), ""), err.Error())
	}
}

// faulty is a driver without an engine, whose operations fail as told.
type faulty struct {
	search.Driver
	err error
}

func (f *faulty) Write(context.Context, []search.Op, bool) error { return f.err }
func (f *faulty) Search(context.Context, []search.Request) ([]search.Response, error) {
	return nil, f.err
}
func (f *faulty) Get(context.Context, []string) ([]search.Stored, error) { return nil, f.err }
func (f *faulty) Terms(context.Context, search.TermsRequest) ([]search.Term, error) {
	return nil, f.err
}
func (f *faulty) Count(context.Context) (int, error) { return 0, f.err }
func (f *faulty) Close() error                       { return f.err }

func TestDriverErrorsPass(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	down := errors.New("engine down")
	ix, err := search.New(&faulty{err: down}, searchtest.Schema(), nil)
	require.NoError(t, err)
	require.ErrorIs(t, ix.Put(ctx, searchtest.Corpus()...), down)
	_, err = ix.Search(ctx, search.Query{Text: "tea"})
	require.ErrorIs(t, err, down)
	_, err = ix.Suggest(ctx, search.SuggestQuery{Text: "tea"})
	require.ErrorIs(t, err, down)
	_, err = ix.Similar(ctx, "tea-01", nil)
	require.ErrorIs(t, err, down)
	_, err = ix.Get(ctx, "tea-01")
	require.ErrorIs(t, err, down)
	_, err = ix.Count(ctx)
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, ix.Rebuild(ctx, nil, nil), errors.ErrUnsupported)
	require.ErrorIs(t, ix.Rollback(ctx), errors.ErrUnsupported)
	require.NoError(t, ix.Refresh(ctx), "an engine without it needs none")
	require.False(t, ix.As(new(*faulty)))
	require.ErrorIs(t, ix.Close(), down)
	require.ErrorIs(t, ix.Close(), down, "the same answer again")
}

type tracer struct {
	mu    sync.Mutex
	began []string
	ended []string
}

func (tr *tracer) Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.began = append(tr.began, operation)
	return ctx, func(err error, more ...slog.Attr) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if err != nil {
			operation += " failed"
		}
		for _, a := range append(attributes, more...) {
			operation += " " + a.String()
		}
		tr.ended = append(tr.ended, operation)
	}
}

func TestTracer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tr := &tracer{}
	ix, err := blevesearch.OpenMemory(searchtest.Schema(), &blevesearch.Options{Options: search.Options{Tracer: tr}})
	require.NoError(t, err)
	defer ix.Close()
	require.NoError(t, ix.Put(ctx, searchtest.Corpus()[:3]...))
	_, err = ix.Search(ctx, search.Query{Text: "secret wishes"})
	require.NoError(t, err)
	_, err = ix.Search(ctx, search.Query{Limit: -5})
	require.Error(t, err)
	_, err = ix.Suggest(ctx, search.SuggestQuery{Text: "tea"})
	require.NoError(t, err)
	require.NoError(t, ix.Delete(ctx, "tea-01"))
	require.Equal(t, []string{"search.put", "search.search", "search.search", "search.suggest", "search.delete"}, tr.began)
	require.Equal(t, []string{"search.put documents=3", "search.search total=0", "search.search failed total=0",
		"search.suggest found=true", "search.delete documents=1"}, tr.ended, "without what people search for")
}
