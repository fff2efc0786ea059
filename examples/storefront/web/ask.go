package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/search"
)

// ask is what the address of a search page asks for.
type ask struct {
	path     string // of the page
	category string // of a category page
	text     string
	sort     string
	page     int
	values   url.Values // the known parameters, checked
}

// priceEdges are where the price filter cuts, in cents.
var priceEdges = []int64{1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000}

// maxChosen bounds the values a shopper may choose in one filter.
const maxChosen = 50

var sortings = []struct {
	name string
	by   []search.Sort
}{
	{"relevance", []search.Sort{search.Relevance}},
	{"popular", []search.Sort{{Field: catalogue.PopularityField, Desc: true}, {Field: catalogue.ReleasedField, Desc: true}}},
	{"price-up", []search.Sort{{Field: catalogue.PriceField}}},
	{"price-down", []search.Sort{{Field: catalogue.PriceField, Desc: true}}},
	{"newest", []search.Sort{{Field: catalogue.ReleasedField, Desc: true}}},
}

// readAsk reads an address. Parameters nobody offered are ignored, what is too long is refused.
func readAsk(r *http.Request) (*ask, error) {
	given := r.URL.Query()
	a := &ask{path: r.URL.EscapedPath(), category: strings.Trim(r.PathValue("path"), "/"), text: strings.TrimSpace(given.Get("q")), page: pageNumber(r), values: url.Values{}}
	if utf8.RuneCountInString(a.text) > maxQueryText || !utf8.ValidString(a.text) || !utf8.ValidString(a.category) || len(a.category) > 200 {
		return nil, &shop.InvalidError{Field: "q", Reason: "error.query"}
	}
	a.page = min(a.page, reachable/pageSize)
	if a.text != "" {
		a.values.Set("q", a.text)
	}
	if i := slices.IndexFunc(sortings, func(s struct {
		name string
		by   []search.Sort
	}) bool {
		return s.name == given.Get("sort")
	}); i >= 0 {
		a.sort = sortings[i].name
		a.values.Set("sort", a.sort)
	}
	for _, name := range facetNames() {
		for _, value := range given[name] {
			if len(a.values[name]) == maxChosen || value == "" || len(value) > 200 || !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return nil, errBadRequest
			}
			if _, _, ok := priceBounds(value); name == catalogue.PriceField && !ok {
				return nil, errBadRequest
			}
			if !slices.Contains(a.values[name], value) {
				a.values.Add(name, value)
			}
		}
	}
	return a, nil
}

// facetNames are the filters in the order they are shown.
func facetNames() []string {
	return append([]string{catalogue.CategoryField, catalogue.BrandField, catalogue.PriceField}, slices.Collect(catalogue.FacetAttributes())...)
}

// query asks the index.
func (a *ask) query(lang i18n.Language) search.Query {
	q := search.Query{
		Text: a.text, Limit: pageSize, Offset: (a.page - 1) * pageSize,
		Highlight: []string{catalogue.TitleField(catalogue.Language(lang))}, Return: []string{},
	}
	if a.category != "" {
		q.Filters = append(q.Filters, search.Under(catalogue.CategoryField, catalogue.SearchPath(a.category)))
	}
	for _, name := range facetNames() {
		chosen := a.values[name]
		facet := search.Facet{Field: name, Size: 12}
		var filter search.Filter
		switch name {
		case catalogue.CategoryField:
			facet.Parent = catalogue.SearchPath(a.category)
			paths := make([]string, len(chosen))
			for i, path := range chosen {
				paths[i] = catalogue.SearchPath(path)
			}
			filter = search.Under(name, paths...)
		case catalogue.PriceField:
			edges := make([]any, len(priceEdges))
			for i, edge := range priceEdges {
				edges[i] = edge
			}
			facet = search.Ranges(name, edges...)
			bounds := make([]search.Bounds, len(chosen))
			for i, value := range chosen {
				bounds[i] = boundsOf(value)
			}
			filter = search.Range(name, bounds...)
		default:
			filter = search.In(name, anys(chosen)...)
		}
		q.Facets = append(q.Facets, facet)
		if len(chosen) > 0 {
			q.Filters = append(q.Filters, filter)
		}
	}
	for _, s := range sortings {
		if s.name == a.sorting() {
			q.Sort = s.by
		}
	}
	return q
}

func anys(values []string) []any {
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = value
	}
	return list
}

// sorting is what was chosen, or what suits: the best match of a text, else what people love.
func (a *ask) sorting() string {
	switch {
	case a.sort != "":
		return a.sort
	case a.text != "":
		return "relevance"
	}
	return "popular"
}

// priceBounds reads a value such as "2500-5000", "-1000" or "100000-".
func priceBounds(value string) (low, high int64, ok bool) {
	from, to, ok := strings.Cut(value, "-")
	if !ok {
		return 0, 0, false
	}
	for text, edge := range map[string]*int64{from: &low, to: &high} {
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !slices.Contains(priceEdges, n) {
			return 0, 0, false
		}
		*edge = n
	}
	return low, high, from != to
}

func boundsOf(value string) search.Bounds {
	low, high, _ := priceBounds(value)
	var b search.Bounds
	if low > 0 {
		b.GTE = low
	}
	if high > 0 {
		b.LT = high
	}
	return b
}

func priceLabel(lang i18n.Language, value string) string {
	low, high, _ := priceBounds(value)
	round := func(cents int64) string { return strings.TrimSuffix(lang.Money(cents), ".00") }
	switch {
	case low == 0:
		return lang.T("search.price.under", round(high))
	case high == 0:
		return lang.T("search.price.over", round(low))
	}
	return lang.T("search.price.between", round(low), round(high))
}

func (a *ask) heading(lang i18n.Language) string {
	switch {
	case a.text != "":
		return lang.T("search.results", a.text)
	case a.category != "":
		return catalogue.CategoryLabel(a.category).In(catalogue.Language(lang))
	}
	return lang.T("search.all")
}

// valueLabel is a filter's value as a shopper reads it.
func valueLabel(lang i18n.Language, name, value string) string {
	switch name {
	case catalogue.CategoryField:
		return catalogue.CategoryLabel(value).In(catalogue.Language(lang))
	case catalogue.PriceField:
		return priceLabel(lang, value)
	}
	return catalogue.ValueLabel(value).In(catalogue.Language(lang))
}

func facetLabel(lang i18n.Language, name string) string {
	switch name {
	case catalogue.CategoryField, catalogue.BrandField, catalogue.PriceField:
		return lang.T("search.facet." + name)
	}
	return catalogue.AttributeLabel(name).In(catalogue.Language(lang))
}

// facets dresses the counts. A filter with nothing to choose between is left out.
func (a *ask) facets(lang i18n.Language, found *search.Result) []facet {
	var facets []facet
	for i, name := range facetNames() {
		result := found.Facets[i]
		f := facet{Name: name, Label: facetLabel(lang, name)}
		chosen := false
		for j, v := range result.Values {
			value := v.Value
			switch name {
			case catalogue.CategoryField:
				value = catalogue.PathOf(v.Value)
			case catalogue.PriceField:
				value = rangeValue(j)
			}
			if v.Count == 0 && !v.Selected {
				continue
			}
			selected := slices.Contains(a.values[name], value)
			chosen = chosen || selected
			f.Values = append(f.Values, choice{Value: value, Label: valueLabel(lang, name, value), Selected: selected, Count: i18n.Group(int64(v.Count))})
		}
		rare := result.Missing*5 > found.Total*4 // fewer than a fifth of the products have it
		if chosen || len(f.Values) > 1 && !rare {
			facets = append(facets, f)
		}
	}
	return facets
}

// rangeValue is the parameter of the price facet's interval i.
func rangeValue(i int) string {
	switch {
	case i == 0:
		return fmt.Sprintf("-%d", priceEdges[0])
	case i == len(priceEdges):
		return fmt.Sprintf("%d-", priceEdges[i-1])
	}
	return fmt.Sprintf("%d-%d", priceEdges[i-1], priceEdges[i])
}

func (a *ask) sorts(lang i18n.Language) []choice {
	var sorts []choice
	for _, s := range sortings {
		if s.name == "relevance" && a.text == "" {
			continue
		}
		sorts = append(sorts, choice{Value: s.name, Label: lang.T("search.sort." + s.name), Selected: s.name == a.sorting()})
	}
	return sorts
}

// chips are the chosen values, each with the address that takes it off.
func (a *ask) chips(lang i18n.Language) []chip {
	var chips []chip
	for _, name := range facetNames() {
		for _, value := range a.values[name] {
			without := cloned(a.values)
			without[name] = slices.DeleteFunc(without[name], func(v string) bool { return v == value })
			chips = append(chips, chip{Label: valueLabel(lang, name, value), URL: a.address(without)})
		}
	}
	return chips
}

// with is the address of the same search with one parameter changed, on its first page unless that is the parameter.
func (a *ask) with(name, value string) string {
	changed := cloned(a.values)
	changed.Set(name, value)
	return a.address(changed)
}

// cleared is the address without the filters.
func (a *ask) cleared() string {
	values := cloned(a.values)
	for _, name := range facetNames() {
		values.Del(name)
	}
	return a.address(values)
}

func (a *ask) address(values url.Values) string {
	if query := values.Encode(); query != "" {
		return a.path + "?" + query
	}
	return a.path
}
