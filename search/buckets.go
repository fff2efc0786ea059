package search

import (
	"context"
	"math"
	"slices"
)

// Buckets asks for at most n intervals of a Number field whose edges are round and
// whose counts are about equal, whatever the values are: Buckets("price", 6).
func Buckets(field string, n int) Facet { return Facet{Field: field, Buckets: n} }

const (
	maxBuckets = 20
	fineEdges  = 62 // intervals between them and around them fit into one facet
)

// bucketed counts the facets that choose their intervals by themselves: finely first, by
// edges between the least and the greatest value, then neighbours are joined.
func (s *execution) bucketed(ctx context.Context, a *attempt) error {
	var request Request
	var of []int
	for i, f := range s.plan.facets {
		if f.facet.Buckets == 0 {
			continue
		}
		first := a.response.Facets[i]
		fine := f.request(s.effect.hide)
		fine.Ranges = slices.Clone(f.chosen)
		if first.Min != nil {
			fine.Ranges = append(fine.Ranges, Ranges("", edgesBetween(*first.Min, *first.Max)...).Ranges...)
		}
		if len(fine.Ranges) == 0 {
			continue
		}
		request.Facets = append(request.Facets, fine)
		of = append(of, i)
	}
	if len(of) == 0 {
		return nil
	}
	request.Query, request.Sort = s.effect.apply(a.node, false), []Sort{ByID}
	responses, err := s.ix.driver.Search(ctx, []Request{request})
	if err != nil {
		return err
	}
	a.buckets = make([][]FacetValue, len(s.plan.facets))
	for j, i := range of {
		f, counts := s.plan.facets[i], responses[0].Facets[j].Ranges
		n := len(f.chosen)
		a.buckets[i] = joinBuckets(f.chosen, counts[:n], request.Facets[j].Ranges[n:], counts[n:], f.facet.Buckets)
	}
	return nil
}

// edgesBetween returns round numbers above low and up to high: of a geometric row when
// the values differ much, of a linear one when they do not.
func edgesBetween(low, high float64) []any {
	if low == high {
		return nil
	}
	if low >= 0 && high >= 10*math.Max(low, high*1e-6) {
		for _, multiples := range [][]float64{{1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9}, {1, 1.5, 2, 3, 5, 7}, {1, 2, 5}, {1}} {
			if edges := geometric(math.Max(low, high*1e-6), high, multiples); len(edges) <= fineEdges {
				return edges
			}
		}
	}
	step := roundStep((high - low) / (fineEdges - 2))
	var edges []any
	for k := math.Floor(low/step) + 1; k*step <= high && len(edges) < fineEdges; k++ {
		edges = append(edges, k*step)
	}
	return edges
}

func geometric(low, high float64, multiples []float64) []any {
	var edges []any
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, m := range multiples {
			if edge := power * m; edge > low && edge <= high {
				edges = append(edges, edge)
			}
		}
	}
	return edges
}

// roundStep is the first of 1, 2, 5, 10, … that is at least step.
func roundStep(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= step {
			return m * power
		}
	}
	return 10 * power
}

// joinBuckets joins neighbouring intervals to at most n with about as many documents
// each. A chosen interval that is not among them comes first.
func joinBuckets(chosen []Bounds, chosenCounts []int, fine []Bounds, counts []int, n int) []FacetValue {
	total := 0
	for _, c := range counts {
		total += c
	}
	var joined []FacetValue
	for i := 0; i < len(fine); {
		left := n - len(joined)
		want := int(math.Ceil(float64(total) / float64(max(left, 1))))
		b, sum := Bounds{GTE: fine[i].GTE, LT: fine[i].LT}, counts[i]
		for i++; i < len(fine) && (left == 1 || sum < want); i++ {
			b.LT = fine[i].LT
			sum += counts[i]
		}
		total -= sum
		if total == 0 { // what is above is empty
			b.LT, i = nil, len(fine)
		}
		joined = append(joined, FacetValue{Range: b, Label: b.String(), Count: sum, Selected: slices.Contains(chosen, b)})
	}
	if len(joined) == 1 { // all in one: nothing to choose
		joined = nil
	}
	for i := len(chosen) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(joined, func(v FacetValue) bool { return v.Range == chosen[i] }) {
			joined = slices.Insert(joined, 0, FacetValue{Range: chosen[i], Label: chosen[i].String(), Count: chosenCounts[i], Selected: true})
		}
	}
	return joined
}
