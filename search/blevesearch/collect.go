package blevesearch

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

// checkEvery is how many documents are looked at between looks at the context.
const checkEvery = 4096

// answer runs one request.
func (sn *snapshot) answer(r search.Request) (search.Response, error) {
	var response search.Response
	filter, err := sn.filter(r.Filters)
	if err != nil {
		return response, err
	}
	// Facets under other filters need all documents that the query matches.
	var matched *roaring.Bitmap
	if r.Limit == 0 && len(r.Facets) == 0 && filter == nil && !r.Collapse {
		response.Total, err = sn.total(r.Query)
		return response, err
	}
	if r.Limit == 0 && !r.Collapse {
		if matched, err = sn.matching(r.Query); err != nil {
			return response, err
		}
		response.Total = count(matched, filter)
	} else {
		m, err := sn.matcher(r.Query)
		if err != nil {
			return response, err
		}
		defer m.close()
		c, err := sn.collector(r)
		if err != nil {
			return response, err
		}
		if len(r.Facets) > 0 {
			matched = roaring.New()
		}
		if err := c.run(m, filter, matched); err != nil {
			return response, err
		}
		response.Total, response.Groups = c.total, len(c.groups)
		if response.Hits, err = c.hits(r); err != nil {
			return response, err
		}
	}
	if r.Explain {
		if err := sn.explain(r, response.Hits); err != nil {
			return response, err
		}
	}
	for _, f := range r.Facets {
		counted, err := sn.facet(f, matched)
		if err != nil {
			return response, err
		}
		response.Facets = append(response.Facets, counted)
	}
	return response, nil
}

// candidate is a document that may be among the hits.
type candidate struct {
	doc   uint64
	score float64
	keys  []key
	id    string // read when it is needed

	variants int // with Collapse: documents of its group
}

// key is the value of a field sort key.
type key struct {
	value   string // as a term, which sorts as the value does
	missing bool
}

// collector keeps the first hits of the wanted order, in a heap with the last on top.
type collector struct {
	sn      *snapshot
	sorts   []search.Sort
	kinds   []search.Kind  // of field keys
	columns []*fieldColumn // of field keys
	after   *candidate
	keep    int
	total   int
	heap    []*candidate
	offered candidate // the present document

	preferring *prefer // the whole query, when it is one
	err        error

	groups  map[string]*candidate // with Collapse: the first of each
	groupOf *fieldColumn
}

func (sn *snapshot) collector(r search.Request) (*collector, error) {
	c := &collector{sn: sn, sorts: r.Sort, keep: r.Offset + r.Limit}
	if r.Limit == 0 {
		c.keep = 0
	}
	for _, key := range r.Sort {
		if key.Field == search.Relevance.Field || key.Field == search.ByID.Field {
			continue
		}
		f, ok := sn.store.schema.Field(key.Field)
		if !ok {
			return nil, fmt.Errorf("search: sort by unknown field %q", key.Field)
		}
		c.kinds = append(c.kinds, f.Kind)
		column, err := sn.column(f.Name)
		if err != nil {
			return nil, err
		}
		c.columns = append(c.columns, column)
	}
	if r.Collapse {
		c.groups = map[string]*candidate{}
		var err error
		if c.groupOf, err = sn.column(search.FieldGroup); err != nil {
			return nil, err
		}
	}
	if len(r.After) > 0 {
		after, err := c.position(r.After)
		if err != nil {
			return nil, err
		}
		c.after = after
	}
	return c, nil
}

func (c *collector) run(m matcher, filter, matched *roaring.Bitmap) error {
	var seen [256]uint32 // of matched
	n := 0
	if matched != nil {
		defer func() { matched.AddMany(seen[:n]) }()
	}
	var passing roaring.IntPeekable
	if filter != nil {
		passing = filter.Iterator()
	}
	c.preferring, _ = m.(*prefer)
	for least, looked := uint64(0), 0; ; looked++ {
		if looked%checkEvery == 0 {
			if err := c.sn.ctx.Err(); err != nil {
				return err
			}
		}
		if matched == nil && passing != nil { // go to where the filter lets documents pass
			passing.AdvanceIfNeeded(uint32(least))
			if !passing.HasNext() {
				return nil
			}
			least = uint64(passing.PeekNext())
		}
		doc, err := m.next(least)
		if err != nil {
			return err
		}
		if doc == end {
			return c.err
		}
		least = doc + 1
		if matched != nil {
			if n == len(seen) {
				matched.AddMany(seen[:])
				n = 0
			}
			seen[n] = uint32(doc)
			n++
		}
		if filter != nil && !filter.Contains(uint32(doc)) {
			continue
		}
		c.total++
		if c.keep > 0 || c.groups != nil {
			c.offer(doc, m)
		}
		if c.err != nil {
			return c.err
		}
	}
}

func (c *collector) offer(doc uint64, m matcher) {
	full := c.groups == nil && len(c.heap) == c.keep && c.sorts[0] == search.Relevance
	if full && c.preferring != nil {
		c.preferring.needed = c.heap[0].score
	}
	c.offered = candidate{doc: doc, score: m.score()}
	found := &c.offered // most are not kept
	if c.groups != nil {
		c.offerGroup(found)
		return
	}
	// Without reading anything more, most documents are worse than the last of a full heap.
	if full && found.score < c.heap[0].score {
		return
	}
	if len(c.columns) > 0 {
		found.keys = c.read(doc)
	}
	if c.after != nil && c.compare(found, c.after) <= 0 {
		return
	}
	if len(c.heap) < c.keep {
		heap.Push(c, found.kept())
		return
	}
	if c.compare(found, c.heap[0]) < 0 {
		*c.heap[0] = *found
		heap.Fix(c, 0)
	}
}

func (x *candidate) kept() *candidate {
	kept := *x
	return &kept
}

// offerGroup keeps the first document of each group.
func (c *collector) offerGroup(found *candidate) {
	group := ""
	c.groupOf.visit(found.doc, func(term string) { group = term })
	if len(c.columns) > 0 {
		found.keys = c.read(found.doc)
	}
	best := c.groups[group]
	switch {
	case best == nil:
		found.variants = 1
		c.groups[group] = found.kept()
	case c.compare(found, best) < 0:
		found.variants = best.variants + 1
		*best = *found
	default:
		best.variants++
	}
}

// read returns the field keys of a document: of several values the least, or for
// a descending key the greatest.
func (c *collector) read(doc uint64) []key {
	keys := make([]key, len(c.columns))
	i := 0
	for _, s := range c.sorts {
		if s.Field == search.Relevance.Field || s.Field == search.ByID.Field {
			continue
		}
		k := &keys[i]
		k.missing = true
		c.columns[i].visit(doc, func(term string) {
			if k.missing || s.Desc {
				k.missing, k.value = false, term
			}
		})
		i++
	}
	return keys
}

// compare orders two candidates; 0 only for the same document.
func (c *collector) compare(x, y *candidate) int {
	field := 0
	for _, s := range c.sorts {
		var order int
		switch s.Field {
		case search.Relevance.Field:
			order = cmp.Compare(y.score, x.score)
		case search.ByID.Field:
			order = cmp.Compare(c.id(x), c.id(y))
			if s.Desc {
				order = -order
			}
		default:
			order = compareKeys(x.keys[field], y.keys[field], s.Desc)
			field++
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// compareKeys puts missing values last, whatever the direction.
func compareKeys(x, y key, descending bool) int {
	switch {
	case x.missing && y.missing:
		return 0
	case x.missing:
		return 1
	case y.missing:
		return -1
	case descending:
		return cmp.Compare(y.value, x.value)
	}
	return cmp.Compare(x.value, y.value)
}

func (c *collector) id(x *candidate) string {
	if x.id == "" && c.err == nil {
		x.id, c.err = c.sn.id(x.doc)
	}
	return x.id
}

// The heap holds the worst candidate on top.
func (c *collector) Len() int           { return len(c.heap) }
func (c *collector) Less(i, j int) bool { return c.compare(c.heap[i], c.heap[j]) > 0 }
func (c *collector) Swap(i, j int)      { c.heap[i], c.heap[j] = c.heap[j], c.heap[i] }
func (c *collector) Push(x any)         { c.heap = append(c.heap, x.(*candidate)) }
func (c *collector) Pop() any {
	last := c.heap[len(c.heap)-1]
	c.heap = c.heap[:len(c.heap)-1]
	return last
}

func (c *collector) hits(r search.Request) ([]search.DriverHit, error) {
	for _, x := range c.groups {
		c.heap = append(c.heap, x)
	}
	slices.SortFunc(c.heap, c.compare)
	if c.err != nil {
		return nil, c.err
	}
	found := c.heap[min(r.Offset, len(c.heap)):min(c.keep, len(c.heap))]
	hits := make([]search.DriverHit, len(found))
	for i, x := range found {
		var source []byte
		var err error
		if x.id, source, err = c.sn.stored(x.doc, r.Source); err != nil {
			return nil, err
		}
		hits[i] = search.DriverHit{ID: x.id, Score: x.score, Position: c.positionOf(x), Variants: x.variants, Source: source}
	}
	return hits, c.err
}

// positionOf writes the sort keys of a hit: the score's digits, the ID, and for a
// field "=" and the value, or nothing when it is missing.
func (c *collector) positionOf(x *candidate) []string {
	position := make([]string, len(c.sorts))
	field := 0
	for i, s := range c.sorts {
		switch s.Field {
		case search.Relevance.Field:
			position[i] = strconv.FormatFloat(x.score, 'g', -1, 64)
		case search.ByID.Field:
			position[i] = c.id(x)
		default:
			position[i] = c.writeKey(x.keys[field], c.kinds[field])
			field++
		}
	}
	return position
}

func (c *collector) writeKey(k key, kind search.Kind) string {
	if k.missing {
		return ""
	}
	if kind == search.Number || kind == search.Date {
		n, _ := numberFromTerm(k.value)
		return "=" + strconv.FormatFloat(n, 'g', -1, 64)
	}
	return "=" + k.value
}

var errPosition = &search.InvalidError{Field: "Cursor", Reason: "is not one this index gave out"}

// position reads what positionOf wrote.
func (c *collector) position(position []string) (*candidate, error) {
	x := &candidate{}
	if len(position) != len(c.sorts) {
		return nil, errPosition
	}
	field := 0
	for i, s := range c.sorts {
		text := position[i]
		switch s.Field {
		case search.Relevance.Field:
			score, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(score) {
				return nil, errPosition
			}
			x.score = score
		case search.ByID.Field:
			if x.id = text; text == "" {
				return nil, errPosition
			}
		default:
			k, err := readKey(text, c.kinds[field])
			if err != nil {
				return nil, err
			}
			x.keys = append(x.keys, k)
			field++
		}
	}
	return x, nil
}

func readKey(text string, kind search.Kind) (key, error) {
	if text == "" {
		return key{missing: true}, nil
	}
	if text[0] != '=' {
		return key{}, errPosition
	}
	if kind != search.Number && kind != search.Date {
		return key{value: text[1:]}, nil
	}
	n, err := strconv.ParseFloat(text[1:], 64)
	if err != nil || math.IsNaN(n) {
		return key{}, errPosition
	}
	return key{value: numberTerm(n)}, nil
}

// explain scores the hits once more, and keeps how.
func (sn *snapshot) explain(r search.Request, hits []search.DriverHit) error {
	sn.explaining = true
	defer func() { sn.explaining = false }()
	for i := range hits {
		m, err := sn.matcher(r.Query)
		if err != nil {
			return err
		}
		explanation, err := sn.explainOne(m, hits[i].ID)
		m.close()
		if err != nil {
			return err
		}
		hits[i].Explain = explanation
	}
	return nil
}

func (sn *snapshot) explainOne(m matcher, id string) (*search.Explanation, error) {
	number, err := sn.reader.InternalID(id)
	if err != nil || number == nil {
		return nil, errors.Join(errors.New("search: explain: document is gone"), err)
	}
	if _, err := m.next(number.Value()); err != nil {
		return nil, err
	}
	e := m.explain()
	return &e, nil
}
