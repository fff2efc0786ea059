package catalogue

import (
	"bytes"
	_ "embed"
	"fmt"
	"iter"
	"slices"
	"sync"
)

//go:embed demo/products.ndjson
var demoNDJSON []byte

var loadDemo = sync.OnceValue(func() []Product {
	var products []Product
	for p, err := range Read(bytes.NewReader(demoNDJSON)) {
		if err != nil {
			panic(fmt.Sprintf("catalogue: embedded demo: %v", err)) // a build without it cannot have passed its tests
		}
		products = append(products, p)
	}
	return products
})

// Demo returns the products the shop sells when it is given no catalogue: about
// sixty, in both languages, with stock that shows every state of it.
func Demo() []Product { return slices.Clone(loadDemo()) }

// Products yields ready products, for an Import of the demo catalogue.
func Products(products []Product) iter.Seq2[Product, error] {
	return func(yield func(Product, error) bool) {
		for _, p := range products {
			if !yield(p, nil) {
				return
			}
		}
	}
}
