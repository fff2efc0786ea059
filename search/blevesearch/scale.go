package blevesearch

import (
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

// scaled multiplies the scores of a matcher by factors.
type scaled struct {
	matcher
	boost   float64
	factors []factor
	present uint64
}

type factor struct {
	of        search.Factor
	documents *roaring.Bitmap // that Times is for; nil is all
	values    *fieldColumn    // of Field
}

func (sn *snapshot) scale(n search.Node) (matcher, error) {
	s := &scaled{boost: n.Boost}
	for _, f := range n.Factors {
		one := factor{of: f}
		var err error
		if f.Field == "" {
			one.documents, err = sn.filter(f.Filters)
		} else {
			one.values, err = sn.column(f.Field)
		}
		if err != nil {
			return nil, err
		}
		s.factors = append(s.factors, one)
	}
	var err error
	s.matcher, err = sn.matcher(n.Nodes[0])
	return s, err
}

func (s *scaled) next(least uint64) (uint64, error) {
	at, err := s.matcher.next(least)
	s.present = at
	return at, err
}

func (s *scaled) score() float64 {
	score := s.boost * s.matcher.score()
	for i := range s.factors {
		score *= s.times(&s.factors[i])
	}
	return score
}

// times is what a factor multiplies the present document's score by.
func (s *scaled) times(f *factor) float64 {
	if f.values == nil {
		if f.documents == nil || f.documents.Contains(uint32(s.present)) {
			return f.of.Times
		}
		return 1
	}
	value, found := math.Inf(-1), false
	f.values.visit(s.present, func(term string) {
		if n, ok := numberFromTerm(term); ok {
			value, found = math.Max(value, n), true
		}
	})
	switch {
	case !found:
		return 1
	case f.of.Kind == search.Date:
		age := math.Max(0, float64(f.of.Now.UnixMilli())-value)
		return 1 + f.of.Weight*f.of.Pivot/(f.of.Pivot+age)
	case value <= 0:
		return 1
	}
	return 1 + f.of.Weight*value/(value+f.of.Pivot)
}

func (s *scaled) explain() search.Explanation {
	e := search.Explanation{Value: s.score(), Message: "scale, product of:", Children: []search.Explanation{s.matcher.explain()}}
	for i := range s.factors {
		f := &s.factors[i]
		message := "signal of " + f.of.Field
		if f.values == nil {
			message = fmt.Sprintf("factor of documents with %v", f.of.Filters)
		}
		e.Children = append(e.Children, search.Explanation{Value: s.times(f), Message: message})
	}
	return e
}
