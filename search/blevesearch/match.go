package blevesearch

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// A matcher walks the documents that match a node, in ascending order of their
// number, and scores the one it is at. Bleve's own searchers are not used,
// because their scores depend on the shape of the query (coordination factors,
// query norms) and could not be the same on another engine.
type matcher interface {
	// next moves to the first matching document at or after least, which must be
	// above the present one, and returns its number, or end.
	next(least uint64) (uint64, error)
	// score is the score of the present document.
	score() float64
	// explain says how score came about.
	explain() search.Explanation
	close()
}

// end is the place after the last document.
const end = math.MaxUint64 - 1

// BM25's usual parameters, as Lucene has them.
const (
	k1 = 1.2
	b  = 0.75
)

// snapshot is the state of an index during one search.
type snapshot struct {
	store     *store
	reader    index.IndexReader
	ctx       context.Context
	documents uint64          // live ones
	live      *roaring.Bitmap // built when needed
	filters   map[string]*roaring.Bitmap
	fields    map[string]fieldStatistics
}

func (s *store) snapshot(ctx context.Context) (*snapshot, error) {
	reader, err := s.index.Reader()
	if err != nil {
		return nil, fmt.Errorf("search: read: %w", err)
	}
	sn := &snapshot{reader: reader, ctx: ctx, filters: map[string]*roaring.Bitmap{}}
	postings, err := reader.TermFieldReader(ctx, []byte(liveTerm), search.FieldText, false, false, false)
	if err == nil {
		sn.documents = postings.Count()
		err = postings.Close()
	}
	if err != nil {
		reader.Close()
		return nil, fmt.Errorf("search: read: %w", err)
	}
	sn.store = s
	return sn, nil
}

func (sn *snapshot) close() { sn.reader.Close() }

// matcher compiles a node.
func (sn *snapshot) matcher(n search.Node) (matcher, error) {
	switch n.Op {
	case search.OpTerm:
		return sn.term(n)
	case search.OpPhrase:
		return sn.phrase(n)
	case search.OpEverything:
		live, err := sn.everything()
		return constant(live, n), err
	case search.OpPrefix:
		matched, err := sn.prefix(n.Field, n.Terms[0])
		return constant(matched, n), err
	case search.OpIDs:
		matched, err := sn.ids(n.Terms)
		return constant(matched, n), err
	}
	if n.Op == search.OpScale {
		return sn.scale(n)
	}
	children := make([]matcher, 0, len(n.Nodes))
	for _, child := range n.Nodes {
		m, err := sn.matcher(child)
		if err != nil {
			closeAll(children)
			return nil, err
		}
		children = append(children, m)
	}
	many := group{op: n.Op, boost: n.Boost, bonus: n.Bonus, children: children, after: make([]uint64, len(children)), min: 1}
	switch n.Op {
	case search.OpAll:
		many.min = len(children)
	case search.OpAny:
		many.min = max(1, n.Min)
	case search.OpBest:
	case search.OpPrefer:
		return &prefer{group: many}, nil
	default:
		closeAll(children)
		return nil, fmt.Errorf("search: unknown operation %q", n.Op)
	}
	if many.min == len(children) && len(children) > 0 && n.Op != search.OpBest {
		return &all{group: many}, nil
	}
	return &some{group: many}, nil
}

func closeAll(matchers []matcher) {
	for _, m := range matchers {
		m.close()
	}
}

// postings reads one term.
type postings struct {
	reader  index.TermFieldReader
	doc     index.TermFieldDoc
	target  index.IndexInternalID
	started bool
	at      uint64
}

func (sn *snapshot) postings(field, term string, scored, positions bool) (*postings, error) {
	reader, err := sn.reader.TermFieldReader(sn.ctx, []byte(term), field, scored, scored, positions)
	if err != nil {
		return nil, fmt.Errorf("search: read postings: %w", err)
	}
	return &postings{reader: reader}, nil
}

func (p *postings) next(least uint64) (uint64, error) {
	var doc *index.TermFieldDoc
	var err error
	if least == 0 || p.started && least == p.at+1 {
		doc, err = p.reader.Next(&p.doc)
	} else {
		p.target = index.NewIndexInternalID(p.target, least)
		doc, err = p.reader.Advance(p.target, &p.doc)
	}
	if err != nil {
		return end, fmt.Errorf("search: read postings: %w", err)
	}
	p.started = true
	p.at = end
	if doc != nil {
		p.at = doc.ID.Value()
	}
	return p.at, nil
}

func (p *postings) close() { p.reader.Close() }

// inverseFrequency is BM25's idf of a term in count of all documents that have its field.
func (f fieldStatistics) inverseFrequency(count uint64) float64 {
	n := math.Min(float64(count), float64(f.documents))
	return math.Log(1 + (float64(f.documents)-n+0.5)/(n+0.5))
}

func (f fieldStatistics) saturation(frequency, length float64) float64 {
	return frequency / (frequency + k1*(1-b+b*length/f.average))
}

// termMatcher scores a term by BM25.
type termMatcher struct {
	*postings
	field fieldStatistics
	name  string
	idf   float64
	boost float64
}

func (sn *snapshot) term(n search.Node) (matcher, error) {
	field, err := sn.statistics(n.Field)
	if err != nil {
		return nil, err
	}
	p, err := sn.postings(n.Field, n.Terms[0], true, false)
	if err != nil {
		return nil, err
	}
	return &termMatcher{postings: p, field: field, name: n.Field + ":" + n.Terms[0],
		idf: field.inverseFrequency(p.reader.Count()), boost: n.Boost}, nil
}

func (t *termMatcher) score() float64 {
	return t.boost * t.idf * t.field.saturation(float64(t.doc.Freq), fieldLength(t.doc.Norm))
}

func (t *termMatcher) explain() search.Explanation {
	return explainBM25(t.name, t.field, t.boost, t.idf, float64(t.doc.Freq), fieldLength(t.doc.Norm))
}

func explainBM25(name string, field fieldStatistics, boost, idf, frequency, length float64) search.Explanation {
	s := field.saturation(frequency, length)
	return search.Explanation{Value: boost * idf * s, Message: name + ", product of:", Children: []search.Explanation{
		{Value: boost, Message: "boost"},
		{Value: idf, Message: "idf"},
		{Value: s, Message: fmt.Sprintf("tf, of frequency %g and length %g (average %.1f)", frequency, length, field.average)},
	}}
}

// phraseMatcher finds terms next to each other.
type phraseMatcher struct {
	field     fieldStatistics
	words     []*postings
	order     []int // the rarest word first
	name      string
	idf       float64
	boost     float64
	frequency float64
	length    float64
}

func (sn *snapshot) phrase(n search.Node) (matcher, error) {
	field, err := sn.statistics(n.Field)
	if err != nil {
		return nil, err
	}
	m := &phraseMatcher{field: field, name: fmt.Sprintf("%s:%q", n.Field, n.Terms), boost: n.Boost}
	for i, t := range n.Terms {
		p, err := sn.postings(n.Field, t, true, true)
		if err != nil {
			m.close()
			return nil, err
		}
		m.words = append(m.words, p)
		m.order = append(m.order, i)
		m.idf += field.inverseFrequency(p.reader.Count())
	}
	slices.SortStableFunc(m.order, func(a, b int) int {
		return int(m.words[a].reader.Count()) - int(m.words[b].reader.Count())
	})
	return m, nil
}

func (m *phraseMatcher) next(least uint64) (uint64, error) {
	for {
		doc, err := m.together(least)
		if err != nil || doc == end {
			return end, err
		}
		if m.frequency = m.count(); m.frequency > 0 {
			m.length = fieldLength(m.words[0].doc.Norm)
			return doc, nil
		}
		least = doc + 1
	}
}

// together finds the next document that has all the words.
func (m *phraseMatcher) together(least uint64) (uint64, error) {
	for {
		agreed := true
		for _, i := range m.order {
			w := m.words[i]
			at := w.at
			if !w.started || at < least {
				var err error
				if at, err = w.next(least); err != nil {
					return end, err
				}
			}
			if at == end {
				return end, nil
			}
			if at > least {
				least = at
				agreed = false
				break
			}
		}
		if agreed {
			return least, nil
		}
	}
}

// count adds up the weights of the places where the words stand in a row.
func (m *phraseMatcher) count() float64 {
	sum := 0.0
	for _, first := range m.words[0].doc.Vectors {
		found := true
		for i := 1; i < len(m.words) && found; i++ {
			found = slices.ContainsFunc(m.words[i].doc.Vectors, func(v *index.TermFieldVector) bool {
				return v.Pos == first.Pos+uint64(i)
			})
		}
		if found {
			sum += math.Max(1, float64(first.Start))
		}
	}
	return sum
}

func (m *phraseMatcher) score() float64 {
	return m.boost * m.idf * m.field.saturation(m.frequency, m.length)
}

func (m *phraseMatcher) explain() search.Explanation {
	return explainBM25(m.name, m.field, m.boost, m.idf, m.frequency, m.length)
}

func (m *phraseMatcher) close() {
	for _, w := range m.words {
		w.close()
	}
}

// constantMatcher gives each document of a set the same score.
type constantMatcher struct {
	documents roaring.IntPeekable
	boost     float64
	name      string
}

func constant(documents *roaring.Bitmap, n search.Node) matcher {
	if documents == nil {
		return nil
	}
	return &constantMatcher{documents: documents.Iterator(), boost: n.Boost, name: string(n.Op)}
}

func (c *constantMatcher) next(least uint64) (uint64, error) {
	if least > math.MaxUint32 {
		return end, nil
	}
	c.documents.AdvanceIfNeeded(uint32(least))
	if !c.documents.HasNext() {
		return end, nil
	}
	return uint64(c.documents.Next()), nil
}

func (c *constantMatcher) score() float64 { return c.boost }

func (c *constantMatcher) explain() search.Explanation {
	return search.Explanation{Value: c.boost, Message: c.name}
}

func (c *constantMatcher) close() {}

// group is what nodes with children share.
type group struct {
	op       search.NodeOp
	boost    float64
	bonus    float64 // of OpAny
	children []matcher
	after    []uint64 // the place after where each child is; 0 before it began
	present  uint64
	min      int
}

// reach moves a child to least or beyond, when it is not there yet, and returns where it is.
func (g *group) reach(child int, least uint64) (uint64, error) {
	if g.after[child] > least {
		return g.after[child] - 1, nil
	}
	at, err := g.children[child].next(least)
	g.after[child] = at + 1
	return at, err
}

func (g *group) matches(child int) bool { return g.after[child] == g.present+1 }

func (g *group) score() float64 {
	sum, best, n := 0.0, 0.0, 0
	for i, c := range g.children {
		if g.matches(i) {
			n++
			s := c.score()
			sum += s
			best = math.Max(best, s)
		}
	}
	if g.op == search.OpBest {
		return g.boost * best
	}
	if n == len(g.children) {
		sum *= 1 + g.bonus
	}
	return g.boost * sum
}

func (g *group) explain() search.Explanation {
	e := search.Explanation{Value: g.score(), Message: string(g.op) + ", sum of:"}
	if g.op == search.OpBest {
		e.Message = string(g.op) + ", highest of:"
	}
	if g.bonus != 0 {
		e.Message = fmt.Sprintf("%s, times %g where all match", e.Message, 1+g.bonus)
	}
	if g.boost != 1 {
		e.Message = fmt.Sprintf("%s, times %g", e.Message, g.boost)
	}
	for i, c := range g.children {
		if g.matches(i) {
			e.Children = append(e.Children, c.explain())
		}
	}
	return e
}

func (g *group) close() { closeAll(g.children) }

// some matches where at least min children do.
type some struct{ group }

func (s *some) next(least uint64) (uint64, error) {
	for {
		lowest, n := uint64(end), 0
		for i := range s.children {
			at, err := s.reach(i, least)
			if err != nil {
				return end, err
			}
			switch {
			case at < lowest:
				lowest, n = at, 1
			case at == lowest:
				n++
			}
		}
		if lowest == end || n >= s.min {
			s.present = lowest
			return lowest, nil
		}
		least = lowest + 1
	}
}

// all matches where every child does.
type all struct{ group }

func (a *all) next(least uint64) (uint64, error) {
	agreed := 0
	for i := 0; agreed < len(a.children); i = (i + 1) % len(a.children) {
		at, err := a.reach(i, least)
		if err != nil || at == end {
			return end, err
		}
		if at > least {
			least, agreed = at, 0
		}
		agreed++
	}
	a.present = least
	return least, nil
}

// prefer matches where its first child does; the others only add to the score.
type prefer struct{ group }

func (p *prefer) next(least uint64) (uint64, error) {
	at, err := p.reach(0, least)
	p.present = at
	if err != nil || at == end {
		return end, err
	}
	for i := 1; i < len(p.children); i++ {
		if _, err := p.reach(i, at); err != nil {
			return end, err
		}
	}
	return at, nil
}
