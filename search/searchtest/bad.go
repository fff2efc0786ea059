package searchtest

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

func testBadInput(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	many := make(search.Filters, 10_000)
	for i := range many {
		many[i] = search.Exists("title")
	}
	values := make([]any, 5000)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	facets := make([]search.Facet, 100)
	for i := range facets {
		facets[i] = search.Facet{Field: "brand", Name: fmt.Sprint(i)}
	}
	bounds := func(b search.Bounds) search.Query {
		return search.Query{Filters: search.Filters{search.Range("price", b)}}
	}
	facet := func(f search.Facet) search.Query { return search.Query{Facets: []search.Facet{f}} }
	for name, test := range map[string]struct {
		query search.Query
		field string
	}{
		"text of 1 MB":           {search.Query{Text: strings.Repeat("tea ", 1<<18)}, "Text"},
		"unknown match":          {search.Query{Match: "some"}, "Match"},
		"10,000 filters":         {search.Query{Filters: many}, "Filters"},
		"filter, unknown field":  {search.Query{Filters: search.Filters{search.In("colour", "red")}}, "Filters[0]"},
		"filter, text field":     {search.Query{Filters: search.Filters{search.In("title", "tea")}}, "Filters[0]"},
		"filter, wrong type":     {search.Query{Filters: search.Filters{search.In("price", "12")}}, "Filters[0]"},
		"filter, many values":    {search.Query{Filters: search.Filters{search.In("brand", values...)}}, "Filters[0]"},
		"filter, many IDs":       {search.Query{Filters: search.Filters{{Op: search.FilterIDs, Values: values}}}, "Filters[0]"},
		"filter, odd ID":         {search.Query{Filters: search.Filters{{Op: search.FilterIDs, Values: []any{5}}}}, "Filters[0]"},
		"filter, no operation":   {search.Query{Filters: search.Filters{{Field: "brand"}}}, "Filters[0]"},
		"filter, control":        {search.Query{Filters: search.Filters{search.In("brand", "a\x00")}}, "Filters[0]"},
		"range, min over max":    {bounds(search.Bounds{GTE: 5, LTE: 4}), "Filters[0]"},
		"range, empty":           {bounds(search.Bounds{GT: 5, LTE: 5}), "Filters[0]"},
		"range, NaN":             {bounds(search.Bounds{GTE: math.NaN()}), "Filters[0]"},
		"range, infinite":        {bounds(search.Bounds{LTE: math.Inf(1)}), "Filters[0]"},
		"range, no bounds":       {bounds(search.Bounds{}), "Filters[0]"},
		"range, two lower":       {bounds(search.Bounds{GT: 1, GTE: 2}), "Filters[0]"},
		"range, two upper":       {bounds(search.Bounds{LT: 1, LTE: 2}), "Filters[0]"},
		"range, wrong type":      {bounds(search.Bounds{LT: "2020-01-01T00:00:00Z"}), "Filters[0]"},
		"range, keyword":         {search.Query{Filters: search.Filters{search.Range("brand", search.Bounds{GT: "a"})}}, "Filters[0]"},
		"range, none":            {search.Query{Filters: search.Filters{search.Range("price")}}, "Filters[0]"},
		"range, many":            {search.Query{Filters: search.Filters{search.Range("price", make([]search.Bounds, 100)...)}}, "Filters[0]"},
		"sort, text":             {search.Query{Sort: []search.Sort{{Field: "title"}}}, "Sort[0]"},
		"sort, unknown":          {search.Query{Sort: []search.Sort{search.Relevance, {Field: "colour"}}}, "Sort[1]"},
		"sort, not in schema":    {search.Query{Sort: []search.Sort{{Field: "category"}}}, "Sort[0]"},
		"sort, worst first":      {search.Query{Sort: []search.Sort{{Field: "_score"}}}, "Sort[0]"},
		"sort, many":             {search.Query{Sort: make([]search.Sort, 20)}, "Sort"},
		"facet, unknown":         {facet(search.Facet{Field: "colour"}), "Facets[0]"},
		"facet, text":            {facet(search.Facet{Field: "title"}), "Facets[0]"},
		"facet, not in schema":   {facet(search.Facet{Field: "sku"}), "Facets[0]"},
		"facet, size":            {facet(search.Facet{Field: "brand", Size: 1e6}), "Facets[0]"},
		"facet, negative size":   {facet(search.Facet{Field: "brand", Size: -1}), "Facets[0]"},
		"facet, parent":          {facet(search.Facet{Field: "brand", Parent: "x"}), "Facets[0]"},
		"facet, long text":       {facet(search.Facet{Field: "brand", Contains: strings.Repeat("x", 1e5)}), "Facets[0]"},
		"facet, dates":           {facet(search.Facet{Field: "released"}), "Facets[0]"},
		"facet, ranges of words": {facet(search.Ranges("brand", "a", "b")), "Facets[0]"},
		"facet, falling edges":   {facet(search.Ranges("price", 10, 5)), "Facets[0]"},
		"facet, twice":           {search.Query{Facets: []search.Facet{{Field: "brand"}, {Field: "brand"}}}, "Facets[1]"},
		"facet, many":            {search.Query{Facets: facets}, "Facets"},
		"limit":                  {search.Query{Limit: 100_000}, "Limit"},
		"negative limit":         {search.Query{Limit: -2}, "Limit"},
		"negative offset":        {search.Query{Offset: -1}, "Offset"},
		"deep offset":            {search.Query{Offset: 10_000}, "Offset"},
		"overflowing offset":     {search.Query{Offset: math.MaxInt}, "Offset"},
		"highlight, unknown":     {search.Query{Highlight: []string{"colour"}}, "Highlight"},
		"highlight, not stored":  {search.Query{Highlight: []string{"sku"}}, "Highlight"},
		"highlight, number":      {search.Query{Highlight: []string{"price"}}, "Highlight"},
		"return, unknown":        {search.Query{Return: []string{"colour"}}, "Return"},
		"return, not stored":     {search.Query{Return: []string{"sku"}}, "Return"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ix.Search(ctx, test.query)
			require.Nil(t, r)
			requireInvalid(t, err, test.field)
		})
	}
	for _, q := range []search.SuggestQuery{{Text: strings.Repeat("x", 1e6)}, {Queries: 1000}, {Hits: -5}, {Filters: many}, {Return: []string{"x"}}} {
		_, err := ix.Suggest(ctx, q)
		require.ErrorIs(t, err, search.ErrInvalid)
	}
	_, err := ix.Similar(ctx, "tea-01", &search.SimilarQuery{Limit: -3})
	requireInvalid(t, err, "Limit")

	t.Run("odd text is only text", func(t *testing.T) {
		for _, text := range []string{"\x00\x01\x02", "tea\x00\x1b[31m", "\xff\xfe", "a\u202eb", strings.Repeat("tea ", 1000), strings.Repeat("茶", 1300),
			strings.Repeat("x", 4000), "tea^1e9 OR _id:*", `{"match_all":{}}`, "<script>", "../../etc", "%00", strings.Repeat("(", 3000)} {
			r := find(t, ix, search.Query{Text: text, Highlight: []string{"title"}, Explain: true})
			for _, hit := range r.Hits {
				require.NotContains(t, hit.Highlight["title"], "<script")
			}
			_, err := ix.Suggest(ctx, search.SuggestQuery{Text: text})
			require.NoError(t, err)
		}
	})
	t.Run("an ended context", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err := ix.Search(ended, search.Query{Text: "tea"})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, ix.Put(ended, search.Document{ID: "late"}), context.Canceled)
		_, err = ix.Get(ctx, "late")
		require.ErrorIs(t, err, search.ErrNotFound)
	})
}

func testCursors(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	q := search.Query{Text: "tea", Limit: 2, Exact: true}
	next := find(t, ix, q).Next
	require.NotEmpty(t, next)
	with := func(change func(*search.Query)) search.Query {
		other := q
		other.Cursor = next
		change(&other)
		return other
	}
	for name, other := range map[string]search.Query{
		"text":    with(func(q *search.Query) { q.Text = "cup" }),
		"filter":  with(func(q *search.Query) { q.Filters = search.Filters{search.In("stock", true)} }),
		"sort":    with(func(q *search.Query) { q.Sort = []search.Sort{{Field: "price"}, search.Relevance} }),
		"match":   with(func(q *search.Query) { q.Match = search.MatchAny }),
		"exact":   with(func(q *search.Query) { q.Exact = false }),
		"offset":  with(func(q *search.Query) { q.Offset = 1 }),
		"garbage": with(func(q *search.Query) { q.Cursor = "garbage" }),
		"long":    with(func(q *search.Query) { q.Cursor = strings.Repeat("A", 1<<20) }),
		"cut":     with(func(q *search.Query) { q.Cursor = next[:len(next)-5] }),
		"newline": with(func(q *search.Query) { q.Cursor = next[:8] + "\n" + next[8:] }),
	} {
		_, err := ix.Search(ctx, other)
		require.ErrorIs(t, err, search.ErrInvalid, name)
	}
	same := with(func(q *search.Query) { q.Limit, q.Highlight, q.Return = 50, []string{"title"}, []string{} })
	require.NotEmpty(t, find(t, ix, same).Hits, "the size of the page and what is returned may change")

	t.Run("tampered", func(t *testing.T) {
		raw, err := base64.RawURLEncoding.DecodeString(next)
		require.NoError(t, err)
		for i := range raw {
			for _, bit := range []byte{1, 0x10, 0x80} {
				changed := append([]byte(nil), raw...)
				changed[i] ^= bit
				r, err := ix.Search(ctx, with(func(q *search.Query) { q.Cursor = base64.RawURLEncoding.EncodeToString(changed) }))
				if err != nil {
					require.ErrorIs(t, err, search.ErrInvalid)
					continue
				}
				require.LessOrEqual(t, len(r.Hits), 2, "another page of the same query at most")
			}
		}
	})
}
