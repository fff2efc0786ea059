package blevesearch

import (
	"fmt"
	"slices"

	"github.com/seed82d84382/commerce/search"
)

// termScore is BM25 of a term in a field.
type termScore struct {
	name  string
	field *fieldStatistics
	idf   float64
	boost float64
}

func (sn *snapshot) termScore(n search.Node, count uint64) (termScore, error) {
	field, err := sn.statistics(n.Field)
	if err != nil {
		return termScore{}, err
	}
	return termScore{n.Field + ":" + n.Terms[0], field, field.inverseFrequency(count), n.Boost}, nil
}

func (t *termScore) of(frequency float64, length uint64) float64 {
	return t.boost * t.idf * t.field.saturation(frequency, length)
}

// most is what no score is above.
func (t *termScore) most() float64 { return t.boost * t.idf }

func (t *termScore) explain(frequency float64, length uint64) search.Explanation {
	return explainBM25(t.name, t.field, t.boost, t.idf, frequency, length)
}

func explainBM25(name string, field *fieldStatistics, boost, idf, frequency float64, length uint64) search.Explanation {
	s := field.saturation(frequency, length)
	return search.Explanation{Value: boost * idf * s, Message: name + ", product of:", Children: []search.Explanation{
		{Value: boost, Message: "boost"},
		{Value: idf, Message: "idf"},
		{Value: s, Message: fmt.Sprintf("tf, of frequency %g and length %d (average %.1f)", frequency, length, field.average)},
	}}
}

// termMatcher scores a term.
type termMatcher struct {
	*postings
	sn     *snapshot
	scored termScore
	places []occurrence
	text   bool
}

func (sn *snapshot) term(n search.Node) (matcher, error) {
	if own := slices.Index(sn.store.layout.packing.own, n.Field); own >= 0 {
		return sn.ownTerm(n, own)
	}
	p, err := sn.read(n.Field, n.Terms[0])
	if err != nil {
		return nil, err
	}
	scored, err := sn.termScore(n, p.count)
	return &termMatcher{postings: p, sn: sn, scored: scored, text: n.Field == search.FieldText}, err
}

func (t *termMatcher) frequency() float64 {
	if !t.text {
		return float64(t.posting.Frequency())
	}
	packing := &t.sn.store.layout.packing
	t.places = packing.read(t.places[:0], t.posting)
	return float64(packing.weight(t.places))
}

func (t *termMatcher) score() float64 { return t.scored.of(t.frequency(), t.length()) }

func (t *termMatcher) explain() search.Explanation {
	return t.scored.explain(t.frequency(), t.length())
}

func (t *termMatcher) close() { t.sn.release(t.postings) }

// ownCounts returns how many documents have a term in each field that is also scored by itself. It is remembered until
// the index changes, as it has to look at all documents with the term.
func (sn *snapshot) ownCounts(term string) ([]uint64, error) {
	sn.mu.Lock()
	known := sn.owned[term]
	sn.mu.Unlock()
	if known != nil {
		return known, nil
	}
	p, err := sn.read(search.FieldText, term)
	if err != nil {
		return nil, err
	}
	defer sn.release(p)
	packing := &sn.store.layout.packing
	counts, last := make([]uint64, len(packing.own)), make([]uint64, len(packing.own))
	var places []occurrence
	for least := uint64(0); ; {
		doc, err := p.next(least)
		if err != nil {
			return nil, err
		}
		if doc == end {
			break
		}
		least = doc + 1
		places = packing.read(places[:0], p.posting)
		for _, o := range places {
			if own := packing.classes[o.class].own; own >= 0 && last[own] != least {
				last[own] = least
				counts[own]++
			}
		}
	}
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if len(sn.owned) < maxRemembered {
		sn.owned[term] = counts
	}
	return counts, nil
}

// ownScore scores a term in a field by itself.
type ownScore struct {
	own     int
	scored  termScore
	lengths [][]uint32 // by part
}

func (sn *snapshot) ownScore(n search.Node, own int) (ownScore, error) {
	counts, err := sn.ownCounts(n.Terms[0])
	if err != nil {
		return ownScore{}, err
	}
	s := ownScore{own: own, lengths: make([][]uint32, len(sn.parts))}
	for i := range sn.parts {
		if s.lengths[i], err = sn.parts[i].lengths(n.Field); err != nil {
			return ownScore{}, err
		}
	}
	s.scored, err = sn.termScore(n, counts[own])
	return s, err
}

// length is that of the field in the present document of p.
func (s *ownScore) length(p *postings) uint64 {
	l := &p.lists[p.present]
	return uint64(s.lengths[l.part][p.at-l.offset])
}

// ownMatcher finds a term in one field.
type ownMatcher struct {
	*postings // of the term in all fields
	sn        *snapshot
	scored    ownScore
	places    []occurrence
	frequency float64
}

func (sn *snapshot) ownTerm(n search.Node, own int) (matcher, error) {
	scored, err := sn.ownScore(n, own)
	if err != nil {
		return nil, err
	}
	p, err := sn.read(search.FieldText, n.Terms[0])
	return &ownMatcher{postings: p, sn: sn, scored: scored}, err
}

func (o *ownMatcher) next(least uint64) (uint64, error) {
	packing := &o.sn.store.layout.packing
	for {
		doc, err := o.postings.next(least)
		if err != nil || doc == end {
			return doc, err
		}
		o.places = packing.read(o.places[:0], o.posting)
		if n := packing.in(o.scored.own, o.places); n > 0 {
			o.frequency = float64(n)
			return doc, nil
		}
		least = doc + 1
	}
}

func (o *ownMatcher) score() float64 {
	return o.scored.scored.of(o.frequency, o.scored.length(o.postings))
}

func (o *ownMatcher) explain() search.Explanation {
	return o.scored.scored.explain(o.frequency, o.scored.length(o.postings))
}

func (o *ownMatcher) close() { o.sn.release(o.postings) }

// wordMatcher finds a word in the text of all fields, and adds the score of the field in which it tells most. It does what the
// matchers of its parts do together, and gives the same scores, but reads each posting once.
type wordMatcher struct {
	termMatcher
	boost, best float64 // of the whole, and of the best field
	own         []ownScore
}

// word returns nil for a node that is not of the form: prefer a term in FieldText, and its best field.
func (sn *snapshot) word(n search.Node) (matcher, error) {
	if n.Op != search.OpPrefer || len(n.Nodes) != 2 || n.Bonus != 0 || sn.explaining {
		return nil, nil
	}
	text, best := n.Nodes[0], n.Nodes[1]
	fields := best.Nodes
	switch best.Op {
	case search.OpTerm:
		best, fields = search.Node{Op: search.OpBest, Boost: 1}, []search.Node{best}
	case search.OpBest:
	default:
		return nil, nil
	}
	if text.Op != search.OpTerm || text.Field != search.FieldText || best.Bonus != 0 {
		return nil, nil
	}
	w := &wordMatcher{boost: n.Boost, best: best.Boost}
	for _, f := range fields {
		if f.Op != search.OpTerm || f.Terms[0] != text.Terms[0] || !slices.Contains(sn.store.layout.packing.own, f.Field) {
			return nil, nil
		}
	}
	for _, f := range fields {
		one, err := sn.ownScore(f, slices.Index(sn.store.layout.packing.own, f.Field))
		if err != nil {
			return nil, err
		}
		w.own = append(w.own, one)
	}
	m, err := sn.term(text)
	if err != nil {
		return nil, err
	}
	w.termMatcher = *m.(*termMatcher)
	return w, nil
}

func (w *wordMatcher) score() float64 {
	sum := w.termMatcher.score() // which reads the places
	best, found := 0.0, false
	for i := range w.own {
		if n := w.sn.store.layout.packing.in(w.own[i].own, w.places); n > 0 {
			found = true
			best = max(best, w.own[i].scored.of(float64(n), w.own[i].length(w.postings)))
		}
	}
	if found {
		sum += w.best * best
	}
	return w.boost * sum
}

func (w *wordMatcher) most() float64 {
	best := 0.0
	for i := range w.own {
		best = max(best, w.own[i].scored.most())
	}
	return w.boost * (w.scored.most() + w.best*best)
}
