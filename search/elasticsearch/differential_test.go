package elasticsearch_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

// Queries of one run of TestDifferential: checks of rapid, and queries in each.
const (
	differentialChecks  = 100
	differentialQueries = 20
)

// sameScore is how far two scores may be apart, in relation, to be one class: the
// servers compute in 32 bits.
const sameScore = 2e-5

// TestDifferential asks random queries of Elasticsearch and of Bleve. They must
// agree on everything but the order of hits whose scores differ by rounding alone.
func TestDifferential(t *testing.T) {
	t.Parallel()
	for name, server := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := searchtest.Schema()
			schema.Fields = append(schema.Fields, search.Field{Name: "model", Kind: search.Keyword, Collapse: true})
			docs := append(searchtest.Corpus(), invented(600)...)
			options := &search.Options{Synonyms: []search.Synonym{{Terms: []string{"phone", "mobile", "手机"}}}}
			bleve, err := blevesearch.OpenMemory(schema, &blevesearch.Options{Options: *options})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, bleve.Close()) })
			elastic := open(t, server, schema, options)
			for _, ix := range []*search.Index{bleve, elastic} {
				require.NoError(t, ix.Put(t.Context(), docs...))
				require.NoError(t, ix.Refresh(t.Context()))
			}
			d := differential{bleve: bleve, elastic: elastic}
			rapid.Check(t, func(t *rapid.T) {
				for range differentialQueries * differentialChecks / 100 {
					d.search(t)
				}
				d.suggest(t)
				d.similar(t)
			})
		})
	}
}

var (
	inventedWords = strings.Fields("wireless headphones bluetooth speaker phone case silicone leather wallet tea green jasmine black " +
		"kettle copper steel bottle lamp desk led battery charger usb cable running shoes men women cotton shirt watch smart " +
		"keyboard mechanical gaming mouse laptop stand wh-1000xm4 iphone15 s22 4k tv camera lens the for with")
	inventedRuns = []string{"手机", "苹果手机壳", "无线耳机", "绿茶", "龙井茶", "充电器", "ガンダム", "김치", "运动鞋", "壳"}
	inventedTags = []string{"new", "sale", "gift", "eco", "Ünï", "z z"}
	inventedPath = []string{"Electronics > Phones", "Electronics > Phones > Cases", "Electronics > Audio", "Food > Tea", "Home", "Home > Lamps"}
)

// invented returns documents that are the same every time.
func invented(n int) []search.Document {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	words := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = pick(inventedWords)
			if r.IntN(8) == 0 {
				list[i] += pick(inventedRuns)
			}
		}
		return strings.Join(list, " ")
	}
	docs := make([]search.Document, n)
	for i := range docs {
		fields := map[string]any{}
		if r.IntN(20) > 0 {
			fields["title"] = words(1 + r.IntN(12))
		}
		if r.IntN(3) > 0 {
			fields["description"] = words(r.IntN(80))
		}
		if r.IntN(4) > 0 {
			fields["brand"] = []string{"Nova", "Sonora", "Kiln & Co", "Zed", "apple"}[r.IntN(5)]
		}
		if r.IntN(5) > 0 {
			fields["category"] = pick(inventedPath)
			fields["price"] = float64(r.IntN(2000)) / 4
		}
		if r.IntN(3) > 0 {
			fields["tags"] = []string{pick(inventedTags), pick(inventedTags)}
			fields["stock"] = r.IntN(2) == 0
			fields["released"] = time.Unix(int64(r.IntN(2e9)), 0)
			fields["rating"] = float64(r.IntN(9)) / 2
		}
		if r.IntN(3) > 0 {
			fields["model"] = fmt.Sprint("m", r.IntN(n/4))
		}
		docs[i] = search.Document{ID: fmt.Sprintf("d%04d", i), Fields: fields}
	}
	return docs
}

type differential struct{ bleve, elastic *search.Index }

func (d differential) search(t *rapid.T) {
	q := drawQuery(t)
	want, err := d.bleve.Search(t.Context(), q)
	require.NoError(t, err)
	got, err := d.elastic.Search(t.Context(), q)
	require.NoError(t, err)
	shown := fmt.Sprintf("%+v", q)
	require.Equal(t, want.Steps, got.Steps, shown)
	require.Equal(t, []any{want.Total, want.Groups, want.Corrected, want.DidYouMean, want.Relaxed, want.Next == ""},
		[]any{got.Total, got.Groups, got.Corrected, got.DidYouMean, got.Relaxed, got.Next == ""}, shown)
	require.Equal(t, want.Facets, got.Facets, shown)
	requireSameClasses(t, want.Hits, got.Hits, shown)
}

// requireSameClasses compares hits class by class: within one the order may differ.
func requireSameClasses(t require.TestingT, want, got []search.Hit, shown string) {
	require.Len(t, got, len(want), shown)
	byID := map[string]search.Hit{}
	for _, h := range got {
		byID[h.ID] = h
	}
	for from := 0; from < len(want); {
		to := from + 1
		for to < len(want) && want[to].Score != 0 && close32(want[to-1].Score, want[to].Score) {
			to++
		}
		wanted, found := idsOf(want[from:to]), idsOf(got[from:to])
		slices.Sort(wanted)
		slices.Sort(found)
		if !slices.Equal(wanted, found) && to == len(want) {
			return // the page may end within a class: which of it are shown may differ
		}
		require.Equal(t, wanted, found, "hits %d to %d (%v) of %s", from, to, want[from].Score, shown)
		for _, h := range want[from:to] {
			other := byID[h.ID]
			require.True(t, close32(h.Score, other.Score), "%s: %v and %v for %s", h.ID, h.Score, other.Score, shown)
			require.Equal(t, h.Fields, other.Fields)
			require.Equal(t, h.Highlight, other.Highlight)
			require.Equal(t, h.Variants, other.Variants)
		}
		from = to
	}
}

func close32(a, b float64) bool { return math.Abs(a-b) <= sameScore*math.Max(math.Abs(a), math.Abs(b)) }

func idsOf(hits []search.Hit) []string {
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	return ids
}

func (d differential) suggest(t *rapid.T) {
	word := rapid.SampledFrom(append(slices.Clone(inventedWords), inventedRuns...)).Draw(t, "typed")
	runes := []rune(word)
	text := string(runes[:rapid.IntRange(1, len(runes)).Draw(t, "as far as")])
	if rapid.Bool().Draw(t, "second") {
		text = rapid.SampledFrom(inventedWords).Draw(t, "first") + " " + text
	}
	q := search.SuggestQuery{Text: text, Hits: 50}
	want, err := d.bleve.Suggest(t.Context(), q)
	require.NoError(t, err)
	got, err := d.elastic.Suggest(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, want.Queries, got.Queries, text)
	requireSameClasses(t, want.Hits, got.Hits, text)
}

func (d differential) similar(t *rapid.T) {
	id := fmt.Sprintf("d%04d", rapid.IntRange(0, 599).Draw(t, "id"))
	want, err := d.bleve.Similar(t.Context(), id, &search.SimilarQuery{Limit: 100})
	require.NoError(t, err)
	got, err := d.elastic.Similar(t.Context(), id, &search.SimilarQuery{Limit: 100})
	require.NoError(t, err)
	requireSameClasses(t, want, got, "similar to "+id)
}

func drawQuery(t *rapid.T) search.Query {
	q := search.Query{
		Text:      drawText(t),
		Match:     rapid.SampledFrom([]search.Match{search.MatchMost, search.MatchMost, search.MatchAll, search.MatchAny}).Draw(t, "match"),
		Exact:     rapid.IntRange(0, 2).Draw(t, "exact") == 0,
		Limit:     rapid.SampledFrom([]int{10, 100, 1000, 1000}).Draw(t, "limit"),
		Collapse:  rapid.IntRange(0, 5).Draw(t, "collapse") == 0,
		Highlight: []string{"title", "description"},
		Return:    []string{"title", "price", "released"},
		Facets: []search.Facet{{Field: "brand", Size: 3}, {Field: "tags"}, {Field: "stock"}, {Field: "category"}, {Field: "rating", Size: 4},
			{Field: "category", Name: "below", Parent: "Electronics"}, search.Ranges("price", 100, 200), {Field: "tags", Name: "some", Contains: "E"}},
	}
	q.Facets = q.Facets[:rapid.IntRange(0, len(q.Facets)).Draw(t, "facets")]
	for range rapid.IntRange(0, 3).Draw(t, "filters") {
		q.Filters = append(q.Filters, drawFilter(t))
	}
	if q.Limit == 1000 {
		// What is shown of a hit is looked at on the shorter pages: marking a thousand
		// of them takes longer than all the rest.
		q.Highlight, q.Return = nil, []string{}
	}
	q.Sort = rapid.SampledFrom([][]search.Sort{nil, nil, nil, {{Field: "price"}}, {{Field: "brand", Desc: true}, search.Relevance},
		{{Field: "released", Desc: true}}, {{Field: "stock"}, {Field: "rating", Desc: true}}}).Draw(t, "sort")
	return q
}

func drawText(t *rapid.T) string {
	var words []string
	for range rapid.IntRange(0, 5).Draw(t, "words") {
		word := rapid.SampledFrom(inventedWords).Draw(t, "word")
		switch rapid.IntRange(0, 9).Draw(t, "how") {
		case 0:
			word = rapid.SampledFrom(inventedRuns).Draw(t, "run")
		case 1: // a typing mistake
			at := rapid.IntRange(0, len(word)-1).Draw(t, "at")
			word = word[:at] + rapid.SampledFrom([]string{"", "x", "e"}).Draw(t, "instead") + word[at+1:]
		case 2:
			word += rapid.SampledFrom(inventedRuns).Draw(t, "run")
		case 3:
			word = rapid.SampledFrom([]string{"qzxqzx", "violet", "Nova"}).Draw(t, "other")
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func drawFilter(t *rapid.T) search.Filter {
	low := float64(rapid.IntRange(0, 400).Draw(t, "low"))
	f := rapid.SampledFrom([]search.Filter{
		search.In("brand", "Nova", "Zed"), search.In("brand", "apple"), search.In("tags", "new"), search.In("tags", "Ünï", "eco"),
		search.In("stock", true), search.Under("category", "Electronics"), search.Under("category", "Electronics > Phones", "Home"),
		search.Range("price", search.Bounds{GTE: low, LT: low + 100}), search.Range("price", search.Bounds{GT: low}),
		search.Range("price", search.Bounds{LT: 100}, search.Bounds{GTE: 100, LT: 200}), search.Range("rating", search.Bounds{LTE: 2.5}),
		search.Range("released", search.Bounds{GTE: "2001-09-09T01:46:40Z"}), search.Exists("price"), search.Exists("title"),
		search.IDs("d0001", "d0002", "tea-01", "nobody"),
	}).Draw(t, "filter")
	if rapid.IntRange(0, 4).Draw(t, "not") == 0 {
		f = search.Not(f)
	}
	return f
}
