package blevesearch_test

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

// relevanceDir holds real products and graded judgements. They are not part of
// the module: RELEVANCE_DIR says where they are.
func relevanceDir(t testing.TB) string {
	dir := os.Getenv("RELEVANCE_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "relevance")
	}
	if _, err := os.Stat(filepath.Join(dir, "judgements.tsv")); err != nil {
		t.Log("no judgements: set RELEVANCE_DIR to a directory with products.ndjson.gz and judgements.tsv")
		return ""
	}
	return dir
}

func productSchema() search.Schema {
	return search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 6, Store: true, Suggest: true},
		{Name: "description", Kind: search.Text, Weight: 6, Store: true},
		{Name: "attributes", Kind: search.Text},
		{Name: "supplier", Kind: search.Keyword, Facet: true, Sort: true, Store: true},
		{Name: "price", Kind: search.Number, Facet: true, Sort: true, Store: true},
		{Name: "colour", Kind: search.Keyword, Facet: true},
		{Name: "type", Kind: search.Keyword, Facet: true},
		{Name: "origin", Kind: search.Keyword, Facet: true},
		{Name: "released", Kind: search.Date, Facet: true, Sort: true},
	}}
}

func products(t testing.TB, dir string) []search.Document {
	file, err := os.Open(filepath.Join(dir, "products.ndjson.gz"))
	require.NoError(t, err)
	defer file.Close()
	plain, err := gzip.NewReader(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 1<<20)
	var docs []search.Document
	for lines.Scan() {
		var p struct {
			ID          string         `json:"id"`
			Title       string         `json:"title"`
			Description string         `json:"description"`
			Supplier    string         `json:"supplier"`
			Price       float64        `json:"price_cents"`
			Released    string         `json:"released"`
			Attributes  map[string]any `json:"attributes"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &p))
		doc := search.Document{ID: p.ID, Fields: map[string]any{"title": p.Title, "description": p.Description, "price": p.Price}}
		var attributes []string
		for _, v := range p.Attributes {
			if s, ok := v.(string); ok {
				attributes = append(attributes, s)
			}
		}
		slices.Sort(attributes)
		doc.Fields["attributes"] = attributes
		for field, value := range map[string]any{"supplier": p.Supplier, "released": p.Released, "colour": p.Attributes["colour_of_product"],
			"type": p.Attributes["product_type"], "origin": p.Attributes["country_of_origin"]} {
			if s, ok := value.(string); ok && s != "" && len(s) < 100 && !strings.Contains(s, "\n") {
				doc.Fields[field] = s
			}
		}
		docs = append(docs, doc)
	}
	require.NoError(t, lines.Err())
	return docs
}

func catalogue(t testing.TB, docs []search.Document, path string) *search.Index {
	ix, err := blevesearch.Open(path, productSchema(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	for batch := range slices.Chunk(docs, 1000) {
		require.NoError(t, ix.Put(t.Context(), batch...))
	}
	return ix
}

// judgements are grades by query and product.
func judgements(t testing.TB, dir string) map[string]map[string]float64 {
	text, err := os.ReadFile(filepath.Join(dir, "judgements.tsv"))
	require.NoError(t, err)
	grades := map[string]map[string]float64{}
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, field, 3)
		grade, err := strconv.ParseFloat(field[2], 64)
		if err != nil {
			continue // the heading
		}
		if grades[field[0]] == nil {
			grades[field[0]] = map[string]float64{}
		}
		grades[field[0]][field[1]] = grade
	}
	return grades
}

// gain is the discounted cumulative gain of the first ten grades.
func gain(grades []float64) float64 {
	sum := 0.0
	for i, g := range grades[:min(10, len(grades))] {
		sum += g / math.Log2(float64(i)+2)
	}
	return sum
}

// TestRelevance keeps the mean NDCG@10 (linear gain, unjudged products count
// nothing) above a floor, over the queries that have a good product.
func TestRelevance(t *testing.T) {
	dir := relevanceDir(t)
	if dir == "" {
		return // said above; the data is no part of the project, so a clone without it must pass
	}
	judged := judgements(t, dir)
	docs := products(t, dir)
	if slow { // the judged products, and a part of the others
		docs = slices.DeleteFunc(docs, func(d search.Document) bool {
			return !isJudged(judged, d.ID) && crc32.ChecksumIEEE([]byte(d.ID))%16 != 0
		})
	}
	ix := catalogue(t, docs, "")
	sum, n := 0.0, 0
	for query, grades := range judged {
		var ideal []float64
		for _, g := range grades {
			ideal = append(ideal, g)
		}
		slices.SortFunc(ideal, func(a, b float64) int { return cmp.Compare(b, a) })
		if ideal[0] == 0 {
			continue // the shop has no such product
		}
		r, err := ix.Search(t.Context(), search.Query{Text: query, Limit: 10, Return: []string{}})
		require.NoError(t, err)
		var got []float64
		for _, hit := range r.Hits {
			got = append(got, grades[hit.ID])
		}
		sum += gain(got) / gain(ideal)
		n++
	}
	t.Logf("NDCG@10 %.4f over %d queries and %d products", sum/float64(n), n, len(docs))
	require.Equal(t, 60, n)
	require.GreaterOrEqual(t, sum/float64(n), 0.78)
}

func isJudged(judged map[string]map[string]float64, id string) bool {
	for _, grades := range judged {
		if _, ok := grades[id]; ok {
			return true
		}
	}
	return false
}

func BenchmarkCatalogue(b *testing.B) {
	dir := relevanceDir(b)
	if dir == "" {
		testenvtest.Skip(b, "the catalogue is not there")
	}
	docs := products(b, dir)
	ix := catalogue(b, docs, b.TempDir())
	facets := []search.Facet{{Field: "supplier"}, {Field: "colour"}, {Field: "type"}, {Field: "origin"},
		search.Ranges("price", 1000, 5000, 20000, 100000), {Field: "price", Name: "bounds", Size: 5}}
	chosen := search.Filters{search.In("supplier", "HP", "Kensington"), search.In("colour", "Black"), search.Range("price", search.Bounds{GTE: 1000, LT: 20000})}
	for name, q := range map[string]search.Query{
		"word":            {Text: "notebook"},
		"words":           {Text: "wireless bluetooth headphones"},
		"everything":      {},
		"sorted":          {Sort: []search.Sort{{Field: "price"}}},
		"facets":          {Text: "notebook", Facets: facets, Filters: chosen},
		"facets, no text": {Facets: facets, Filters: chosen},
		"typo":            {Text: "wirless hedphones"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := ix.Search(b.Context(), q)
				require.NoError(b, err)
			}
		})
	}
	b.Run("suggest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := ix.Suggest(b.Context(), search.SuggestQuery{Text: "wireless h"})
			require.NoError(b, err)
		}
	})
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			fresh, err := blevesearch.Open(b.TempDir(), productSchema(), nil)
			require.NoError(b, err)
			for batch := range slices.Chunk(docs, 1000) {
				require.NoError(b, fresh.Put(b.Context(), batch...))
			}
			require.NoError(b, fresh.Close())
		}
		b.ReportMetric(float64(len(docs))*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	})
}
