package elasticsearch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

var schema = search.Schema{Fields: []search.Field{
	{Name: "title", Kind: search.Text, Weight: 6, Store: true},
	{Name: "brand", Kind: search.Keyword, Weight: 2, Facet: true},
	{Name: "price", Kind: search.Number, Facet: true, Sort: true},
}}

func Example() {
	ctx := context.Background()
	products, err := elasticsearch.Open(ctx, "http://localhost:9200/products", schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer products.Close()

	var batch search.Batch
	batch.Put(search.Document{ID: "p1", Fields: map[string]any{"title": "苹果手机壳 iPhone 15 case", "brand": "Apple", "price": 79}})
	if err := products.Write(ctx, &batch, &search.WriteOptions{Visible: true}); err != nil {
		log.Fatal(err)
	}
	found, err := products.Search(ctx, search.Query{Text: "iphone15 手机", Facets: []search.Facet{{Field: "brand"}}, Highlight: []string{"title"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, hit := range found.Hits {
		fmt.Println(hit.ID, hit.Highlight["title"])
	}
}

// A cluster of three nodes with an API key and its own certificate authority.
func ExampleOpen_cluster() {
	products, err := elasticsearch.Open(context.Background(), "https://es1.example.com:9200/products", schema, &elasticsearch.Options{
		Nodes:    []string{"https://es2.example.com:9200", "https://es3.example.com:9200"},
		APIKey:   os.Getenv("ELASTICSEARCH_API_KEY"),
		TLS:      &tls.Config{MinVersion: tls.VersionTLS12},
		Gzip:     true,
		Replicas: 2,
	})
	if errors.Is(err, search.ErrUnavailable) {
		log.Print("none of the nodes answers")
	}
	if err == nil {
		defer products.Close()
	}
}

// A program with a newer schema fills a new index from its database when it starts,
// while the old one goes on serving.
func ExampleOpen_source() {
	fromDatabase := func(yield func(search.Document, error) bool) {
		yield(search.Document{ID: "p1", Fields: map[string]any{"title": "tea"}}, nil)
	}
	products, err := elasticsearch.Open(context.Background(), "http://localhost:9200/products", schema, &elasticsearch.Options{Source: fromDatabase})
	if err != nil {
		log.Fatal(err)
	}
	defer products.Close()
}

// What single documents the server refuses is told by name; the others are written.
func ExampleOpen_partialFailures() {
	ctx := context.Background()
	products, err := elasticsearch.Open(ctx, "http://localhost:9200/products", schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer products.Close()
	err = products.Put(ctx, search.Document{ID: "p1", Version: 3}, search.Document{ID: "p2", Version: 1})
	if batch, ok := errors.AsType[*search.BatchError](err); ok {
		for _, failed := range batch.Failed {
			fmt.Println(failed.ID, errors.Is(failed.Err, search.ErrConflict))
		}
	}
}
