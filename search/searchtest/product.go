package searchtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// variants is a schema whose documents are sizes and colours of products.
var variants = search.Schema{Fields: []search.Field{
	{Name: "title", Kind: search.Text, Weight: 4, Store: true},
	{Name: "product", Kind: search.Keyword, Collapse: true, Store: true},
	{Name: "colour", Kind: search.Keyword, Facet: true, Store: true},
	{Name: "price", Kind: search.Number, Sort: true, Facet: true, Store: true},
	{Name: "sold", Kind: search.Number, Sort: true},
	{Name: "released", Kind: search.Date, Sort: true},
	{Name: "stock", Kind: search.Bool, Facet: true},
}}

func testCollapse(t *testing.T, h Harness) {
	ix := h.open(t, variants, nil)
	for i := range 30 { // ten products of three colours each
		put(t, ix, search.Document{ID: fmt.Sprintf("v%02d", i), Fields: map[string]any{"title": "cotton shirt",
			"product": fmt.Sprintf("p%d", i%10), "colour": []string{"red", "green", "blue"}[i/10], "price": 100 - i}})
	}
	put(t, ix, search.Document{ID: "alone-1", Fields: map[string]any{"title": "cotton shirt", "price": 500}},
		search.Document{ID: "alone-2", Fields: map[string]any{"title": "cotton shirt", "price": 600}})
	cheapest := search.Query{Text: "shirt", Collapse: true, Sort: []search.Sort{{Field: "price"}}, Limit: 4, Facets: []search.Facet{{Field: "colour"}}}
	r := find(t, ix, cheapest)
	require.Equal(t, []string{"v29", "v28", "v27", "v26"}, ids(r.Hits), "the cheapest of each product, in the order of the query")
	require.Equal(t, 3, r.Hits[0].Variants)
	require.Equal(t, 32, r.Total, "documents")
	require.Equal(t, 12, r.Groups, "products, and two documents that are alone")
	require.Equal(t, map[string]int{"red": 10, "green": 10, "blue": 10}, counts(t, r, "colour"))

	seen := map[string]bool{}
	for page := cheapest; ; {
		r := find(t, ix, page)
		for _, hit := range r.Hits {
			key := hit.ID
			if hit.String("product") != "" {
				key = hit.String("product")
			}
			require.False(t, seen[key], "a product comes once: %s", key)
			seen[key] = true
		}
		if page.Cursor = r.Next; page.Cursor == "" {
			break
		}
	}
	require.Len(t, seen, 12)

	red := find(t, ix, search.Query{Text: "shirt", Collapse: true, Filters: search.Filters{search.In("colour", "red")}, Sort: []search.Sort{{Field: "price", Desc: true}}, Limit: 50})
	require.Equal(t, 10, red.Groups)
	require.Equal(t, "v00", red.Hits[0].ID, "of the variants that pass the filters")
	require.Equal(t, 1, red.Hits[0].Variants)
	require.Zero(t, find(t, ix, search.Query{Text: "shirt", Limit: 1}).Groups, "without Collapse nothing is grouped")
	require.Equal(t, 12, find(t, ix, search.Query{Collapse: true, Limit: -1}).Groups, "no hits wanted")
	require.Len(t, find(t, ix, search.Query{Text: "shirt", Collapse: true, Limit: 50}).Hits, 12, "by relevance too")
	require.Len(t, find(t, ix, search.Query{Text: "shirt", Collapse: true, Offset: 10, Limit: 50}).Hits, 2)

	requireInvalid(t, ix.Put(t.Context(), search.Document{ID: "x", Fields: map[string]any{"product": []string{"a", "b"}}}), "product")
	_, err := h.shop(t, nil).Search(t.Context(), search.Query{Collapse: true})
	requireInvalid(t, err, "Collapse")
	_, err = ix.Search(t.Context(), search.Query{Text: "shirt", Cursor: find(t, ix, cheapest).Next})
	require.ErrorIs(t, err, search.ErrInvalid, "a cursor of a collapsed query")
}

func testSignals(t *testing.T, h Harness) {
	ctx := t.Context()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ix := h.open(t, variants, &search.Options{Now: func() time.Time { return now }})
	put(t, ix,
		search.Document{ID: "a", Fields: map[string]any{"title": "tea pot", "sold": 100, "released": now.AddDate(0, 0, -30), "stock": true}},
		search.Document{ID: "b", Fields: map[string]any{"title": "tea pot", "sold": []int{1, 300}, "released": now.AddDate(0, 0, 1), "stock": true}},
		search.Document{ID: "c", Fields: map[string]any{"title": "tea pot", "sold": -5, "stock": false}},
		search.Document{ID: "d", Fields: map[string]any{"title": "tea pot"}})
	scores := func(text string) map[string]float64 {
		m := map[string]float64{}
		for _, hit := range find(t, ix, search.Query{Text: text, Exact: true, Explain: true}).Hits {
			m[hit.ID] = hit.Score
			require.NotNil(t, hit.Explain)
		}
		return m
	}
	require.NoError(t, ix.SetSignals(ctx))
	plain := scores("tea pot")["d"]
	requireScores := func(want map[string]float64) {
		t.Helper()
		for id, score := range scores("tea pot") {
			require.InEpsilon(t, plain*want[id], score, 1e-4, id)
		}
	}
	requireScores(map[string]float64{"a": 1, "b": 1, "c": 1, "d": 1})
	require.NoError(t, ix.SetSignals(ctx, search.Signal{Field: "sold", Weight: 0.5, Pivot: 100}))
	requireScores(map[string]float64{"a": 1.25, "b": 1.375, "c": 1, "d": 1})
	require.Equal(t, []string{"b", "a", "c", "d"}, ids(find(t, ix, search.Query{}).Hits), "a query without text is ordered by the signals")

	outOfStock := search.Not(search.In("stock", true))
	require.NoError(t, ix.SetSignals(ctx, search.Signal{Field: "released", Weight: 1, HalfLife: 30 * 24 * time.Hour}, search.Signal{Filter: &outOfStock, Times: 0.5}))
	requireScores(map[string]float64{"a": 1.5, "b": 2, "c": 0.5, "d": 0.5})
	require.NoError(t, ix.SetRules(ctx, search.Rule{Pin: []string{"d"}}, search.Rule{Boost: []search.RuleBoost{{Filter: search.IDs("a"), Factor: 100}, {Filter: search.IDs("d"), Factor: 0.01}}}))
	require.Equal(t, []string{"d", "a", "b", "c"}, ids(find(t, ix, search.Query{Text: "tea pot"}).Hits), "nothing scales a pinned document")

	require.Len(t, ix.Signals(), 2)
	for _, bad := range []search.Signal{{}, {Field: "title", Weight: 1, Pivot: 1}, {Field: "sold", Weight: 1}, {Field: "sold", Weight: 20, Pivot: 1}, {Field: "released", Weight: 1, Pivot: 5},
		{Filter: &outOfStock}, {Filter: &outOfStock, Field: "sold", Times: 1}, {Field: "colour", Weight: 1, Pivot: 1}, {Filter: &search.Filter{Op: search.FilterIn, Field: "x"}, Times: 1}} {
		requireInvalid(t, ix.SetSignals(ctx, bad), "Signals[0]")
	}
	require.Len(t, ix.Signals(), 2, "what is refused changes nothing")
}

// testSettings sets what is kept with the index, and opens it again.
func testSettings(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.Open(t, variants, nil)
	put(t, ix, search.Document{ID: "1", Fields: map[string]any{"title": "sofa", "price": 5, "released": "2026-01-01T00:00:00Z"}}, search.Document{ID: "2", Fields: map[string]any{"title": "sofa table"}})
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	rule := search.Rule{Name: "returns", Texts: []string{"sofa"}, From: from, Pin: []string{"2"}, Redirect: "/sofas?sort=new",
		Hide: search.Filters{search.Range("released", search.Bounds{LT: from}), search.In("price", 99)}}
	require.NoError(t, ix.SetRules(ctx, rule))
	require.NoError(t, ix.SetSynonyms(ctx, search.Synonym{Terms: []string{"couch", "sofa"}}))
	require.NoError(t, ix.SetSignals(ctx, search.Signal{Field: "price", Weight: 0.1, Pivot: 5}))
	check := func(ix *search.Index) {
		t.Helper()
		r := find(t, ix, search.Query{Text: "Sofa", Exact: true})
		require.Equal(t, []string{"2", "1"}, ids(r.Hits))
		require.Equal(t, "/sofas?sort=new", r.Redirect)
		require.Empty(t, find(t, ix, search.Query{Text: "couch", Exact: true}).Redirect, "another text")
		require.Equal(t, 2, find(t, ix, search.Query{Text: "couch", Exact: true}).Total)
		require.Equal(t, "returns", ix.Rules()[0].Name)
		require.Len(t, ix.Synonyms(), 1)
		require.Len(t, ix.Signals(), 1)
	}
	check(ix)
	require.NoError(t, ix.Rebuild(ctx, source([]search.Document{{ID: "1", Fields: map[string]any{"title": "sofa"}}, {ID: "2", Fields: map[string]any{"title": "sofa table"}}}), nil))
	check(ix)
	require.NoError(t, ix.Reload(ctx))
	check(ix)
	for _, bad := range []search.Rule{{Redirect: "/a\nb"}, {Redirect: string(make([]byte, 5000))}} {
		requireInvalid(t, ix.SetRules(ctx, bad), "Rules[0]")
	}
	if h.Reopen == nil {
		require.NoError(t, ix.Close())
		return
	}
	ix = h.Reopen(t, ix, variants, &search.Options{Synonyms: []search.Synonym{{Terms: []string{"chair", "sofa"}}}})
	defer func() { require.NoError(t, ix.Close()) }()
	check(ix)
	require.Zero(t, find(t, ix, search.Query{Text: "chair", Exact: true}).Total, "what was set counts more than the options")
}

func testBuckets(t *testing.T, h Harness) {
	ix := h.open(t, variants, nil)
	var docs []search.Document
	for i := range 300 {
		docs = append(docs, search.Document{ID: fmt.Sprint(i), Fields: map[string]any{"title": "thing", "price": 5 + i*i, "colour": []string{"red", "blue"}[i%2]}})
	}
	put(t, ix, docs...)
	facet := func(q search.Query) search.FacetResult {
		r := find(t, ix, q)
		f, ok := r.Facet("price")
		require.True(t, ok)
		return f
	}
	f := facet(search.Query{Facets: []search.Facet{search.Buckets("price", 6)}})
	require.LessOrEqual(t, len(f.Values), 6)
	require.GreaterOrEqual(t, len(f.Values), 4)
	sum := 0
	for i, v := range f.Values {
		require.InDelta(t, 50, v.Count, 25, "about as many in each: %v", f.Values)
		require.Equal(t, v.Count, find(t, ix, search.Query{Filters: search.Filters{search.Range("price", v.Range)}}).Total, "the count is exact")
		if i > 0 {
			require.Equal(t, f.Values[i-1].Range.LT, v.Range.GTE, "without gaps")
		}
		sum += v.Count
	}
	require.Equal(t, 300, sum)
	require.InDelta(t, 5, *f.Min, 0)

	chosen := f.Values[1].Range
	again := facet(search.Query{Facets: []search.Facet{search.Buckets("price", 6)}, Filters: search.Filters{search.Range("price", chosen), search.In("colour", "red")}})
	selected := 0
	for _, v := range again.Values {
		if v.Selected {
			selected++
			require.Equal(t, chosen, v.Range)
			require.Equal(t, find(t, ix, search.Query{Filters: search.Filters{search.Range("price", chosen), search.In("colour", "red")}}).Total, v.Count)
		}
	}
	require.Equal(t, 1, selected, "the chosen interval stays")
	require.Empty(t, facet(search.Query{Text: "nothing like it", Exact: true, Facets: []search.Facet{search.Buckets("price", 6)}}).Values)
	require.Empty(t, facet(search.Query{Filters: search.Filters{search.IDs("7")}, Facets: []search.Facet{search.Buckets("price", 6)}}).Values, "one value is nothing to choose from")
	for _, bad := range []search.Facet{search.Buckets("price", 1), search.Buckets("price", 100), search.Buckets("colour", 5)} {
		_, err := ix.Search(t.Context(), search.Query{Facets: []search.Facet{bad}})
		requireInvalid(t, err, "Facets[0]")
	}
}

func testTrail(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	r := find(t, ix, search.Query{Facets: search.Trail("category", "Food > Tea"), Filters: search.Filters{search.Under("category", "Food > Tea")}})
	require.Len(t, r.Facets, 3)
	require.Contains(t, selected(t, r, "category"), "Food")
	require.Contains(t, selected(t, r, "category/1"), "Tea")
	require.Contains(t, counts(t, r, "category"), "Books", "its siblings can be chosen instead")
	require.Len(t, search.Trail("category", ""), 1)
}

func testQueryLog(t *testing.T, h Harness) {
	var log []search.QueryEvent
	ix := h.shop(t, &search.Options{QueryLog: func(_ context.Context, e search.QueryEvent) { log = append(log, e) }})
	q := search.Query{Text: "Ｔea! ", Limit: 2, Facets: []search.Facet{{Field: "brand"}, search.Buckets("price", 4)}, Filters: search.Filters{search.Exists("title")}}
	r := find(t, ix, q)
	require.Len(t, log, 1, "once a search, whatever it asks besides")
	require.Equal(t, "tea", log[0].Key)
	require.Equal(t, r.Total, log[0].Total)
	require.Equal(t, ids(r.Hits), log[0].Hits)
	require.False(t, log[0].Next)
	q.Cursor = r.Next
	find(t, ix, q)
	require.True(t, log[1].Next)
	find(t, ix, search.Query{Text: "hedphones"})
	require.Equal(t, "headphones", log[2].Corrected)
	_, err := ix.Suggest(t.Context(), search.SuggestQuery{Text: "tea"})
	require.NoError(t, err)
	_, err = ix.Similar(t.Context(), "tea-01", nil)
	require.NoError(t, err)
	_, err = ix.Search(t.Context(), search.Query{Sort: []search.Sort{{Field: "colour"}}})
	require.Error(t, err)
	require.Len(t, log, 3, "only searches that were answered")
}

func testWithoutFilters(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	r := find(t, ix, search.Query{Text: "longjing", Filters: search.Filters{search.In("brand", "nobody")}, Exact: true})
	require.Zero(t, r.Total)
	require.Equal(t, 1, r.WithoutFilters)
	require.Zero(t, find(t, ix, search.Query{Text: "longjing", Filters: search.Filters{search.Exists("title")}}).WithoutFilters)
	require.Zero(t, find(t, ix, search.Query{Text: "qzxqzx", Filters: search.Filters{search.Exists("title")}}).WithoutFilters)
}

// testDeleteDuringScroll walks by cursor while documents go, before and after the place, and come.
func testDeleteDuringScroll(t *testing.T, h Harness) {
	ix := h.open(t, variants, nil)
	put(t, ix, numberedTitles(100)...)
	q := search.Query{Text: "thing", Exact: true, Sort: []search.Sort{{Field: "price"}}, Limit: 10}
	seen := map[string]int{}
	for page := 0; ; page++ {
		r := find(t, ix, q)
		for _, hit := range r.Hits {
			seen[hit.ID]++
		}
		switch page {
		case 1:
			remove(t, ix, "d003", "d019", "d020", "d055") // read, the last read, the next one, ahead
		case 2:
			put(t, ix, search.Document{ID: "late", Fields: map[string]any{"title": "thing", "price": 1e6}}, search.Document{ID: "early", Fields: map[string]any{"title": "thing", "price": -1}})
		}
		if q.Cursor = r.Next; q.Cursor == "" {
			break
		}
	}
	for id, n := range seen {
		require.Equal(t, 1, n, "no document comes twice: %s", id)
	}
	require.Equal(t, 1, seen["late"])
	require.NotContains(t, seen, "early")
	require.NotContains(t, seen, "d020")
	require.NotContains(t, seen, "d055")
	require.Len(t, seen, 99, "nothing else is missed")
}

func numberedTitles(n int) []search.Document {
	docs := make([]search.Document, n)
	for i := range docs {
		docs[i] = search.Document{ID: fmt.Sprintf("d%03d", i), Fields: map[string]any{"title": "thing", "price": i}}
	}
	return docs
}
