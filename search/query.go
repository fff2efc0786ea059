package search

import (
	"fmt"
	"time"
)

// Query is what to find, and how to present it. The zero Query finds everything, ordered by ID.
type Query struct {
	// Text is what the shopper typed: plain words, no query language. At most
	// 4 KiB; only the first 32 words count, so that a pasted page still finds
	// something. Control characters separate words.
	Text string

	// Filters must all hold.
	Filters Filters

	// Facets are counted for the whole result, not the page.
	Facets []Facet

	// Sort orders the result; empty is by relevance. Equal hits are in ascending
	// order of ID, so that pages never overlap.
	Sort []Sort

	// Collapse shows of the variants of a product (see [Field.Collapse]) only the first
	// in the order of the query. Totals and facets count all documents; [Result.Groups] counts
	// products. Its cursors reach as far as [Limits.Depth].
	Collapse bool

	// Limit is the page size: 0 is 20, -1 none (only totals and facets), at most [Limits.PageSize].
	Limit int
	// Offset skips hits. Offset plus Limit reaches at most [Limits.Depth]; use Cursor beyond.
	// A page past the end is empty.
	Offset int
	// Cursor continues after the page whose [Result.Next] it was. All else but
	// Limit, Highlight, Return and Explain must be as it was then.
	Cursor string

	// Highlight lists the stored text, keyword or category fields to mark the found words in.
	Highlight []string
	// Return lists the stored fields wanted in hits; nil is all, empty is none.
	Return []string

	// Match says how many of the words a hit must have.
	Match Match
	// Exact turns corrections and the ladder off: only the words as they were typed.
	Exact bool

	// Explain adds to each hit how its score came about. Slow; for development.
	Explain bool
}

// Match says how many words of a query a document must have. Words such as
// "for" and "the" are never required.
type Match string

const (
	MatchMost Match = ""    // both of two words, all but one of three or four, three quarters of more
	MatchAll  Match = "all" // every word
	MatchAny  Match = "any" // at least one
)

// Filters must all hold.
type Filters []Filter

// FilterOp says what a [Filter] tests.
type FilterOp string

// The tests of a filter.
const (
	FilterIn     FilterOp = "in"     // the field has one of Values
	FilterRange  FilterOp = "range"  // a value of the field is within one of Ranges
	FilterExists FilterOp = "exists" // the field has a value
	FilterIDs    FilterOp = "ids"    // the document's ID is one of Values
)

// Filter is one condition. Make it with [In], [Range], [Exists], [Under], [IDs] and [Not].
type Filter struct {
	Op     FilterOp `json:"op"`
	Field  string   `json:"field,omitempty"`
	Values []any    `json:"values,omitempty"`
	Ranges []Bounds `json:"ranges,omitempty"`
	Negate bool     `json:"negate,omitempty"`
}

// Bounds is an interval of numbers or dates. Each end says whether it is in; an
// end that is nil is open, and at most one of GTE and GT, and of LTE and LT, may be set.
type Bounds struct {
	GTE any `json:"gte,omitempty"` // greater than or equal
	GT  any `json:"gt,omitempty"`  // greater than
	LTE any `json:"lte,omitempty"` // less than or equal
	LT  any `json:"lt,omitempty"`  // less than
}

// In holds for documents whose field has at least one of values. Slices are flattened.
func In(field string, values ...any) Filter {
	return Filter{Op: FilterIn, Field: field, Values: values}
}

// Range holds for documents with a value of field within at least one of bounds.
//
//	search.Range("price", search.Bounds{GTE: 1000, LT: 2000})
func Range(field string, bounds ...Bounds) Filter {
	return Filter{Op: FilterRange, Field: field, Ranges: bounds}
}

// Exists holds for documents that have a value of field.
func Exists(field string) Filter {
	return Filter{Op: FilterExists, Field: field}
}

// Under holds for documents in one of the categories or below:
//
//	search.Under("category", "Audio > Headphones")
func Under(field string, paths ...string) Filter {
	f := Filter{Op: FilterIn, Field: field}
	for _, p := range paths {
		f.Values = append(f.Values, p)
	}
	return f
}

// IDs holds for the documents with these IDs.
func IDs(ids ...string) Filter {
	f := Filter{Op: FilterIDs}
	for _, id := range ids {
		f.Values = append(f.Values, id)
	}
	return f
}

// Not turns a filter around: Not(Exists("image")).
func Not(f Filter) Filter {
	f.Negate = !f.Negate
	return f
}

// Sort orders by a field whose schema says Sort, by [Relevance] or by [ByID].
// Documents without the field come last either way. Of several values the least
// counts, or with Desc the greatest.
type Sort struct {
	Field string `json:"field"`
	Desc  bool   `json:"desc,omitempty"`
}

// The sort keys that are no fields.
var (
	Relevance = Sort{Field: "_score", Desc: true} // best first
	ByID      = Sort{Field: "_id"}
)

// Facet counts the values of a field, so that a shopper can narrow a result.
//
// Counts are disjunctive: the filters on the facet's own field are left out, so
// they say what choosing another value would find. A chosen value is always
// listed, even with a count of 0. A facet on a Category field counts the direct
// children of Parent.
type Facet struct {
	Field string
	Name  string // of the result; default Field. Two facets of a query differ in it.

	// Size is the number of values wanted: 0 is 10, at most [Limits.FacetSize].
	Size int
	// Contains lists only the values that contain this text, whatever their case:
	// a search among the values of a long facet.
	Contains string
	// Parent, for a Category field, is the path whose children are counted; "" the roots.
	Parent string
	// Ranges counts intervals instead of values. Make them with [Ranges].
	Ranges []Bounds
	// Buckets, up to 20, counts that many intervals of a Number field, chosen so that
	// they hold about as many documents each. Make it with [Buckets].
	Buckets int
	// Conjunctive counts under the filters of the own field too: what choosing
	// one more value would leave, for fields with several values.
	Conjunctive bool
}

// Ranges is a facet of intervals between neighbouring edges, each with its lower
// edge and without its upper one, and open intervals below the first and above the last:
// Ranges("price", 1000, 5000) counts x < 1000, 1000 ≤ x < 5000 and x ≥ 5000.
func Ranges(field string, edges ...any) Facet {
	f := Facet{Field: field}
	for i, edge := range edges {
		if i == 0 {
			f.Ranges = append(f.Ranges, Bounds{LT: edge})
		}
		b := Bounds{GTE: edge}
		if i+1 < len(edges) {
			b.LT = edges[i+1]
		}
		f.Ranges = append(f.Ranges, b)
	}
	return f
}

// Trail is the facets of a category path, for a menu that opens downwards: the roots, then
// the children of each level of path. Their names are field, field+"/1", field+"/2" and so on.
//
//	search.Trail("category", "Audio > Headphones") // the roots, what is in Audio, what is in Audio > Headphones
func Trail(field, path string) []Facet {
	facets := []Facet{{Field: field}}
	if path == "" {
		return facets
	}
	for i, parent := range ancestors(path) {
		facets = append(facets, Facet{Field: field, Name: fmt.Sprintf("%s/%d", field, i+1), Parent: parent})
	}
	return facets
}

// Result is what a query found.
type Result struct {
	Hits  []Hit
	Total int // all matching documents, exact
	// Groups is, for a query with Collapse, the number of products among them: exact on
	// Bleve, and on Elasticsearch up to 40,000.
	Groups int
	// Redirect is where a rule sends the shopper instead; "" mostly.
	Redirect string

	// Facets come in the order of the query's.
	Facets []FacetResult

	// Next continues after the last hit; "" when there is no more.
	Next string

	// Corrected is the text that was searched instead of the query's, because
	// that found nothing. Tell the shopper.
	Corrected string
	// DidYouMean is a text that would find more. The hits are those of the text as it was typed.
	DidYouMean string
	// Relaxed is set when few documents had enough of the words (the step before
	// says how many), and the hits have at least some of them. More words rank higher.
	Relaxed bool
	// WithoutFilters is how many documents the text would find without the filters, when
	// nothing is found with them: the shopper can be offered to drop some. Hidden documents do not count.
	WithoutFilters int
	// Steps is what was tried, in order. The last one gave the hits.
	Steps []Step

	Took time.Duration
}

// Step is one rung of the ladder that a query climbs while it finds nothing.
type Step struct {
	Kind  StepKind
	Text  string // what was searched
	Total int    // what it found
}

// StepKind names a rung.
type StepKind string

// The rungs, in order.
const (
	StepTyped     StepKind = "typed"     // the words as they were typed
	StepCorrected StepKind = "corrected" // with spelling corrected from the index's own words
	StepRelaxed   StepKind = "relaxed"   // with fewer of the words required
)

// Facet returns the facet result of that name.
func (r *Result) Facet(name string) (FacetResult, bool) {
	for _, f := range r.Facets {
		if f.Name == name {
			return f, true
		}
	}
	return FacetResult{}, false
}

// Hit is one found document.
type Hit struct {
	ID    string
	Score float64 // 0 when the query is sorted by fields only
	// Fields are the stored fields wanted: string, float64, bool or time.Time, or
	// a slice of these when the document has several values.
	Fields map[string]any
	// Highlight is HTML by field: the text escaped, found words in <mark>. Long
	// texts are cut to the part with most of them. A field without any is missing.
	Highlight map[string]string
	// Pinned is set when a rule put the hit at the top.
	Pinned bool
	// Variants is, for a query with Collapse, how many documents of the hit's group match, itself among them.
	Variants int
	Explain  *Explanation
}

// String returns the first value of a stored text, keyword or category field, or "".
func (h Hit) String(field string) string {
	if t := texts(h.Fields[field]); len(t) > 0 {
		return t[0]
	}
	return ""
}

// Number returns the first value of a stored number field, or 0.
func (h Hit) Number(field string) float64 {
	switch v := h.Fields[field].(type) {
	case float64:
		return v
	case []float64:
		if len(v) > 0 {
			return v[0]
		}
	}
	return 0
}

// FacetResult is a facet's counts.
type FacetResult struct {
	Name   string
	Field  string
	Values []FacetValue
	// Distinct is the number of different values, listed or not.
	Distinct int
	// Missing is the number of documents without the field.
	Missing int
	// Min and Max are the bounds of a number field's values; nil when there are none.
	Min, Max *float64
}

// FacetValue is a value, or an interval, with the number of documents that have it.
type FacetValue struct {
	Value    string // "" for an interval
	Label    string // Value; of a category the last level; of an interval its bounds
	Range    Bounds // of an interval
	Count    int
	Selected bool // a filter of the query asks for it
}
