package blevesearch

import (
	"strconv"
	"time"

	"github.com/blevesearch/bleve/v2/numeric"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// Fields of our own beside the engine fields that package search names.
const (
	fieldID      = "_id"      // Bleve's own
	fieldSource  = "_source"  // stored: what hits return
	fieldVersion = "_version" // stored, when the document has one
	fieldChanged = "_changed" // in a generation: changedPut or changedDelete, when a caller's change wrote it last
)

// The terms of fieldChanged.
const (
	changedPut    = "put"
	changedDelete = "delete"
)

// liveTerm is a term of every text field: its postings are all documents that have the
// field, with their lengths. Every document has search.FieldText; the tombstone of a versioned delete lacks it.
const liveTerm = "\x00"

// runGap keeps phrases from reaching from one value into the next.
const runGap = 1

// document is an op on its way into a segment. Bleve asks it for its ID; the plugin that makes the segment reads the op.
type document struct {
	op     search.Op
	at     int // in its batch
	layout *layout
}

func (d *document) ID() string { return d.op.ID }

// AddIDField has nothing to do: the plugin writes the ID.
func (d *document) AddIDField() {}

// VisitFields yields nothing: the plugin has all that is to know.
func (d *document) VisitFields(index.FieldVisitor)             {}
func (d *document) VisitComposite(index.CompositeFieldVisitor) {}
func (d *document) HasComposite() bool                         { return false }
func (d *document) NumPlainTextBytes() uint64                  { return d.StoredFieldsBytes() }
func (d *document) Size() int                                  { return int(d.StoredFieldsBytes()) }
func (d *document) Indexed() bool                              { return false }

func (d *document) StoredFieldsBytes() uint64 {
	if d.op.Entry == nil {
		return 0
	}
	return uint64(len(d.op.Entry.Source))
}

// termOf is the term of a value: it sorts as the value does.
func termOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	default:
		return numberTerm(numberOf(v))
	}
}

// numberOf is a number or date as Bleve sees it: dates are milliseconds since 1970.
func numberOf(v any) float64 {
	if t, ok := v.(time.Time); ok {
		return float64(t.UnixMilli())
	}
	return v.(float64)
}

func numberTerm(n float64) string {
	return string(numeric.MustNewPrefixCodedInt64(numeric.Float64ToInt64(n), 0))
}

func numberFromTerm(t string) (float64, bool) {
	n, err := numeric.PrefixCoded([]byte(t)).Int64()
	return numeric.Int64ToFloat64(n), err == nil
}
