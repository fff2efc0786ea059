package catalogue

import (
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/pinyin"
)

// Fields of the search index that pages ask for. Each of FacetAttributes is a
// field of its own beside them.
const (
	CategoryField   = "category" // as SearchPath writes it
	BrandField      = "brand"
	PriceField      = "price" // cents
	PopularityField = "popularity"
	ReleasedField   = "released"
)

// TitleField is the field of the title in a language.
func TitleField(l Language) string {
	if l == Chinese {
		return "title_zh"
	}
	return "title"
}

// sounds completes Chinese words that are typed in pinyin.
var sounds = pinyin.New()

// Schema is how products are searched. The words of all weighted fields count
// together, those of the title the most. Chinese is found in both scripts.
func Schema() search.Schema {
	fields := []search.Field{
		{Name: TitleField(English), Kind: search.Text, Weight: 4, Store: true, Suggest: true},
		{Name: TitleField(Chinese), Kind: search.Text, Weight: 4, Language: "und", Store: true, Suggest: true},
		{Name: BrandField, Kind: search.Keyword, Weight: 2, Language: "und", Facet: true, Suggest: true},
		{Name: "labels", Kind: search.Text, Weight: 2, Suggest: true},
		{Name: "model", Kind: search.Text, Weight: 2, Language: "und"},
		{Name: "description", Kind: search.Text, Weight: 1},
		{Name: "description_zh", Kind: search.Text, Weight: 1, Language: "und"},
		{Name: "attributes", Kind: search.Text, Weight: 1},
		{Name: CategoryField, Kind: search.Category, Facet: true},
		{Name: PriceField, Kind: search.Number, Facet: true, Sort: true},
		{Name: PopularityField, Kind: search.Number, Sort: true},
		{Name: ReleasedField, Kind: search.Date, Sort: true},
	}
	for key := range FacetAttributes() {
		fields = append(fields, search.Field{Name: key, Kind: search.Keyword, Facet: true})
	}
	return search.Schema{Fields: fields, Simplify: true, Romanizer: sounds}
}

// Document returns the product as Schema has it. Its ID is the product's.
func Document(p *Product) search.Document {
	fields := map[string]any{
		CategoryField:   SearchPath(p.Category),
		PriceField:      p.PriceCents,
		PopularityField: p.Popularity,
		"labels":        labelWords(p),
		"attributes":    attributeWords(p),
	}
	for name, text := range map[string]string{
		TitleField(English): p.Title.EN, TitleField(Chinese): p.Title.ZH, BrandField: p.Brand, "model": p.Model,
		"description": p.Description.EN, "description_zh": p.Description.ZH,
	} {
		if text != "" {
			fields[name] = text
		}
	}
	if !p.Released.IsZero() {
		fields[ReleasedField] = p.Released
	}
	for key := range FacetAttributes() {
		if values := p.Facets(key); len(values) > 0 {
			fields[key] = values
		}
	}
	return search.Document{ID: p.ID, Fields: fields}
}

// SearchPath returns a category as the index writes it: "tea > green".
func SearchPath(category string) string {
	return strings.ReplaceAll(category, "/", search.PathSeparator)
}

// PathOf undoes SearchPath.
func PathOf(searchPath string) string {
	return strings.ReplaceAll(searchPath, search.PathSeparator, "/")
}

// labelWords are the names of the product's categories in both languages, so
// that "green tea" and "绿茶" find what lies there, and the brand's in Chinese.
func labelWords(p *Product) []string {
	var names []string
	add := func(s string) {
		if s != "" {
			names = append(names, s)
		}
	}
	for _, c := range CategoryTrail(p.Category) {
		add(c.Label.EN)
		add(c.Label.ZH)
	}
	add(ValueLabel(p.Brand).ZH)
	return names
}

// attributeWords are the values of all attributes in both languages. What is
// only true or false is no word to search by.
func attributeWords(p *Product) []string {
	var all []string
	for key := range p.Attributes {
		for _, value := range p.Values(key) {
			if value == "Yes" || value == "No" {
				continue
			}
			all = append(all, value)
			if zh := ValueLabel(value).ZH; zh != "" {
				all = append(all, zh)
			}
		}
	}
	slices.Sort(all) // documents of one product are equal
	return slices.Compact(all)
}
