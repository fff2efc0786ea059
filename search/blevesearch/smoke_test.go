package blevesearch_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	ix, err := blevesearch.Open(t.TempDir(), search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 3, Store: true},
		{Name: "description", Kind: search.Text, Store: true},
		{Name: "brand", Kind: search.Keyword, Weight: 1, Facet: true, Store: true},
		{Name: "price", Kind: search.Number, Facet: true, Sort: true, Store: true},
		{Name: "category", Kind: search.Category, Facet: true, Store: true},
	}}, nil)
	require.NoError(t, err)
	defer ix.Close()
	require.NoError(t, ix.Put(ctx,
		search.Document{ID: "1", Fields: map[string]any{"title": "iPhone15手机壳 防摔", "brand": "Apple", "price": 20, "category": "Phones > Cases"}},
		search.Document{ID: "2", Fields: map[string]any{"title": "Wireless Headphones WH-1000XM4", "brand": "Sony", "price": 300, "category": "Audio > Headphones"}},
		search.Document{ID: "3", Fields: map[string]any{"title": "Wired headphones", "description": "for the iphone 15", "brand": "Apple", "price": 30, "category": "Audio > Headphones"}},
	))
	for _, text := range []string{"", "手机", "壳", "iphone 15", "iphone15", "headphone", "hedphones", "wh1000xm4", "wireles", "head phones", "1000xm4", "zzzz", "!!!"} {
		r, err := ix.Search(ctx, search.Query{Text: text, Highlight: []string{"title", "description"}, Facets: []search.Facet{{Field: "brand"}, search.Ranges("price", 25, 100), {Field: "category"}, {Field: "category", Name: "audio", Parent: "Audio"}}})
		require.NoError(t, err, text)
		fmt.Printf("%q total=%d corrected=%q dym=%q relaxed=%v steps=%v\n", text, r.Total, r.Corrected, r.DidYouMean, r.Relaxed, r.Steps)
		for _, h := range r.Hits {
			fmt.Println("   ", h.ID, h.Score, h.Highlight)
		}
		for _, f := range r.Facets {
			fmt.Println("   ", f.Name, f.Values, f.Distinct, f.Missing)
		}
	}
	r, err := ix.Search(ctx, search.Query{Filters: search.Filters{search.In("brand", "Sony"), search.Under("category", "Audio"), search.Range("price", search.Bounds{GTE: 20, LT: 301})}, Sort: []search.Sort{{Field: "price", Desc: true}}, Facets: []search.Facet{{Field: "brand"}, {Field: "category"}}})
	require.NoError(t, err)
	fmt.Printf("%+v\n", r)
	for _, text := range []string{"h", "wired h", "手", "wh-", "iphone 1"} {
		s, err := ix.Suggest(ctx, search.SuggestQuery{Text: text})
		require.NoError(t, err)
		fmt.Printf("%q %+v\n", text, s)
	}
	hits, err := ix.Similar(ctx, "3", nil)
	fmt.Println(hits, err)
}
