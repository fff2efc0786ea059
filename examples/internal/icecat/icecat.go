// Package icecat reads a catalogue of products as JSON lines, plain or
// compressed by gzip, and says how it is searched. It is what the measuring programs index.
package icecat

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/search"
)

// Schema is how the products are searched: title and description alike, the texts of
// the attributes a little.
func Schema() search.Schema {
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

// Product is a line of the catalogue.
type Product struct {
	ID          string         `json:"id"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Supplier    string         `json:"supplier"`
	Price       float64        `json:"price_cents"`
	Released    string         `json:"released"`
	Attributes  map[string]any `json:"attributes"`
}

// longestKeyword is the longest attribute that is a value to choose by, and no prose.
const longestKeyword = 100

// Document is how a product is indexed.
func (p Product) Document() search.Document {
	var attributes []string
	for _, v := range p.Attributes {
		if s, ok := v.(string); ok {
			attributes = append(attributes, s)
		}
	}
	slices.Sort(attributes)
	fields := map[string]any{"title": p.Title, "description": p.Description, "price": p.Price, "attributes": attributes}
	for field, value := range map[string]any{"supplier": p.Supplier, "released": p.Released, "colour": p.Attributes["product_colour"],
		"type": p.Attributes["product_type"], "origin": p.Attributes["country_of_origin"]} {
		if s, ok := value.(string); ok && s != "" && len(s) < longestKeyword && !strings.Contains(s, "\n") {
			fields[field] = s
		}
	}
	return search.Document{ID: p.ID, Fields: fields}
}

const maxLine = 1 << 20

// Read returns the products of a file.
func Read(path string) ([]Product, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("products: %w", err)
	}
	defer file.Close()
	buffered := bufio.NewReader(file)
	var plain io.Reader = buffered
	if head, _ := buffered.Peek(2); bytes.Equal(head, []byte{0x1F, 0x8B}) {
		if plain, err = gzip.NewReader(buffered); err != nil {
			return nil, fmt.Errorf("products: %w", err)
		}
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, maxLine)
	var products []Product
	for n := 1; lines.Scan(); n++ {
		var p Product
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("products: line %d: %w", n, err)
		}
		products = append(products, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("products: %w", err)
	}
	return products, nil
}

// Documents returns the documents of products.
func Documents(products []Product) []search.Document {
	docs := make([]search.Document, len(products))
	for i, p := range products {
		docs[i] = p.Document()
	}
	return docs
}
