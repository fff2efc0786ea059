package blevesearch

import (
	"fmt"
	"sort"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/numeric"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/seed82d84382/commerce/search"
)

// column holds a field's values by document, for counting, sorting and ranges. It is made of the
// field's postings when it is first asked for, and kept in memory as long as its segment is searched:
// 4 bytes a document, 4 a value, and each different value once.
type column struct {
	terms  []string // in order, which is that of the values
	start  []uint32 // by document: where its values begin; one more than there are documents
	values []uint32 // indexes of terms, ascending in each document
}

// of returns the values of a document, as indexes of terms.
func (c *column) of(doc uint64) []uint32 { return c.values[c.start[doc]:c.start[doc+1]] }

// columns are those of one segment.
type columns struct {
	fields  remembered[*column]
	lengths remembered[[]uint32] // of documents, see lengths
}

// remembered are values by field, each made once.
type remembered[T any] struct {
	mu     sync.Mutex
	fields map[string]func() (T, error)
}

func (r *remembered[T]) get(field string, make func() (T, error)) (T, error) {
	r.mu.Lock()
	known := r.fields[field]
	if known == nil {
		if r.fields == nil {
			r.fields = map[string]func() (T, error){}
		}
		known = sync.OnceValues(make)
		r.fields[field] = known
	}
	r.mu.Unlock()
	return known()
}

// columnCache knows the columns of the segments searched last.
type columnCache struct {
	mu       sync.Mutex
	segments map[segment.Segment]*columns
}

// assign gives the parts their columns, and forgets those of all other segments.
func (c *columnCache) assign(parts []part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[segment.Segment]*columns, len(parts))
	for i := range parts {
		have := c.segments[parts[i].segment]
		if have == nil {
			have = &columns{}
		}
		next[parts[i].segment], parts[i].columns = have, have
	}
	c.segments = next
}

// column returns a field's values.
func (p *part) column(field string) (*column, error) {
	return p.columns.fields.get(field, func() (*column, error) { return invert(p.segment, field) })
}

// lengths returns how long a field is in each document, rounded as scores are computed from it; 0 where it is not.
func (p *part) lengths(field string) ([]uint32, error) {
	return p.columns.lengths.get(field, func() ([]uint32, error) { return lengths(p.segment, field) })
}

func lengths(of segment.Segment, field string) ([]uint32, error) {
	list := make([]uint32, of.Count())
	dictionary, err := of.Dictionary(field)
	if err != nil {
		return nil, fmt.Errorf("search: read dictionary: %w", err)
	}
	live, err := dictionary.PostingsList([]byte(liveTerm), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("search: read postings: %w", err)
	}
	for postings := live.Iterator(true, true, false, nil); ; {
		posting, err := postings.Next()
		if err != nil {
			return nil, fmt.Errorf("search: read postings: %w", err)
		}
		if posting == nil {
			return list, nil
		}
		list[posting.Number()] = uint32(roundLength(max(1, exactLength(posting))))
	}
}

// invert makes a column of postings.
func invert(of segment.Segment, field string) (*column, error) {
	dictionary, err := of.Dictionary(field)
	if err != nil {
		return nil, fmt.Errorf("search: read column: %w", err)
	}
	c := &column{start: make([]uint32, of.Count()+1)}
	var documents, terms []uint32 // of each value
	var list segment.PostingsList
	for it := dictionary.AutomatonIterator(nil, nil, nil); ; {
		entry, err := it.Next()
		if err != nil {
			return nil, fmt.Errorf("search: read column: %w", err)
		}
		if entry == nil {
			break
		}
		if list, err = dictionary.PostingsList([]byte(entry.Term), nil, list); err != nil {
			return nil, fmt.Errorf("search: read column: %w", err)
		}
		found := roaring.New()
		if err := addList(found, list, 0); err != nil {
			return nil, err
		}
		found.Iterate(func(doc uint32) bool {
			documents, terms = append(documents, doc), append(terms, uint32(len(c.terms)))
			c.start[doc+1]++
			return true
		})
		c.terms = append(c.terms, entry.Term)
	}
	for i := 1; i < len(c.start); i++ {
		c.start[i] += c.start[i-1]
	}
	c.values = make([]uint32, len(documents))
	used := make([]uint32, of.Count())
	for i, doc := range documents {
		c.values[c.start[doc]+used[doc]] = terms[i]
		used[doc]++
	}
	return c, nil
}

// between returns the indexes of terms, from low to below high, of numbers within bounds. Exclusive
// ends are moved to the neighbouring number.
func (c *column) between(bounds search.Bounds) (low, high uint32) {
	at := func(term string) uint32 { return uint32(sort.SearchStrings(c.terms, term)) }
	after := func(n int64) uint32 {
		term := string(numeric.MustNewPrefixCodedInt64(n, 0))
		return uint32(sort.Search(len(c.terms), func(i int) bool { return c.terms[i] > term }))
	}
	high = uint32(len(c.terms))
	switch {
	case bounds.GTE != nil:
		low = at(numberTerm(numberOf(bounds.GTE)))
	case bounds.GT != nil:
		low = after(numeric.Float64ToInt64(numberOf(bounds.GT)))
	}
	switch {
	case bounds.LTE != nil:
		high = after(numeric.Float64ToInt64(numberOf(bounds.LTE)))
	case bounds.LT != nil:
		high = at(numberTerm(numberOf(bounds.LT)))
	}
	return low, high
}

// within says whether one of a document's values is from low to below high.
func (c *column) within(doc uint64, low, high uint32) bool {
	for _, v := range c.of(doc) {
		if v >= low && v < high {
			return true
		}
	}
	return false
}

// fieldColumn reads a field of documents of all parts.
type fieldColumn struct {
	parts   []part
	columns []*column
}

func (sn *snapshot) column(field string) (*fieldColumn, error) {
	f := &fieldColumn{parts: sn.parts, columns: make([]*column, len(sn.parts))}
	for i := range sn.parts {
		var err error
		if f.columns[i], err = sn.parts[i].column(field); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// visit calls yield with each value of a document, as a term, in ascending order.
func (f *fieldColumn) visit(doc uint64, yield func(term string)) {
	for i := range f.parts {
		if p := &f.parts[i]; doc < p.end {
			for _, v := range f.columns[i].of(doc - p.offset) {
				yield(f.columns[i].terms[v])
			}
			return
		}
	}
}
