// Package searchtest checks that an engine keeps the promises of package
// search. A backend's test is a call of [Run] and what is special to the backend:
//
//	func TestConformance(t *testing.T) {
//		searchtest.Run(t, searchtest.Harness{Open: func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
//			index, err := myengine.Open(t.TempDir(), schema, opts)
//			require.NoError(t, err)
//			return index
//		}})
//	}
package searchtest

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	_ "embed"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// Harness makes the indexes that the tests use.
type Harness struct {
	// Open returns an empty index. The tests close it.
	Open func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index
	// Reopen closes an index of Open and opens what it left again, as after a restart. Nil
	// for an engine that keeps nothing.
	Reopen func(t testing.TB, index *search.Index, schema search.Schema, opts *search.Options) *search.Index
}

// Run runs every test of the kit.
func Run(t *testing.T, h Harness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"Documents", testDocuments},
		{"PutAll", testPutAll},
		{"Versions", testVersions},
		{"StrictSchema", testStrictSchema},
		{"Empty", testEmpty},
		{"Words", testWords},
		{"Ranking", testRanking},
		{"Match", testMatch},
		{"Filters", testFilters},
		{"Facets", testFacets},
		{"Sort", testSort},
		{"Pages", testPages},
		{"Highlight", testHighlight},
		{"Corrections", testCorrections},
		{"Synonyms", testSynonyms},
		{"Rules", testRules},
		{"Collapse", testCollapse},
		{"Signals", testSignals},
		{"Settings", testSettings},
		{"Buckets", testBuckets},
		{"Trail", testTrail},
		{"QueryLog", testQueryLog},
		{"WithoutFilters", testWithoutFilters},
		{"Suggest", testSuggest},
		{"SuggestCategories", testSuggestCategories},
		{"Asian", testAsian},
		{"Simplify", testSimplify},
		{"Romanizer", testRomanizer},
		{"Segmenter", testSegmenter},
		{"Typed", testTyped},
		{"Similar", testSimilar},
		{"Explain", testExplain},
		{"BadInput", testBadInput},
		{"Cursors", testCursors},
		{"Rebuild", testRebuild},
		{"RebuildWithWrites", testRebuildWithWrites},
		{"RebuildUnderLoad", testRebuildUnderLoad},
		{"ResumeRebuild", testResumeRebuild},
		{"Sync", testSync},
		{"DeleteDuringScroll", testDeleteDuringScroll},
		{"CloseDuringRebuild", testCloseDuringRebuild},
		{"Concurrent", testConcurrent},
		{"Closed", testClosed},
		{"Model", testModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, h)
		})
	}
}

// Schema is the schema of the kit's corpus.
func Schema() search.Schema {
	return search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 6, Store: true, Suggest: true},
		{Name: "name", Kind: search.Text, Weight: 6, Store: true, Suggest: true},
		{Name: "description", Kind: search.Text, Weight: 2, Store: true},
		{Name: "brand", Kind: search.Keyword, Weight: 3, Facet: true, Sort: true, Store: true},
		{Name: "category", Kind: search.Category, Weight: 1, Facet: true, Store: true},
		{Name: "price", Kind: search.Number, Facet: true, Sort: true, Store: true},
		{Name: "rating", Kind: search.Number, Sort: true, Facet: true, Store: true},
		{Name: "tags", Kind: search.Keyword, Facet: true, Store: true},
		{Name: "stock", Kind: search.Bool, Facet: true, Sort: true, Store: true},
		{Name: "released", Kind: search.Date, Facet: true, Sort: true, Store: true},
		{Name: "sku", Kind: search.Keyword, Weight: 3, Sort: true},
	}}
}

//go:embed testdata/corpus.ndjson
var corpus []byte

// Corpus returns the kit's documents: a small bilingual shop.
func Corpus() []search.Document {
	var docs []search.Document
	for line := range bytes.Lines(corpus) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			panic(err) // the corpus is part of the package
		}
		id := fields["id"].(string)
		delete(fields, "id")
		docs = append(docs, search.Document{ID: id, Fields: fields})
	}
	return docs
}

// shop opens an index that holds the corpus.
func (h Harness) shop(t *testing.T, opts *search.Options) *search.Index {
	ix := h.open(t, Schema(), opts)
	put(t, ix, Corpus()...)
	return ix
}

func (h Harness) open(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
	ix := h.Open(t, schema, opts)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	return ix
}

// put writes and makes visible.
func put(t testing.TB, ix *search.Index, docs ...search.Document) {
	t.Helper()
	var b search.Batch
	b.Put(docs...)
	require.NoError(t, ix.Write(context.Background(), &b, &search.WriteOptions{Visible: true}))
}

func remove(t testing.TB, ix *search.Index, ids ...string) {
	t.Helper()
	var b search.Batch
	b.Delete(ids...)
	require.NoError(t, ix.Write(context.Background(), &b, &search.WriteOptions{Visible: true}))
}

func find(t testing.TB, ix *search.Index, q search.Query) *search.Result {
	t.Helper()
	r, err := ix.Search(context.Background(), q)
	require.NoError(t, err)
	return r
}

// ids returns the IDs of hits in their order.
func ids(hits []search.Hit) []string {
	list := make([]string, len(hits))
	for i, h := range hits {
		list[i] = h.ID
	}
	return list
}

func requireInvalid(t testing.TB, err error, field string) {
	t.Helper()
	require.ErrorIs(t, err, search.ErrInvalid)
	var invalid *search.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Contains(t, invalid.Field, field)
	require.NotEmpty(t, invalid.Reason)
	require.Less(t, len(err.Error()), 400, "a message stays short")
}

func counts(t testing.TB, r *search.Result, name string) map[string]int {
	t.Helper()
	f, ok := r.Facet(name)
	require.True(t, ok, name)
	m := map[string]int{}
	for _, v := range f.Values {
		m[v.Value] = v.Count
	}
	return m
}

func selected(t testing.TB, r *search.Result, name string) []string {
	t.Helper()
	f, ok := r.Facet(name)
	require.True(t, ok, name)
	var values []string
	for _, v := range f.Values {
		if v.Selected {
			values = append(values, v.Label)
		}
	}
	return values
}
