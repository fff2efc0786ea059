package searchtest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

func testFilters(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for name, test := range map[string]struct {
		filters search.Filters
		want    []string
	}{
		"in":                  {search.Filters{search.In("brand", "Nova", "Stride")}, []string{"phone-01", "phone-02", "laptop-01", "shoe-01", "watch-01"}},
		"in, a slice":         {search.Filters{search.In("brand", []string{"Nova", "Stride"})}, []string{"phone-01", "phone-02", "laptop-01", "shoe-01", "watch-01"}},
		"in, with case":       {search.Filters{search.In("brand", "nova")}, nil},
		"in, nothing":         {search.Filters{search.In("brand")}, nil},
		"in, many values":     {search.Filters{search.In("tags", "linen", "leather")}, []string{"shirt-01", "case-02"}},
		"in, a number":        {search.Filters{search.In("price", 39, 215.5)}, []string{"lamp-02", "tea-03"}},
		"in, a bool":          {search.Filters{search.In("stock", false)}, []string{"tea-03", "phone-02", "audio-03"}},
		"in, a date":          {search.Filters{search.In("released", day(2025, 9, 20))}, []string{"phone-01", "phone-02"}},
		"ids":                 {search.Filters{search.IDs("tea-01", "nobody", "cup-01")}, []string{"tea-01", "cup-01"}},
		"under a root":        {search.Filters{search.Under("category", "Food")}, []string{"tea-01", "tea-02", "tea-03", "kimchi-01"}},
		"under a leaf":        {search.Filters{search.Under("category", "Electronics > Phones > Cases")}, []string{"case-01", "case-02"}},
		"under, not a prefix": {search.Filters{search.Under("category", "Electronics > Pho")}, nil},
		"under two":           {search.Filters{search.Under("category", "Books", "Toys")}, []string{"book-01", "book-02", "doll-01"}},
		"gte":                 {search.Filters{search.Range("price", search.Bounds{GTE: 5299})}, []string{"phone-01", "phone-02", "laptop-01"}},
		"gt":                  {search.Filters{search.Range("price", search.Bounds{GT: 5299})}, []string{"phone-01", "laptop-01"}},
		"lte":                 {search.Filters{search.Range("price", search.Bounds{LTE: 36})}, []string{"book-01", "kimchi-01"}},
		"lt":                  {search.Filters{search.Range("price", search.Bounds{LT: 36})}, []string{"book-01"}},
		"between":             {search.Filters{search.Range("price", search.Bounds{GTE: 32, LT: 39})}, []string{"book-01", "kimchi-01"}},
		"a point":             {search.Filters{search.Range("price", search.Bounds{GTE: 39, LTE: 39})}, []string{"lamp-02"}},
		"a fraction":          {search.Filters{search.Range("price", search.Bounds{GT: 215, LT: 216})}, []string{"tea-03"}},
		"two ranges":          {search.Filters{search.Range("price", search.Bounds{LT: 36}, search.Bounds{GT: 8000})}, []string{"book-01", "laptop-01"}},
		"dates":               {search.Filters{search.Range("released", search.Bounds{LT: day(2000, 1, 1)})}, []string{"book-01"}},
		"dates as text":       {search.Filters{search.Range("released", search.Bounds{GT: "2025-10-01T00:00:00Z"})}, []string{"case-02"}},
		"exists":              {search.Filters{search.Not(search.Exists("rating"))}, []string{"doll-01", "plain-01"}},
		"exists, text":        {search.Filters{search.Not(search.Exists("description"))}, []string{"plain-01"}},
		"not in":              {search.Filters{search.Under("category", "Food"), search.Not(search.In("brand", "Hangzhou Hills"))}, []string{"tea-03", "kimchi-01"}},
		"not, twice":          {search.Filters{search.Not(search.Not(search.In("brand", "Seoul Kitchen")))}, []string{"kimchi-01"}},
		"not range":           {search.Filters{search.Under("category", "Food"), search.Not(search.Range("price", search.Bounds{LT: 100}))}, []string{"tea-01", "tea-03"}},
		"not ids":             {search.Filters{search.In("brand", "Nova"), search.Not(search.IDs("phone-01"))}, []string{"phone-02", "laptop-01"}},
		"all of them":         {search.Filters{search.In("stock", true), search.In("tags", "gift"), search.Range("price", search.Bounds{GT: 50})}, []string{"tea-01", "tea-02"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := find(t, ix, search.Query{Filters: test.filters, Limit: 100})
			require.ElementsMatch(t, test.want, ids(r.Hits))
			require.Equal(t, len(test.want), r.Total)
		})
	}
	r := find(t, ix, search.Query{Text: "tea", Exact: true, Filters: search.Filters{search.In("tags", "gift")}})
	require.ElementsMatch(t, []string{"tea-01", "tea-02", "cup-01", "book-01"}, ids(r.Hits))
}

func testFacets(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	brand := search.Facet{Field: "brand", Size: 50}
	stock := search.Facet{Field: "stock"}

	all := find(t, ix, search.Query{Facets: []search.Facet{brand, stock, {Field: "category"}, {Field: "rating", Size: 100}}})
	require.Equal(t, 3, counts(t, all, "brand")["Shellworks"])
	require.Equal(t, map[string]int{"true": 25, "false": 3}, counts(t, all, "stock"))
	require.Equal(t, map[string]int{"Electronics": 14, "Food": 4, "Home": 4, "Clothing": 3, "Books": 2, "Toys": 1}, counts(t, all, "category"))
	missing, _ := all.Facet("brand")
	require.Equal(t, 1, missing.Missing)
	rating, _ := all.Facet("rating")
	require.InDelta(t, 3.8, *rating.Min, 0)
	require.InDelta(t, 4.9, *rating.Max, 0)
	require.Equal(t, 2, rating.Missing)
	require.Equal(t, 4, counts(t, all, "rating")["4.4"])

	t.Run("order and size", func(t *testing.T) {
		r := find(t, ix, search.Query{Facets: []search.Facet{{Field: "brand", Size: 3}}})
		f, _ := r.Facet("brand")
		require.Equal(t, []string{"Nova", "Shellworks", "Sonora"}, []string{f.Values[0].Value, f.Values[1].Value, f.Values[2].Value}, "equal counts in the order of the values")
		require.Len(t, f.Values, 3)
		require.Equal(t, len(counts(t, all, "brand")), f.Distinct)
	})
	t.Run("disjunctive", func(t *testing.T) {
		r := find(t, ix, search.Query{Facets: []search.Facet{brand, stock, {Field: "tags", Size: 2}},
			Filters: search.Filters{search.In("brand", "Nova"), search.In("stock", true), search.In("tags", "felt")}})
		require.Zero(t, r.Total)
		require.Equal(t, map[string]int{"Shellworks": 1, "Nova": 0}, counts(t, r, "brand"), "without the own filter, and what is chosen stays")
		require.Equal(t, map[string]int{"true": 0}, counts(t, r, "stock"))
		require.Equal(t, []string{"Nova"}, selected(t, r, "brand"))
		require.Equal(t, []string{"felt"}, selected(t, r, "tags"))
		require.Equal(t, map[string]int{"new": 2, "5g": 1, "felt": 0}, counts(t, r, "tags"), "beyond its size too")
	})
	t.Run("conjunctive", func(t *testing.T) {
		r := find(t, ix, search.Query{Filters: search.Filters{search.In("tags", "bluetooth")},
			Facets: []search.Facet{{Field: "tags", Conjunctive: true}, {Field: "tags", Name: "other", Size: 100}}})
		require.Equal(t, map[string]int{"bluetooth": 3, "noise-cancelling": 1}, counts(t, r, "tags"))
		require.Greater(t, len(counts(t, r, "other")), 10)
	})
	t.Run("negated filters always hold", func(t *testing.T) {
		r := find(t, ix, search.Query{Filters: search.Filters{search.Not(search.In("brand", "Nova")), search.Exists("brand")}, Facets: []search.Facet{brand}})
		require.NotContains(t, counts(t, r, "brand"), "Nova")
		require.Empty(t, selected(t, r, "brand"))
	})
	t.Run("categories", func(t *testing.T) {
		r := find(t, ix, search.Query{Filters: search.Filters{search.Under("category", "Electronics > Audio")}, Facets: []search.Facet{
			{Field: "category"}, {Field: "category", Name: "electronics", Parent: "Electronics"}, {Field: "category", Name: "audio", Parent: "Electronics > Audio"}}})
		require.Equal(t, 3, r.Total)
		require.Equal(t, []string{"Electronics"}, selected(t, r, "category"))
		require.Equal(t, []string{"Audio"}, selected(t, r, "electronics"))
		require.Equal(t, 4, counts(t, r, "electronics")["Electronics > Computers"])
		require.Equal(t, map[string]int{"Electronics > Audio > Headphones": 2, "Electronics > Audio > Speakers": 1}, counts(t, r, "audio"))
	})
	t.Run("ranges", func(t *testing.T) {
		r := find(t, ix, search.Query{Facets: []search.Facet{search.Ranges("price", 50, 100, 1000)},
			Filters: search.Filters{search.Range("price", search.Bounds{GTE: 50, LT: 100}), search.In("stock", true)}})
		f, _ := r.Facet("price")
		var got []int
		var chosen []bool
		var labels []string
		for _, v := range f.Values {
			got, chosen, labels = append(got, v.Count), append(chosen, v.Selected), append(labels, v.Label)
		}
		require.Equal(t, []int{4, 6, 11, 4}, got)
		require.Equal(t, []bool{false, true, false, false}, chosen)
		require.Equal(t, []string{"< 50", "50 – 100", "100 – 1000", "≥ 1000"}, labels)
		require.Equal(t, got[1], r.Total)
		dates := search.Ranges("released", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
		f, _ = find(t, ix, search.Query{Facets: []search.Facet{dates}}).Facet("released")
		require.Equal(t, []int{1, 19, 7}, []int{f.Values[0].Count, f.Values[1].Count, f.Values[2].Count})
		require.Equal(t, 2, f.Missing)
	})
	t.Run("search in a facet", func(t *testing.T) {
		r := find(t, ix, search.Query{Facets: []search.Facet{{Field: "brand", Contains: "LI"}, {Field: "tags", Contains: "ＵＳＢ"}}})
		require.Equal(t, map[string]int{"Keylight": 2}, counts(t, r, "brand"))
		require.Equal(t, map[string]int{"usb-c": 2}, counts(t, r, "tags"))
	})
	t.Run("with text, and none of the hits", func(t *testing.T) {
		r := find(t, ix, search.Query{Text: "headphones", Limit: -1, Exact: true, Facets: []search.Facet{brand}})
		require.Equal(t, map[string]int{"Sonora": 2}, counts(t, r, "brand"))
		require.Empty(t, r.Hits)
		require.Equal(t, 2, r.Total)
	})
	_, ok := all.Facet("colour")
	require.False(t, ok)
}

func testSort(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	all := find(t, ix, search.Query{Limit: 100})
	require.True(t, slices.IsSorted(ids(all.Hits)), "everything is in the order of the IDs")
	require.Len(t, all.Hits, len(Corpus()))

	for _, descending := range []bool{false, true} {
		r := find(t, ix, search.Query{Limit: 100, Sort: []search.Sort{{Field: "price", Desc: descending}}})
		require.Len(t, r.Hits, len(Corpus()))
		require.Equal(t, "plain-01", r.Hits[len(r.Hits)-1].ID, "what has no price comes last")
		for i := 1; i+1 < len(r.Hits); i++ {
			a, b := r.Hits[i-1].Number("price"), r.Hits[i].Number("price")
			if descending {
				a, b = b, a
			}
			require.LessOrEqual(t, a, b)
			require.Zero(t, r.Hits[i].Score)
		}
	}
	r := find(t, ix, search.Query{Limit: 100, Sort: []search.Sort{{Field: "brand"}, {Field: "price", Desc: true}}})
	require.Equal(t, []string{"shirt-01", "shirt-02", "tea-01", "tea-02", "book-02", "book-01"}, ids(r.Hits)[:6])
	r = find(t, ix, search.Query{Limit: 4, Sort: []search.Sort{{Field: "released", Desc: true}}})
	require.Equal(t, []string{"case-02", "case-01", "phone-01", "phone-02"}, ids(r.Hits), "equal ones in the order of their IDs")
	r = find(t, ix, search.Query{Limit: 3, Sort: []search.Sort{{Field: "stock"}, search.ByID}})
	require.Equal(t, []string{"audio-03", "phone-02", "tea-03"}, ids(r.Hits))
	r = find(t, ix, search.Query{Limit: 2, Sort: []search.Sort{{Field: "_id", Desc: true}}})
	require.Equal(t, []string{"watch-01", "tea-03"}, ids(r.Hits))
	r = find(t, ix, search.Query{Text: "tea", Exact: true, Sort: []search.Sort{{Field: "stock", Desc: true}, search.Relevance}})
	require.Equal(t, "tea-03", r.Hits[len(r.Hits)-1].ID)
	require.NotZero(t, r.Hits[0].Score)

	t.Run("several values", func(t *testing.T) {
		many := h.open(t, Schema(), nil)
		put(t, many, search.Document{ID: "1-9", Fields: map[string]any{"price": []int{9, 1}}}, search.Document{ID: "5", Fields: map[string]any{"price": 5}},
			search.Document{ID: "2--3", Fields: map[string]any{"price": []float64{2, -3}}})
		require.Equal(t, []string{"2--3", "1-9", "5"}, ids(find(t, many, search.Query{Sort: []search.Sort{{Field: "price"}}}).Hits), "the least counts")
		require.Equal(t, []string{"1-9", "5", "2--3"}, ids(find(t, many, search.Query{Sort: []search.Sort{{Field: "price", Desc: true}}}).Hits), "or the greatest")
	})
}

// walk reads all pages by cursor.
func walk(t testing.TB, ix *search.Index, q search.Query) []string {
	t.Helper()
	var list []string
	for range 1000 {
		r := find(t, ix, q)
		list = append(list, ids(r.Hits)...)
		if q.Cursor = r.Next; q.Cursor == "" {
			return list
		}
		q.Offset = 0
	}
	t.Fatal("the pages do not end")
	return nil
}

func testPages(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	for name, q := range map[string]search.Query{
		"everything": {},
		"text":       {Text: "tea cup headphones phone", Match: search.MatchAny},
		"relaxed":    {Text: "tea qzxqzx xqzxqz"},
		"corrected":  {Text: "hedphones"},
		"filtered":   {Filters: search.Filters{search.In("stock", true)}},
		"price":      {Sort: []search.Sort{{Field: "price"}}},
		"rating":     {Sort: []search.Sort{{Field: "rating", Desc: true}, {Field: "released"}}},
		"brand":      {Sort: []search.Sort{{Field: "brand", Desc: true}}},
		"mixed":      {Text: "tea", Exact: true, Sort: []search.Sort{{Field: "stock"}, search.Relevance}},
		"ids":        {Sort: []search.Sort{{Field: "_id", Desc: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := q
			whole.Limit = 100
			all := find(t, ix, whole)
			want := ids(all.Hits)
			require.Len(t, want, all.Total)
			require.Empty(t, all.Next)
			for _, size := range []int{1, 2, 3, 7, len(want)} {
				q.Limit = size
				require.Equal(t, want, walk(t, ix, q), "by cursor, %d at a time", size)
				var paged []string
				for offset := 0; offset < all.Total; offset += size {
					q.Offset = offset
					r := find(t, ix, q)
					require.Equal(t, all.Total, r.Total)
					paged = append(paged, ids(r.Hits)...)
				}
				q.Offset = 0
				require.Equal(t, want, paged, "by offset, %d at a time", size)
			}
			q.Offset, q.Limit = all.Total+5, 10
			past := find(t, ix, q)
			require.Empty(t, past.Hits, "a page past the end is empty")
			require.Equal(t, all.Total, past.Total)
			require.Empty(t, past.Next)
		})
	}

	t.Run("a cursor is not moved by changes", func(t *testing.T) {
		many := h.open(t, Schema(), nil)
		put(t, many, numbered(0, 30)...)
		q := search.Query{Limit: 10, Sort: []search.Sort{{Field: "price"}}}
		first := find(t, many, q)
		remove(t, many, ids(first.Hits)...)
		put(t, many, search.Document{ID: "new", Fields: map[string]any{"price": -1}})
		q.Cursor = first.Next
		second := find(t, many, q)
		require.InDelta(t, 10, second.Hits[0].Number("price"), 0)
		require.Len(t, second.Hits, 10)
	})
	t.Run("what is returned", func(t *testing.T) {
		hit := find(t, ix, search.Query{Text: "longjing", Return: []string{"price"}, Highlight: []string{"title"}}).Hits[0]
		require.Equal(t, map[string]any{"price": 128.0}, hit.Fields)
		require.Contains(t, hit.Highlight["title"], "<mark>")
		require.Empty(t, find(t, ix, search.Query{Text: "longjing", Return: []string{}}).Hits[0].Fields)
		whole := find(t, ix, search.Query{Text: "longjing"}).Hits[0]
		require.Equal(t, "Hangzhou Hills", whole.String("brand"))
		require.Equal(t, []string{"organic", "gift"}, whole.Fields["tags"])
		require.NotContains(t, whole.Fields, "sku", "it is not stored")
	})
}

func numbered(from, to int) []search.Document {
	var docs []search.Document
	for i := from; i < to; i++ {
		docs = append(docs, search.Document{ID: "n" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)),
			Fields: map[string]any{"title": "number", "price": i}})
	}
	return docs
}
