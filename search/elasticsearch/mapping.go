package elasticsearch

import (
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/search"
)

// object is JSON.
type object = map[string]any

// BM25's usual parameters.
const (
	k1 = 1.2
	b  = 0.75
)

// Fields of our own beside the engine fields that package search names.
const (
	fieldKey     = "_key"      // the ID, for sorting
	fieldStored  = "_stored"   // what hits return
	fieldVersion = "_revision" // when the document has a version
	fieldGone    = "_gone"     // true for what is no document: the trace of a delete
	fieldChanged = "_changed"  // in a generation: true when a caller's change wrote it last
	// fieldSchema and the schema's fingerprint name a field that every document has. A
	// strict mapping refuses it when another process has moved the alias to another schema.
	fieldSchema = "_schema-"
	// countSuffix marks the values that facets count: of a number as text, of a
	// category with its level before it.
	countSuffix = "#"
)

// marker is the term of a document without any word, so that statistics count it too.
const marker = "*"

// format changes when an index of this version cannot be used by an earlier one.
const format = 1

// runGap keeps phrases from reaching from one value into the next.
const runGap = 100

// shortPrint is the part of the fingerprint that stands in names.
func shortPrint(s search.Schema) string { return s.Fingerprint()[:8] }

// maxResultWindow is how deep the server lets offsets reach unless told otherwise.
const maxResultWindow = 10_000

// settings are those of a new index.
func (d *driver) settings(filling bool) object {
	index := object{
		"number_of_shards":  d.options.Shards,
		"max_result_window": max(maxResultWindow, d.options.WithDefaults().Limits.Depth),
		"similarity":        object{"text": object{"type": "BM25", "k1": k1, "b": b}},
		"analysis":          object{"analyzer": object{"terms": object{"type": "custom", "tokenizer": "whitespace"}}},
	}
	switch {
	case d.options.Replicas > 0:
		index["number_of_replicas"] = d.options.Replicas
	case d.options.Replicas < 0:
		index["number_of_replicas"] = 0
	default:
		index["auto_expand_replicas"] = "0-1"
	}
	if filling {
		index["refresh_interval"] = "-1"
	} else if d.options.Refresh > 0 {
		index["refresh_interval"] = milliseconds(d.options.Refresh)
	}
	return index
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// mappings are those of a new index. Nothing that is not in them is taken.
func (d *driver) mappings(resumable bool) object {
	keyword := func(options object) object {
		options["type"] = "keyword"
		return options
	}
	searchedOnly := object{"type": "keyword", "doc_values": false}
	properties := object{
		search.FieldText:                   object{"type": "text", "analyzer": "terms", "similarity": "text", "position_increment_gap": runGap},
		search.FieldChars:                  object{"type": "text", "analyzer": "terms", "similarity": "text", "index_options": "freqs"},
		search.FieldWords:                  searchedOnly,
		search.FieldPhrases:                keyword(object{}),
		search.FieldStarts:                 searchedOnly,
		search.FieldPresent:                searchedOnly,
		search.FieldGroup:                  keyword(object{}),
		fieldKey:                           keyword(object{"index": false}),
		fieldStored:                        object{"type": "object", "enabled": false},
		fieldVersion:                       object{"type": "long", "index": false, "doc_values": false},
		fieldGone:                          object{"type": "boolean"},
		fieldChanged:                       object{"type": "boolean"},
		fieldSchema + shortPrint(d.schema): object{"type": "boolean", "index": false, "doc_values": false},
	}
	for _, f := range d.schema.Fields {
		f, _ = d.schema.Field(f.Name) // with its defaults
		if f.Weight > 0 {
			properties[search.FieldOwn+f.Name] = object{"type": "text", "analyzer": "terms", "similarity": "text", "index_options": "freqs"}
		}
		column := f.Facet || f.Sort
		switch f.Kind {
		case search.Text:
			continue
		case search.Number:
			properties[f.Name] = object{"type": "double", "doc_values": column}
		case search.Bool:
			properties[f.Name] = object{"type": "boolean", "doc_values": column}
		case search.Date:
			// Milliseconds: the server cannot write the sort value of a missing date.
			properties[f.Name] = object{"type": "long", "doc_values": column}
		case search.Keyword:
			properties[f.Name] = keyword(object{"doc_values": column, "eager_global_ordinals": f.Facet})
		case search.Category:
			properties[f.Name] = keyword(object{"doc_values": false})
		}
		if f.Facet && (f.Kind == search.Number || f.Kind == search.Category) {
			properties[f.Name+countSuffix] = keyword(object{"index": false, "eager_global_ordinals": true})
		}
	}
	return object{
		"dynamic":    "strict",
		"_meta":      meta{Format: format, Schema: d.schema.Fingerprint(), Resumable: resumable},
		"_source":    object{"includes": []string{fieldStored, fieldVersion, fieldGone, fieldChanged}},
		"properties": properties,
	}
}

// meta is what an index says of itself.
type meta struct {
	Format    int    `json:"format"`
	Schema    string `json:"schema"`
	Resumable bool   `json:"resumable"`
}
