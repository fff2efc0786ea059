package searchtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/search"
)

// testModel compares random queries on random documents with what plain Go finds.
func testModel(t *testing.T, h Harness) {
	schema := search.Schema{Fields: []search.Field{
		{Name: "words", Kind: search.Text, Language: "und"},
		{Name: "key", Kind: search.Keyword, Facet: true, Sort: true},
		{Name: "number", Kind: search.Number, Facet: true, Sort: true},
		{Name: "flag", Kind: search.Bool, Facet: true, Sort: true},
		{Name: "path", Kind: search.Category, Facet: true},
	}}
	ix := h.open(t, schema, nil)
	docs := map[string]search.Document{}
	rapid.Check(t, func(t *rapid.T) {
		if len(docs) == 0 || rapid.IntRange(0, 4).Draw(t, "change") == 0 {
			changeModel(t, ix, docs)
		}
		for range 5 {
			checkModel(t, ix, docs)
		}
	})
}

var (
	modelWords   = []string{"ant", "bee", "cat", "dog", "eel", "fox"}
	modelKeys    = []string{"a", "B", "b", "c", "é", "z z"}
	modelNumbers = []float64{-2.5, -1, 0, 1, 1.5, 2, 1e9}
	modelPaths   = []string{"x", "x > y", "x > y > z", "x > yy", "w", "w > y"}
)

func changeModel(t *rapid.T, ix *search.Index, docs map[string]search.Document) {
	var b search.Batch
	for range rapid.IntRange(1, 12).Draw(t, "changes") {
		id := fmt.Sprint("d", rapid.IntRange(0, 30).Draw(t, "id"))
		if rapid.IntRange(0, 5).Draw(t, "delete") == 0 {
			b.Delete(id)
			delete(docs, id)
			continue
		}
		doc := search.Document{ID: id, Fields: map[string]any{}}
		if words := rapid.SliceOfN(rapid.SampledFrom(modelWords), 0, 5).Draw(t, "words"); len(words) > 0 {
			doc.Fields["words"] = strings.Join(words, " ")
		}
		doc.Fields["key"] = rapid.SliceOfN(rapid.SampledFrom(modelKeys), 0, 2).Draw(t, "key")
		doc.Fields["number"] = rapid.SliceOfN(rapid.SampledFrom(modelNumbers), 0, 2).Draw(t, "number")
		doc.Fields["path"] = rapid.SliceOfN(rapid.SampledFrom(modelPaths), 0, 2).Draw(t, "path")
		if rapid.Bool().Draw(t, "has flag") {
			doc.Fields["flag"] = rapid.Bool().Draw(t, "flag")
		}
		b.Put(doc)
		docs[id] = doc
	}
	require.NoError(t, ix.Write(t.Context(), &b, &search.WriteOptions{Visible: true}))
}

func checkModel(t *rapid.T, ix *search.Index, docs map[string]search.Document) {
	q := search.Query{
		Text:    strings.Join(rapid.SliceOfN(rapid.SampledFrom(modelWords), 0, 3).Draw(t, "text"), " "),
		Match:   rapid.SampledFrom([]search.Match{search.MatchAll, search.MatchAny}).Draw(t, "match"),
		Exact:   true,
		Filters: drawFilters(t),
		Sort:    rapid.SampledFrom(modelSorts).Draw(t, "sort"),
		Facets: []search.Facet{{Field: "key", Size: 100}, {Field: "number", Size: 100}, {Field: "flag"}, search.Ranges("number", -1, 1, 2),
			{Field: "path", Size: 100}, {Field: "path", Name: "below", Parent: "x", Size: 100}, {Field: "key", Name: "narrow", Conjunctive: true, Size: 100}},
	}
	q.Facets[3].Name = "ranges"
	q.Limit = 100
	r, err := ix.Search(t.Context(), q)
	require.NoError(t, err)

	want := expectIDs(docs, q)
	require.Equal(t, len(want), r.Total)
	if q.Sort == nil && q.Text != "" {
		got := ids(r.Hits)
		slices.Sort(got)
		slices.Sort(want)
		require.Equal(t, want, got)
		require.True(t, slices.IsSortedFunc(r.Hits, func(a, b search.Hit) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
		}), "by score, then by ID")
	} else {
		require.Equal(t, want, ids(r.Hits))
	}
	for i, f := range q.Facets {
		require.Equal(t, expectFacet(docs, q, f), counted(r.Facets[i]), f.Name+" "+f.Field)
	}
	whole := ids(r.Hits)
	q.Facets, q.Limit = nil, rapid.IntRange(1, 9).Draw(t, "page")
	var walked []string
	for {
		page, err := ix.Search(t.Context(), q)
		require.NoError(t, err)
		walked = append(walked, ids(page.Hits)...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	require.Equal(t, whole, append([]string{}, walked...), "page by page")
	q.Cursor, q.Offset = "", rapid.IntRange(0, 40).Draw(t, "offset")
	page, err := ix.Search(t.Context(), q)
	require.NoError(t, err)
	from := min(q.Offset, len(whole))
	require.Equal(t, whole[from:min(from+q.Limit, len(whole))], ids(page.Hits))
}

var modelSorts = [][]search.Sort{nil, {search.ByID}, {{Field: "_id", Desc: true}}, {{Field: "key"}}, {{Field: "number", Desc: true}},
	{{Field: "flag"}, {Field: "number"}}, {{Field: "key", Desc: true}, {Field: "flag", Desc: true}}}

func drawFilters(t *rapid.T) search.Filters {
	var filters search.Filters
	for range rapid.IntRange(0, 3).Draw(t, "filters") {
		var f search.Filter
		switch rapid.IntRange(0, 6).Draw(t, "kind of filter") {
		case 0:
			f = search.In("key", rapid.SliceOfN(rapid.SampledFrom(modelKeys), 0, 3).Draw(t, "keys"))
		case 1:
			f = search.In("number", rapid.SampledFrom(modelNumbers).Draw(t, "number"))
		case 2:
			f = search.In("flag", rapid.Bool().Draw(t, "flag"))
		case 3:
			f = search.Under("path", rapid.SampledFrom(modelPaths).Draw(t, "path"))
		case 4:
			f = search.Exists(rapid.SampledFrom([]string{"words", "key", "number", "flag", "path"}).Draw(t, "field"))
		case 5:
			low, high := rapid.SampledFrom(modelNumbers).Draw(t, "low"), rapid.SampledFrom(modelNumbers).Draw(t, "high")
			if low > high {
				low, high = high, low
			}
			bounds := []search.Bounds{{GTE: low, LTE: high}, {GTE: low}, {GT: low}, {LTE: high}, {LT: high}}
			f = search.Range("number", rapid.SampledFrom(bounds).Draw(t, "bounds"))
		case 6:
			f = search.IDs("d1", "d2", fmt.Sprint("d", rapid.IntRange(0, 40).Draw(t, "id")))
		}
		if rapid.IntRange(0, 3).Draw(t, "not") == 0 {
			f = search.Not(f)
		}
		filters = append(filters, f)
	}
	return filters
}

func values[T any](doc search.Document, field string) []T {
	list, _ := doc.Fields[field].([]T)
	return list
}

// facetTexts are the values of a document as a facet writes them.
func facetTexts(doc search.Document, field string) []string {
	set := map[string]bool{}
	switch field {
	case "key":
		for _, v := range values[string](doc, field) {
			set[v] = true
		}
	case "number":
		for _, v := range values[float64](doc, field) {
			set[search.FormatNumber(v)] = true
		}
	case "flag":
		if v, ok := doc.Fields[field].(bool); ok {
			set[fmt.Sprint(v)] = true
		}
	case "path":
		for _, v := range values[string](doc, field) {
			levels := strings.Split(v, search.PathSeparator)
			for i := range levels {
				set[strings.Join(levels[:i+1], search.PathSeparator)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func inBounds(n float64, b search.Bounds) bool {
	return (b.GTE == nil || n >= number(b.GTE)) && (b.GT == nil || n > number(b.GT)) &&
		(b.LTE == nil || n <= number(b.LTE)) && (b.LT == nil || n < number(b.LT))
}

func number(v any) float64 {
	if i, ok := v.(int); ok {
		return float64(i)
	}
	return v.(float64)
}

func passes(doc search.Document, f search.Filter) bool {
	hit := false
	switch f.Op {
	case search.FilterIn:
		for _, v := range f.Values {
			list, many := v.([]string)
			if !many {
				list = []string{fmt.Sprint(v)}
				if n, ok := v.(float64); ok {
					list[0] = search.FormatNumber(n)
				}
			}
			for _, wanted := range list {
				hit = hit || slices.Contains(facetTexts(doc, f.Field), wanted)
			}
		}
	case search.FilterRange:
		for _, n := range values[float64](doc, f.Field) {
			hit = hit || inBounds(n, f.Ranges[0])
		}
	case search.FilterExists:
		words, _ := doc.Fields["words"].(string)
		hit = len(facetTexts(doc, f.Field)) > 0 || f.Field == "words" && words != ""
	case search.FilterIDs:
		hit = slices.Contains(f.Values, any(doc.ID))
	}
	return hit != f.Negate
}

func matches(doc search.Document, q search.Query) bool {
	text, _ := doc.Fields["words"].(string)
	have := strings.Fields(text)
	wanted := strings.Fields(q.Text)
	found := 0
	for _, w := range wanted {
		if slices.Contains(have, w) {
			found++
		}
	}
	if q.Match == search.MatchAny {
		return len(wanted) == 0 || found > 0
	}
	return found == len(wanted)
}

func selectDocs(docs map[string]search.Document, q search.Query, keep func(search.Filter) bool) []search.Document {
	var list []search.Document
	for _, id := range slices.Sorted(maps.Keys(docs)) {
		doc := docs[id]
		ok := matches(doc, q)
		for _, f := range q.Filters {
			ok = ok && (!keep(f) || passes(doc, f))
		}
		if ok {
			list = append(list, doc)
		}
	}
	return list
}

func expectIDs(docs map[string]search.Document, q search.Query) []string {
	list := selectDocs(docs, q, func(search.Filter) bool { return true })
	slices.SortStableFunc(list, func(a, b search.Document) int {
		for _, s := range q.Sort {
			if c := compareBy(a, b, s); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
	found := []string{}
	for _, d := range list {
		found = append(found, d.ID)
	}
	return found
}

func compareBy(a, b search.Document, s search.Sort) int {
	switch s.Field {
	case "_id":
		if s.Desc {
			return cmp.Compare(b.ID, a.ID)
		}
		return cmp.Compare(a.ID, b.ID)
	case "number":
		return compareLists(values[float64](a, "number"), values[float64](b, "number"), s.Desc)
	}
	return compareLists(facetTexts(a, s.Field), facetTexts(b, s.Field), s.Desc)
}

func compareLists[T cmp.Ordered](a, b []T, descending bool) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return cmp.Compare(len(b), len(a)) * boolSign(len(a) == 0 != (len(b) == 0))
	case descending:
		return cmp.Compare(slices.Max(b), slices.Max(a))
	}
	return cmp.Compare(slices.Min(a), slices.Min(b))
}

func boolSign(differ bool) int {
	if differ {
		return 1
	}
	return 0
}

func expectFacet(docs map[string]search.Document, q search.Query, f search.Facet) map[string]int {
	own := func(filter search.Filter) bool {
		return filter.Field == f.Field && !filter.Negate && (filter.Op == search.FilterIn || filter.Op == search.FilterRange)
	}
	counts := map[string]int{}
	for _, filter := range q.Filters {
		if own(filter) && len(f.Ranges) == 0 {
			for _, doc := range filter.Values {
				for _, v := range facetList(doc) {
					if inFacet(f, v) {
						counts[v] = 0
					}
				}
			}
		}
	}
	for _, b := range f.Ranges {
		counts[b.String()] = 0
	}
	for _, doc := range selectDocs(docs, q, func(filter search.Filter) bool { return f.Conjunctive || !own(filter) }) {
		for _, v := range facetTexts(doc, f.Field) {
			if len(f.Ranges) == 0 && inFacet(f, v) {
				counts[v]++
			}
		}
		for _, b := range f.Ranges {
			if slices.ContainsFunc(values[float64](doc, f.Field), func(n float64) bool { return inBounds(n, b) }) {
				counts[b.String()]++
			}
		}
	}
	return counts
}

func facetList(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case float64:
		return []string{search.FormatNumber(v)}
	}
	return []string{fmt.Sprint(v)}
}

func inFacet(f search.Facet, value string) bool {
	if f.Field != "path" {
		return true
	}
	parent, _, nested := cutLast(value)
	return f.Parent == "" && !nested || nested && parent == f.Parent
}

func cutLast(path string) (parent, last string, nested bool) {
	i := strings.LastIndex(path, search.PathSeparator)
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+len(search.PathSeparator):], true
}

func counted(f search.FacetResult) map[string]int {
	counts := map[string]int{}
	for _, v := range f.Values {
		if v.Value == "" {
			counts[v.Label] = v.Count
		} else {
			counts[v.Value] = v.Count
		}
	}
	return counts
}
