package blevesearch_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

var schema = search.Schema{Fields: []search.Field{
	{Name: "title", Kind: search.Text, Weight: 6, Store: true},
	{Name: "brand", Kind: search.Keyword, Weight: 2, Facet: true, Store: true},
	{Name: "price", Kind: search.Number, Facet: true, Sort: true, Store: true},
	{Name: "category", Kind: search.Category, Facet: true},
}}

func shop() *search.Index {
	products, err := blevesearch.OpenMemory(schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = products.Put(context.Background(),
		search.Document{ID: "case", Fields: map[string]any{"title": "iPhone15手机壳 防摔", "brand": "Apple", "price": 79, "category": "Phones > Cases"}},
		search.Document{ID: "sleeve", Fields: map[string]any{"title": "Leather sleeve for phones", "brand": "Bellroy", "price": 199, "category": "Phones > Cases"}},
		search.Document{ID: "headphones", Fields: map[string]any{"title": "Wireless Headphones", "brand": "Sony", "price": 899, "category": "Audio > Headphones"}},
		search.Document{ID: "earbuds", Fields: map[string]any{"title": "Wireless Earbuds", "brand": "Apple", "price": 1299, "category": "Audio > Headphones"}},
	)
	if err != nil {
		log.Fatal(err)
	}
	return products
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "products-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	products, err := blevesearch.Open(dir, schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer products.Close()
	if err := products.Put(ctx, search.Document{ID: "tea", Fields: map[string]any{"title": "Green Tea", "price": 12.5}}); err != nil {
		log.Fatal(err)
	}
	found, err := products.Search(ctx, search.Query{Text: "green teas"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Total, found.Hits[0].ID, found.Hits[0].Fields["price"])
	// Output: 1 tea 12.5
}

func ExampleOpenMemory() {
	products, err := blevesearch.OpenMemory(schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer products.Close()
	n, err := products.Count(context.Background())
	fmt.Println(n, err)
	// Output: 0 <nil>
}

func Example_facets() {
	products := shop()
	defer products.Close()
	found, err := products.Search(context.Background(), search.Query{
		Text:    "wireless",
		Filters: search.Filters{search.In("brand", "Sony"), search.Under("category", "Audio")},
		Facets:  []search.Facet{{Field: "brand"}, search.Ranges("price", 100, 1000)},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Total, "found")
	for _, facet := range found.Facets {
		for _, v := range facet.Values {
			fmt.Println(facet.Name, v.Label, v.Count, v.Selected)
		}
	}
	// Output:
	// 1 found
	// brand Apple 1 false
	// brand Sony 1 true
	// price < 100 0 false
	// price 100 – 1000 1 false
	// price ≥ 1000 0 false
}

func Example_chinese() {
	products := shop()
	defer products.Close()
	for _, text := range []string{"手机", "壳", "ｉｐｈｏｎｅ 15", "iphone15 手机壳"} {
		found, err := products.Search(context.Background(), search.Query{Text: text, Highlight: []string{"title"}})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(found.Hits[0].Highlight["title"])
	}
	// Output:
	// iPhone15<mark>手机</mark>壳 防摔
	// iPhone15手机<mark>壳</mark> 防摔
	// <mark>iPhone15</mark>手机壳 防摔
	// <mark>iPhone15手机壳</mark> 防摔
}

func Example_typos() {
	products := shop()
	defer products.Close()
	found, err := products.Search(context.Background(), search.Query{Text: "wirless hedphones"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("showing %q: %s\n", found.Corrected, found.Hits[0].ID)
	// Output: showing "wireless headphones": headphones
}

func Example_pages() {
	products := shop()
	defer products.Close()
	query := search.Query{Sort: []search.Sort{{Field: "price", Desc: true}}, Limit: 3}
	for {
		page, err := products.Search(context.Background(), query)
		if err != nil {
			log.Fatal(err)
		}
		for _, hit := range page.Hits {
			fmt.Println(hit.ID, hit.Number("price"))
		}
		fmt.Println("more:", page.Next != "")
		if query.Cursor = page.Next; query.Cursor == "" {
			break
		}
	}
	// Output:
	// earbuds 1299
	// headphones 899
	// sleeve 199
	// more: true
	// case 79
	// more: false
}

func Example_suggest() {
	products := shop()
	defer products.Close()
	typed, err := products.Suggest(context.Background(), search.SuggestQuery{Text: "wireless h"})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range typed.Queries {
		fmt.Println(s.HTML, s.Count)
	}
	fmt.Println(typed.Hits[0].String("title"))
	// Output:
	// wireless h<mark>eadphones</mark> 1
	// Wireless Headphones
}

func Example_rules() {
	products := shop()
	defer products.Close()
	err := products.SetRules(context.Background(), search.Rule{
		Texts: []string{"wireless"},
		Until: time.Now().Add(24 * time.Hour),
		Pin:   []string{"earbuds"},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := products.SetSynonyms(context.Background(), search.Synonym{Terms: []string{"cordless", "wireless"}}); err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"wireless", "cordless headphones"} {
		found, err := products.Search(context.Background(), search.Query{Text: text})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(found.Hits[0].ID, found.Hits[0].Pinned)
	}
	// Output:
	// earbuds true
	// headphones false
}

func Example_rebuild() {
	products := shop()
	defer products.Close()
	ctx := context.Background()
	fromDatabase := func(yield func(search.Document, error) bool) {
		_ = yield(search.Document{ID: "tea", Fields: map[string]any{"title": "Green Tea"}}, nil) &&
			yield(search.Document{ID: "cup", Fields: map[string]any{"title": "Tea Cup"}}, nil)
	}
	if err := products.Rebuild(ctx, fromDatabase, &search.RebuildOptions{Keep: true}); err != nil {
		log.Fatal(err)
	}
	n, err := products.Count(ctx)
	fmt.Println(n, err)
	err = products.Rollback(ctx)
	fmt.Println(err)
	n, err = products.Count(ctx)
	fmt.Println(n, err)
	// Output:
	// 2 <nil>
	// <nil>
	// 4 <nil>
}

func Example_putAll() {
	products, err := blevesearch.OpenMemory(schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer products.Close()
	catalogue := func(yield func(search.Document, error) bool) { // rows of a database
		for i := range 2500 {
			if !yield(search.Document{ID: fmt.Sprint("sku-", i), Fields: map[string]any{"title": "Tea", "price": i}}, nil) {
				return
			}
		}
	}
	written, err := products.PutAll(context.Background(), catalogue, &search.PutAllOptions{Progress: func(p search.Progress) {
		fmt.Println(p.Documents, "are durable, the last is", p.Last)
	}})
	fmt.Println(written, err)
	// Output:
	// 1000 are durable, the last is sku-999
	// 2000 are durable, the last is sku-1999
	// 2500 are durable, the last is sku-2499
	// 2500 <nil>
}
