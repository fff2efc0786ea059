package blevesearch

import (
	"cmp"
	"slices"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// fieldKind says what is kept of the terms of a field.
type fieldKind int

const (
	storedField  fieldKind = iota // no terms: a value to return
	termField                     // which documents have them
	countedField                  // how often each document has them too, and the document's length
	textField                     // and where, see occurrences.go
)

var fieldOptions = map[fieldKind]index.FieldIndexingOptions{
	storedField:  index.StoreField,
	termField:    index.IndexField | index.SkipFreqNorm,
	countedField: index.IndexField,
	textField:    index.IndexField | index.IncludeTermVectors,
}

// layout is which fields the segments of a schema have. All segments have all of them, in the same order: then Bleve
// copies what it merges without looking at it.
type layout struct {
	packing packing
	fields  []layoutField
	numbers map[string]int // of fields, by name
}

type layoutField struct {
	name    string
	kind    fieldKind
	options index.FieldIndexingOptions
}

func newLayout(schema search.Schema) *layout {
	l := &layout{packing: newPacking(schema), numbers: map[string]int{}}
	add := func(kind fieldKind, names ...string) {
		for _, name := range names {
			l.fields = append(l.fields, layoutField{name, kind, fieldOptions[kind]})
		}
	}
	add(storedField, fieldSource, fieldVersion)
	add(textField, search.FieldText)
	add(countedField, search.FieldChars)
	add(termField, search.FieldWords, search.FieldPhrases, search.FieldStarts, search.FieldPresent, fieldChanged)
	add(countedField, l.packing.own...)
	for _, f := range schema.Fields {
		if f.Kind != search.Text {
			add(termField, f.Name)
		}
		if f.Collapse {
			add(termField, search.FieldGroup)
		}
	}
	slices.SortFunc(l.fields, func(a, b layoutField) int { return cmp.Compare(a.name, b.name) })
	l.fields = slices.Insert(l.fields, 0, layoutField{fieldID, countedField, index.IndexField | index.StoreField}) // Bleve wants it first
	for i, f := range l.fields {
		l.numbers[f.name] = i
	}
	return l
}
