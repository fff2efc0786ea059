package search_test

import (
	"context"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

func TestSchemaOf(t *testing.T) {
	t.Parallel()
	type product struct {
		SKU       string    `search:",id"`
		ListPrice *float32  `search:",facet,sort"`
		HTMLBody  string    `search:",text,language=de,weight=3,store"`
		Model     string    `search:"group,collapse"`
		Released  time.Time `search:",sort"`
		InStock   bool      `search:",facet"`
		Path      []string  `search:",category,suggest"`
		Rev       uint32    `search:",version"`
		Other     chan int
	}
	schema, err := search.SchemaOf[product]()
	require.NoError(t, err)
	require.Equal(t, []search.Field{
		{Name: "list_price", Kind: search.Number, Facet: true, Sort: true},
		{Name: "html_body", Kind: search.Text, Language: "de", Weight: 3, Store: true},
		{Name: "group", Kind: search.Keyword, Collapse: true},
		{Name: "released", Kind: search.Date, Sort: true},
		{Name: "in_stock", Kind: search.Bool, Facet: true},
		{Name: "path", Kind: search.Category, Suggest: true},
	}, schema.Fields)
}

type wrong[T any] struct {
	ID    string `search:",id"`
	Field T      `search:",facet"`
}

func TestTagsThatAreWrong(t *testing.T) {
	t.Parallel()
	type inner struct {
		Name string `search:","`
	}
	schemaError := func(_ search.Schema, err error) error { return err }
	for want, err := range map[string]error{
		"is not a struct":   schemaError(search.SchemaOf[int]()),
		"has no field with": schemaError(search.SchemaOf[struct{ ID string }]()),
		"cannot be indexed": schemaError(search.SchemaOf[wrong[map[string]string]]()),
		"belongs to an embedded": schemaError(search.SchemaOf[struct {
			ID string `search:",id"`
			*inner
		}]()),
		"an id is a string": schemaError(search.SchemaOf[struct {
			ID float64 `search:",id"`
		}]()),
		"a version is an integer": schemaError(search.SchemaOf[struct {
			ID  string `search:",id"`
			Rev string `search:",version"`
		}]()),
		"only a string can be a text": schemaError(search.SchemaOf[struct {
			ID string `search:",id"`
			N  int    `search:",text"`
		}]()),
		"weight is not a number": schemaError(search.SchemaOf[struct {
			ID string `search:",id"`
			T  string `search:",text,weight=heavy"`
		}]()),
		`unknown option "stored"`: schemaError(search.SchemaOf[struct {
			ID string `search:",id"`
			T  string `search:",text,stored"`
		}]()),
		"is tagged but not exported": schemaError(search.SchemaOf[struct {
			ID string `search:",id"`
			t  string `search:",text"`
		}]()),
		"a text field cannot be sorted by": schemaError(search.SchemaOf[struct {
			ID string `search:",id"`
			T  string `search:",text,sort"`
		}]()),
	} {
		require.ErrorIs(t, err, search.ErrInvalid, want)
		require.ErrorContains(t, err, want)
	}
}

func ExampleTyped() {
	type Product struct {
		SKU   string  `search:",id"`
		Title string  `search:",text,weight=6,store"`
		Brand string  `search:",facet,store"`
		Price float64 `search:",facet,sort,store"`
	}
	ctx := context.Background()
	schema, err := search.SchemaOf[Product]()
	if err != nil {
		log.Fatal(err)
	}
	index, err := blevesearch.OpenMemory(schema, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer index.Close()
	products, err := search.NewTyped[Product](index)
	if err != nil {
		log.Fatal(err)
	}
	if err := products.Put(ctx, Product{"tea", "Green tea", "Hills", 12.5}, Product{"cup", "Tea cup", "Kiln", 30}); err != nil {
		log.Fatal(err)
	}
	found, err := products.Search(ctx, search.Query{Text: "tea", Sort: []search.Sort{{Field: "price"}}})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range found.Items {
		fmt.Println(p.SKU, p.Brand, p.Price)
	}
	// Output:
	// tea Hills 12.5
	// cup Kiln 30
}
