package search

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// plan is a checked query.
type plan struct {
	query   Query // with checked filters
	text    string
	sorts   []Sort
	facets  []facetPlan
	limit   int
	scored  bool // relevance is among the sort keys
	bind    [16]byte
	resumed *cursor
}

type facetPlan struct {
	facet    Facet
	field    *Field
	selected []string // values asked for by filters
	chosen   []Bounds // intervals asked for by filters
	filters  Filters  // that the counts are under
}

func (ix *Index) plan(q Query) (*plan, error) {
	p := &plan{query: q}
	var err error
	if p.text, err = checkText("Text", q.Text); err != nil {
		return nil, err
	}
	switch q.Match {
	case MatchMost, MatchAll, MatchAny:
	default:
		return nil, invalid("Match", "unknown value %q", clip(string(q.Match)))
	}
	if q.Collapse && ix.schema.group == nil {
		return nil, invalid("Collapse", "no field of the schema says Collapse")
	}
	if p.query.Filters, err = ix.checkFilters("Filters", q.Filters); err != nil {
		return nil, err
	}
	if err = ix.planFacets(p); err != nil {
		return nil, err
	}
	if err = ix.planSort(p); err != nil {
		return nil, err
	}
	if err = ix.checkFields(q); err != nil {
		return nil, err
	}
	if err = ix.planPage(p); err != nil {
		return nil, err
	}
	return p, nil
}

// checkText bounds a text and replaces what is no text: bad UTF-8 and control characters.
func checkText(part, text string) (string, error) {
	if len(text) > maxQueryText {
		return "", invalid(part, "has %d bytes, more than %d", len(text), maxQueryText)
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(text), nil
}

func (ix *Index) checkFilters(part string, filters Filters) (Filters, error) {
	if len(filters) > ix.options.Limits.Filters {
		return nil, invalid(part, "has %d filters, more than %d", len(filters), ix.options.Limits.Filters)
	}
	checked := make(Filters, len(filters))
	for i, f := range filters {
		var err error
		if checked[i], err = ix.checkFilter(part+"["+strconv.Itoa(i)+"]", f); err != nil {
			return nil, err
		}
	}
	return checked, nil
}

func (ix *Index) checkFilter(part string, f Filter) (Filter, error) {
	if f.Op == FilterIDs {
		return ix.checkIDs(part, f)
	}
	field, err := ix.schema.fieldFor(part, f.Field)
	if err != nil {
		return f, err
	}
	if f.Op == FilterExists {
		return f, nil
	}
	if field.Kind == Text {
		return f, invalid(part, "text field %q cannot be filtered; use a keyword field", f.Field)
	}
	switch f.Op {
	case FilterIn:
		return ix.checkIn(part, field, f)
	case FilterRange:
		f.Ranges, err = ix.checkRanges(part, field, f.Ranges)
		return f, err
	}
	return f, invalid(part, "unknown operation %q", clip(string(f.Op)))
}

func (ix *Index) checkIDs(part string, f Filter) (Filter, error) {
	if len(f.Values) > ix.options.Limits.Values {
		return f, invalid(part, "has %d IDs, more than %d", len(f.Values), ix.options.Limits.Values)
	}
	for _, v := range f.Values {
		if _, ok := v.(string); !ok {
			return f, invalid(part, "an ID is a string, not a %s", typeName(v))
		}
	}
	return f, nil
}

func (ix *Index) checkIn(part string, field *Field, f Filter) (Filter, error) {
	var flat []any
	for _, v := range f.Values {
		values, reason := normalise(field.Kind, v)
		if reason != "" {
			return f, invalid(part, "value for %q %s", field.Name, reason)
		}
		flat = append(flat, values...)
	}
	if len(flat) > ix.options.Limits.Values {
		return f, invalid(part, "has %d values, more than %d", len(flat), ix.options.Limits.Values)
	}
	f.Values = flat
	return f, nil
}

func (ix *Index) checkRanges(part string, field *Field, ranges []Bounds) ([]Bounds, error) {
	if field.Kind != Number && field.Kind != Date {
		return nil, invalid(part, "%s field %q has no ranges", field.Kind, field.Name)
	}
	if len(ranges) == 0 || len(ranges) > ix.options.Limits.FacetRange {
		return nil, invalid(part, "needs 1 to %d ranges, has %d", ix.options.Limits.FacetRange, len(ranges))
	}
	checked := make([]Bounds, len(ranges))
	for i, b := range ranges {
		for _, end := range []struct {
			from any
			to   *any
		}{{b.GTE, &checked[i].GTE}, {b.GT, &checked[i].GT}, {b.LTE, &checked[i].LTE}, {b.LT, &checked[i].LT}} {
			if end.from == nil {
				continue
			}
			v, reason := normaliseOne(field.Kind, end.from)
			if reason != "" {
				return nil, invalid(part, "bound for %q %s", field.Name, reason)
			}
			*end.to = v
		}
		if reason := checked[i].check(); reason != "" {
			return nil, invalid(part, "range of %q %s", field.Name, reason)
		}
	}
	return checked, nil
}

func (b Bounds) check() string {
	low, high := b.GTE, b.LTE
	if b.GT != nil {
		if low != nil {
			return "has both GTE and GT"
		}
		low = b.GT
	}
	if b.LT != nil {
		if high != nil {
			return "has both LTE and LT"
		}
		high = b.LT
	}
	if low == nil && high == nil {
		return "has no bounds; use Exists"
	}
	if low == nil || high == nil {
		return ""
	}
	if c := compareValues(low, high); c > 0 || c == 0 && (b.GT != nil || b.LT != nil) {
		return "is empty: its lower bound is above its upper one"
	}
	return ""
}

func compareValues(a, b any) int {
	if t, ok := a.(time.Time); ok {
		return t.Compare(b.(time.Time))
	}
	x, y := a.(float64), b.(float64)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (ix *Index) planSort(p *plan) error {
	sorts := p.query.Sort
	if len(sorts) > maxSorts {
		return invalid("Sort", "has %d keys, more than %d", len(sorts), maxSorts)
	}
	if len(sorts) == 0 {
		sorts = []Sort{Relevance}
	}
	for i, s := range sorts {
		part := "Sort[" + strconv.Itoa(i) + "]"
		switch s.Field {
		case Relevance.Field:
			if !s.Desc {
				return invalid(part, "relevance sorts best first only")
			}
			p.scored = true
		case ByID.Field:
		default:
			field, err := ix.schema.fieldFor(part, s.Field)
			if err != nil {
				return err
			}
			if !field.Sort {
				return invalid(part, "the schema does not let %s field %q be sorted by", field.Kind, s.Field)
			}
		}
		p.sorts = append(p.sorts, s)
		if s.Field == ByID.Field {
			return nil // the order is total: later keys cannot matter
		}
	}
	p.sorts = append(p.sorts, ByID)
	return nil
}

func (ix *Index) planFacets(p *plan) error {
	limits := ix.options.Limits
	if len(p.query.Facets) > limits.Facets {
		return invalid("Facets", "has %d facets, more than %d", len(p.query.Facets), limits.Facets)
	}
	seen := map[string]bool{}
	for i, f := range p.query.Facets {
		part := "Facets[" + strconv.Itoa(i) + "]"
		field, err := ix.schema.fieldFor(part, f.Field)
		if err != nil {
			return err
		}
		if f.Name == "" {
			f.Name = f.Field
		}
		if f.Size == 0 {
			f.Size = 10
		}
		switch {
		case !field.Facet:
			return invalid(part, "the schema does not let %s field %q be a facet", field.Kind, f.Field)
		case seen[f.Name]:
			return invalid(part, "a second facet is named %q", clip(f.Name))
		case f.Size < 0 || f.Size > limits.FacetSize:
			return invalid(part, "size %d is not between 0 and %d", f.Size, limits.FacetSize)
		case f.Parent != "" && field.Kind != Category:
			return invalid(part, "%s field %q has no Parent", field.Kind, f.Field)
		case f.Buckets != 0 && (field.Kind != Number || len(f.Ranges) > 0 || f.Buckets < 2 || f.Buckets > maxBuckets):
			return invalid(part, "Buckets needs a number field without Ranges, and is 2 to %d, not %d", maxBuckets, f.Buckets)
		case field.Kind == Date && len(f.Ranges) == 0:
			return invalid(part, "a facet of date field %q needs Ranges", f.Field)
		}
		seen[f.Name] = true
		if f.Contains, err = checkText(part, f.Contains); err != nil {
			return err
		}
		f.Contains = ix.schema.analyzer.Simple(analysis.Fold(f.Contains))
		if len(f.Ranges) > 0 {
			if f.Ranges, err = ix.checkRanges(part, field, f.Ranges); err != nil {
				return err
			}
		}
		p.facets = append(p.facets, planFacet(f, field, p.query.Filters))
	}
	return nil
}

// planFacet finds which values are chosen, and which filters the counts are under.
func planFacet(f Facet, field *Field, filters Filters) facetPlan {
	fp := facetPlan{facet: f, field: field}
	for _, filter := range filters {
		own := filter.Field == f.Field && !filter.Negate && filter.Op != FilterExists && filter.Op != FilterIDs
		if own {
			for _, v := range filter.Values {
				if value := valueText(v); !slices.Contains(fp.selected, value) {
					fp.selected = append(fp.selected, value)
				}
			}
			fp.chosen = append(fp.chosen, filter.Ranges...)
		}
		if !own || f.Conjunctive {
			fp.filters = append(fp.filters, filter)
		}
	}
	return fp
}

// valueText writes a normalised value as facets do.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return FormatNumber(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// FormatNumber writes a number as facet values are written: shortest, without exponent up to 21 digits.
func FormatNumber(n float64) string {
	if math.Abs(n) < 1e21 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

func (ix *Index) checkFields(q Query) error {
	for part, names := range map[string][]string{"Highlight": q.Highlight, "Return": q.Return} {
		if len(names) > maxFields {
			return invalid(part, "has more than %d fields", maxFields)
		}
		for _, name := range names {
			field, err := ix.schema.fieldFor(part, name)
			if err != nil {
				return err
			}
			if !field.Store {
				return invalid(part, "field %q is not stored", name)
			}
			if part == "Highlight" && field.Kind != Text && field.Kind != Keyword && field.Kind != Category {
				return invalid(part, "%s field %q has no words to highlight", field.Kind, name)
			}
		}
	}
	return nil
}

func (ix *Index) planPage(p *plan) error {
	q, limits := p.query, ix.options.Limits
	switch p.limit = q.Limit; {
	case q.Limit == 0:
		p.limit = min(defaultLimit, limits.PageSize)
	case q.Limit == -1:
		p.limit = 0
	case q.Limit < 0 || q.Limit > limits.PageSize:
		return invalid("Limit", "%d is not between 1 and %d, or -1 for none", q.Limit, limits.PageSize)
	}
	switch {
	case q.Offset < 0:
		return invalid("Offset", "is negative")
	case q.Offset > 0 && q.Cursor != "":
		return invalid("Offset", "cannot be used with a Cursor")
	case q.Offset > limits.Depth-p.limit:
		return invalid("Offset", "%d and Limit %d reach beyond %d; use Cursor", q.Offset, p.limit, limits.Depth)
	}
	p.bind = ix.bind(p)
	if q.Cursor == "" {
		return nil
	}
	keys := len(p.sorts)
	if q.Collapse {
		keys = 0
	}
	var err error
	p.resumed, err = decodeCursor(q.Cursor, p.bind, keys, limits.Depth-p.limit)
	return err
}

// bind condenses what a cursor depends on.
func (ix *Index) bind(p *plan) [16]byte {
	text, err := json.Marshal(struct {
		Schema   string
		Text     string
		Filters  Filters
		Sort     []Sort
		Match    Match
		Exact    bool
		Collapse bool
	}{ix.schema.fingerprint, p.text, p.query.Filters, p.sorts, p.query.Match, p.query.Exact, p.query.Collapse})
	if err != nil {
		panic(err) // checked values always marshal
	}
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}
