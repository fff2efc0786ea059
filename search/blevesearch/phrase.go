package blevesearch

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed82d84382/commerce/search"
)

// phraseMatcher finds terms next to each other.
type phraseMatcher struct {
	sn        *snapshot
	field     *fieldStatistics
	words     []*postings
	order     []int          // the rarest word first
	places    [][]occurrence // of the words in the present document
	terms     []string
	idf       float64
	boost     float64
	frequency float64
	length    uint64
}

func (sn *snapshot) phrase(n search.Node) (matcher, error) {
	field, err := sn.statistics(n.Field)
	if err != nil {
		return nil, err
	}
	m := &phraseMatcher{sn: sn, field: field, terms: n.Terms, places: make([][]occurrence, len(n.Terms)), boost: n.Boost}
	for i, t := range n.Terms {
		p, err := sn.read(n.Field, t)
		if err != nil {
			m.close()
			return nil, err
		}
		m.words = append(m.words, p)
		m.order = append(m.order, i)
		m.idf += field.inverseFrequency(p.count)
	}
	slices.SortStableFunc(m.order, func(a, b int) int {
		return cmp.Compare(m.words[a].count, m.words[b].count)
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
			m.length = m.words[0].length()
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
	packing := &m.sn.store.layout.packing
	for i, w := range m.words {
		m.places[i] = packing.read(m.places[i][:0], w.posting)
	}
	sum := 0
	for _, first := range m.places[0] {
		found := true
		for i := 1; i < len(m.places) && found; i++ {
			found = slices.ContainsFunc(m.places[i], func(o occurrence) bool { return o.position == first.position+i })
		}
		if found {
			sum += packing.classes[first.class].weight
		}
	}
	return float64(sum)
}

func (m *phraseMatcher) score() float64 {
	return m.boost * m.idf * m.field.saturation(m.frequency, m.length)
}

// most is what no score is above.
func (m *phraseMatcher) most() float64 { return m.boost * m.idf }

func (m *phraseMatcher) explain() search.Explanation {
	return explainBM25(fmt.Sprintf("%s:%q", search.FieldText, m.terms), m.field, m.boost, m.idf, m.frequency, m.length)
}

func (m *phraseMatcher) close() {
	for _, w := range m.words {
		m.sn.release(w)
	}
}
