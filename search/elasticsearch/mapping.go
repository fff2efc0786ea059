package elasticsearch

import (
	"fmt"
	"strings"
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
	// fieldSchema, the schema's fingerprint and the format name a field that every document has. A
	// strict mapping refuses it when another process has moved the alias to another schema or format.
	fieldSchema = "_schema-"
	// countSuffix marks the values that facets count: of a number as text, of a
	// category with its level before it.
	countSuffix = "#"
)

// marker is the term of a document without any word, so that statistics count it too.
const marker = "*"

// format changes when an index of this version cannot be used by another one.
const format = 2

// runEnd stands between two runs of terms. The server leaves it out, but not its place, which keeps phrases from
// reaching from one run into the next. No word is like it.
const runEnd = "|"

// maxResultWindow is how deep the server lets offsets reach unless told otherwise.
const maxResultWindow = 10_000

// settings are those of a new index.
func (d *driver) settings(filling bool) object {
	index := object{
		"number_of_shards":  d.options.Shards,
		"max_result_window": max(maxResultWindow, d.options.WithDefaults().Limits.Depth),
		"similarity":        object{"text": object{"type": "BM25", "k1": k1, "b": b}},
		"analysis": object{
			"analyzer": object{
				"terms": object{"type": "custom", "tokenizer": "whitespace"},
				"runs":  object{"type": "custom", "tokenizer": "whitespace", "filter": []string{"gaps"}},
			},
			"filter": object{"gaps": object{"type": "stop", "stopwords": []string{runEnd}}},
		},
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
	// Many terms without scores. In one text they cost the server less than a list of keywords does.
	listed := object{"type": "text", "analyzer": "terms", "index_options": "docs", "norms": false}
	properties := object{
		search.FieldText:    object{"type": "text", "analyzer": "runs", "similarity": "text"},
		search.FieldChars:   object{"type": "text", "analyzer": "terms", "similarity": "text", "index_options": "freqs"},
		search.FieldWords:   listed,
		search.FieldPhrases: keyword(object{}),
		search.FieldStarts:  listed,
		search.FieldPresent: listed,
		search.FieldGroup:   keyword(object{"index": false}),
		fieldKey:            keyword(object{"index": false}),
		fieldStored:         object{"type": "object", "enabled": false},
		fieldVersion:        object{"type": "long", "index": false, "doc_values": false},
		fieldGone:           object{"type": "boolean"},
		fieldChanged:        object{"type": "boolean"},
		d.schemaField:       object{"type": "boolean", "index": false, "doc_values": false},
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

// spaceWithin stands for a space within a term of a list. No word holds it.
const spaceWithin = "␣"

// listedTerm is a term as it stands in a list that the server cuts at white space.
func listedTerm(term string) string { return strings.ReplaceAll(term, " ", spaceWithin) }

// meta is what an index says of itself.
type meta struct {
	Format    int    `json:"format"`
	Schema    string `json:"schema"`
	Resumable bool   `json:"resumable"`
}

// usable says whether the driver can search and write the index.
func (m meta) usable(d *driver) bool { return m.Format == format && m.Schema == d.schema.Fingerprint() }
