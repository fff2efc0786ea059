package blevesearch

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

// facet counts, among the documents of matched that pass the facet's filters.
func (sn *snapshot) facet(f search.FacetRequest, matched *roaring.Bitmap) (search.FacetResponse, error) {
	var response search.FacetResponse
	field, ok := sn.store.schema.Field(f.Field)
	if !ok {
		return response, fmt.Errorf("search: facet of unknown field %q", f.Field)
	}
	filter, err := sn.filter(f.Filters)
	if err != nil {
		return response, err
	}
	if filter != nil {
		matched = roaring.And(matched, filter)
	}
	values, err := sn.column(f.Field)
	if err != nil {
		return response, err
	}
	c := counter{request: f, kind: field.Kind, response: &response}
	if len(f.Ranges) > 0 {
		response.Ranges = make([]int, len(f.Ranges))
	}
	documents := newDocuments(matched)
	for i := range values.parts {
		if err := sn.ctx.Err(); err != nil {
			return response, err
		}
		c.count(values.columns[i], values.parts[i], documents)
	}
	if len(f.Ranges) == 0 {
		list(f, field.Kind, c.values(), &response)
	}
	return response, nil
}

// documents hands out a set in ascending order.
type documents struct {
	from   roaring.ManyIntIterable
	buffer [512]uint32
	read   []uint32
}

func newDocuments(of *roaring.Bitmap) *documents { return &documents{from: of.ManyIterator()} }

// below returns some of the next documents below end; none means that there are no more of them.
func (d *documents) below(end uint64) []uint32 {
	if len(d.read) == 0 {
		d.read = d.buffer[:d.from.NextMany(d.buffer[:])]
	}
	n, _ := slices.BinarySearch(d.read, uint32(end))
	some := d.read[:n]
	d.read = d.read[n:]
	return some
}

// counter adds up the values of one facet over all parts.
type counter struct {
	request  search.FacetRequest
	kind     search.Kind
	response *search.FacetResponse

	first  *column // of the first part, and its counts
	counts []int
	others map[string]int // of the other parts, by term
}

func (c *counter) count(values *column, p part, documents *documents) {
	counts := make([]int, len(values.terms))
	type interval struct{ low, high uint32 }
	intervals := make([]interval, len(c.request.Ranges))
	for i, r := range c.request.Ranges {
		intervals[i].low, intervals[i].high = values.between(r)
	}
	for some := documents.below(p.end); len(some) > 0; some = documents.below(p.end) {
		for _, doc := range some {
			local := uint64(doc) - p.offset
			of := values.of(local)
			if len(of) == 0 {
				c.response.Missing++
			}
			for _, v := range of {
				counts[v]++
			}
			for i, r := range intervals {
				if values.within(local, r.low, r.high) {
					c.response.Ranges[i]++
				}
			}
		}
	}
	if c.kind == search.Number {
		c.bounds(values, counts)
	}
	if c.first == nil {
		c.first, c.counts = values, counts
		return
	}
	for v, n := range counts {
		if n == 0 {
			continue
		}
		if c.others == nil {
			c.others = map[string]int{}
		}
		c.others[values.terms[v]] += n
	}
}

// bounds widens the least and the greatest number by those of a part.
func (c *counter) bounds(values *column, counts []int) {
	counted := func(n int) bool { return n > 0 }
	first := slices.IndexFunc(counts, counted)
	if first < 0 {
		return
	}
	last := len(counts) - 1
	for counts[last] == 0 {
		last--
	}
	low, _ := numberFromTerm(values.terms[first])
	high, _ := numberFromTerm(values.terms[last])
	if c.response.Min != nil {
		low, high = min(low, *c.response.Min), max(high, *c.response.Max)
	}
	c.response.Min, c.response.Max = &low, &high
}

// values yields each term that was counted.
func (c *counter) values() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		if c.first == nil {
			return
		}
		for v, n := range c.counts {
			term := c.first.terms[v]
			if more, ok := c.others[term]; ok {
				n += more
				delete(c.others, term)
			}
			if n > 0 && !yield(term, n) {
				return
			}
		}
		for term, n := range c.others {
			if !yield(term, n) {
				return
			}
		}
	}
}

// list picks the values to return: the most frequent, and those that must be there.
func list(f search.FacetRequest, kind search.Kind, counts iter.Seq2[string, int], response *search.FacetResponse) {
	var values []search.ValueCount
	listed := map[string]bool{}
	for term, n := range counts {
		text := term
		if kind == search.Number {
			number, _ := numberFromTerm(term)
			text = search.FormatNumber(number)
		}
		if !wanted(f, kind, text) {
			continue
		}
		listed[text] = true
		values = append(values, search.ValueCount{Value: text, Count: n})
	}
	response.Distinct = len(values)
	for _, text := range f.Include {
		if !listed[text] && wanted(f, kind, text) {
			listed[text] = true
			values = append(values, search.ValueCount{Value: text})
		}
	}
	slices.SortFunc(values, func(a, b search.ValueCount) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Value, b.Value))
	})
	for i, v := range values {
		if i < f.Size || slices.Contains(f.Include, v.Value) {
			response.Values = append(response.Values, v)
		}
	}
}

func wanted(f search.FacetRequest, kind search.Kind, value string) bool {
	if kind == search.Category {
		rest := value
		if f.Parent != "" {
			var below bool
			if rest, below = strings.CutPrefix(value, f.Parent+search.PathSeparator); !below {
				return false
			}
		}
		if strings.Contains(rest, search.PathSeparator) {
			return false
		}
	}
	return f.Holds(value)
}
