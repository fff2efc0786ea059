package catalogue

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

func TestDocumentHasWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	require.NoError(t, Schema().Validate())
	products := append(Demo(), readAll(t, bytes.NewReader(sample(t)))...)
	products = append(products, Product{ID: "bare", SKU: "bare", Title: Text{EN: "Bare"}, Category: "other", PriceCents: 1})
	for i := range products {
		document := Document(&products[i])
		require.Equal(t, products[i].ID, document.ID)
		require.Equal(t, document, Document(&products[i]), "the same every time")
		for name := range document.Fields {
			_, known := Schema().Field(name)
			require.True(t, known, name)
		}
	}
	for key := range FacetAttributes() {
		field, known := Schema().Field(key)
		require.True(t, known && field.Facet, key)
	}
	require.NotContains(t, Document(&Product{ID: "x", Attributes: map[string]string{"colour": strings.Repeat("very ", 30) + "black"}}).Fields, "colour",
		"a text is no filter")
	require.Equal(t, "tea > green", SearchPath("tea/green"))
	require.Equal(t, "tea/green", PathOf("tea > green"))
}

// TestDemoIsFound asks what shoppers type, in both languages and mixed.
func TestDemoIsFound(t *testing.T) {
	t.Parallel()
	index, err := blevesearch.OpenMemory(Schema(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	var documents []search.Document
	for _, p := range Demo() {
		documents = append(documents, Document(&p))
	}
	require.NoError(t, index.Put(t.Context(), documents...))
	for _, test := range []struct {
		text string
		want []string // all among the first five
	}{
		{"dragon well", []string{"tea-longjing-100"}},
		{"龙井", []string{"tea-longjing-100"}},
		{"龍井", []string{"tea-longjing-100"}},
		{"绿茶", []string{"tea-longjing-100", "tea-biluochun-75", "tea-houkui-80"}},
		{"green tea", []string{"tea-longjing-100", "tea-biluochun-75", "tea-houkui-80"}},
		{"Lumo15手机壳", []string{"case-lumo15-clear", "case-lumo15-silicone"}},
		{"蓝牙耳机", []string{"earbuds-auralis-air", "earbuds-auralis-air-night"}},
		{"earbud", []string{"earbuds-auralis-air", "earbuds-auralis-air-night"}},
		{"六方 充电器", []string{"charger-gan-65"}},
		{"teapott", []string{"teapot-yixing-160", "teapot-iron-600"}},
		{"longquan porcelain", []string{"cup-celadon-set4", "plate-dinner-celadon"}},
	} {
		found, err := index.Search(t.Context(), search.Query{Text: test.text, Limit: 5})
		require.NoError(t, err)
		var got []string
		for _, hit := range found.Hits {
			got = append(got, hit.ID)
		}
		require.Subset(t, got, test.want, test.text)
	}
	for typed, want := range map[string]string{"绿": "绿茶", "綠": "绿茶", "lvch": "绿茶", "lv ch": "绿茶", "lc": "绿茶", "gree": "green"} {
		suggested, err := index.Suggest(t.Context(), search.SuggestQuery{Text: typed, Hits: -1})
		require.NoError(t, err)
		var texts []string
		for _, s := range suggested.Queries {
			texts = append(texts, s.Text)
		}
		require.Contains(t, texts, want, typed)
	}
	found, err := index.Search(t.Context(), search.Query{Filters: search.Filters{search.Under(CategoryField, SearchPath("tea"))}, Facets: []search.Facet{{Field: "colour"}}, Limit: -1})
	require.NoError(t, err)
	require.Equal(t, 10, found.Total)
}
