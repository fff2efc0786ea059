// Package catalogue holds what the storefront sells: the product, the demo
// catalogue that comes with the shop, the reader of catalogue files, the
// product table in the shop's database, and how a product is searched.
//
// Products are drawn by the package art below this one.
package catalogue

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
)

// Language of a page or a text.
type Language string

// The shop's languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Text is one text in the shop's languages. A catalogue without Chinese leaves
// ZH empty, and its readers get the English.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh,omitempty"`
}

// In returns the text in lang, or in the other language when there is none.
func (t Text) In(lang Language) string {
	if lang == Chinese && t.ZH != "" || t.EN == "" {
		return t.ZH
	}
	return t.EN
}

// Product is something the shop sells. Its values are read-only: products are
// shared between requests.
type Product struct {
	ID          string // in addresses; at most 64 letters, digits, '.', '_' and '-'
	SKU         string // the stock keeping unit in the inventory; same alphabet
	Model       string // the maker's model name, may be empty
	Title       Text
	Description Text
	Brand       string // canonical (English); Label gives its Chinese
	Category    string // path such as "tea/green"; see CategoryLabel
	PriceCents  int64  // in cents of the shop's one currency; above 0
	Released    time.Time
	EAN         []string
	Attributes  map[string]string // canonical (English) values by key, such as colour: "Black"
	Popularity  int               // 0 to 100, how often it sells beside its neighbours
	Stock       int               // units on hand when the shop opens for the first time
	Drawing     Drawing
}

// Drawing says how the product is drawn when nobody has taken its picture.
type Drawing struct {
	Shape   string   `json:"shape,omitempty"`   // one of art.Shapes; empty: by category
	Colours []string `json:"colours,omitempty"` // #rrggbb: body, accent, detail
}

// ErrNotFound is returned for a product that the catalogue does not hold.
var ErrNotFound = errors.New("catalogue: product not found")

// Values returns the values of an attribute. Those that shoppers filter by may
// have several: a colour of "Black,Silver" is two.
func (p *Product) Values(key string) []string {
	value := p.Attributes[key]
	switch {
	case value == "":
		return nil
	case !slices.Contains(facetAttributes, key):
		return []string{value}
	}
	return splitValues(value)
}

// maxFacet is the length in bytes from which on a value is a text that nobody
// filters by.
const maxFacet = 100

// Facets returns the values of an attribute that shoppers filter by.
func (p *Product) Facets(key string) []string {
	return slices.DeleteFunc(p.Values(key), func(value string) bool { return len(value) > maxFacet })
}

func splitValues(s string) []string {
	var values []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(values, part) {
			values = append(values, part)
		}
	}
	return values
}

// Specification is one line of a product's data sheet.
type Specification struct {
	Key   string
	Name  Text
	Value Text
}

// Specifications returns the product's attributes as a data sheet: those a
// shopper filters by first, then the rest by name.
func (p *Product) Specifications() []Specification {
	sheet := make([]Specification, 0, len(p.Attributes))
	for key := range p.Attributes {
		sheet = append(sheet, Specification{Key: key, Name: AttributeLabel(key), Value: p.valueLabel(key)})
	}
	slices.SortFunc(sheet, func(a, b Specification) int {
		if x, y := facetRank(a.Key), facetRank(b.Key); x != y {
			return x - y
		}
		return strings.Compare(a.Name.EN, b.Name.EN)
	})
	return sheet
}

func (p *Product) valueLabel(key string) Text {
	var label Text
	for i, v := range p.Values(key) {
		if i > 0 {
			label.EN, label.ZH = label.EN+", ", label.ZH+"、"
		}
		t := ValueLabel(v)
		label.EN, label.ZH = label.EN+t.EN, label.ZH+t.In(Chinese)
	}
	return label
}

func facetRank(key string) int {
	if i := slices.Index(facetAttributes, key); i >= 0 {
		return i
	}
	return len(facetAttributes)
}

// facetAttributes are the attributes that shoppers filter by, in the order
// that the filters are shown.
var facetAttributes = []string{"colour", "material", "type", "size", "origin", "connectivity", "fits"}

// FacetAttributes yields the attributes that shoppers filter by, in the order
// that a page shows them.
func FacetAttributes() iter.Seq[string] { return slices.Values(facetAttributes) }
