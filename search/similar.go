package search

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// SimilarQuery bounds what [Index.Similar] returns.
type SimilarQuery struct {
	Limit   int // 0 is 8, at most [Limits.PageSize]
	Filters Filters
	Return  []string // as in [Query]
}

const (
	similarTerms = 25 // of the document that are looked for
	similarMin   = 0.3
)

// Similar returns the documents most like one, without itself: those that share
// its rarest words in the weighted fields that are stored. [ErrNotFound] when it is not there.
func (ix *Index) Similar(ctx context.Context, id string, q *SimilarQuery) (hits []Hit, err error) {
	done, err := ix.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.similar")
	defer func() { end(err) }()

	if q == nil {
		q = &SimilarQuery{}
	}
	limit := q.Limit
	if limit == 0 {
		limit = 8
	}
	p, err := ix.plan(Query{Filters: append(slices.Clone(q.Filters), Not(IDs(id))), Limit: limit, Return: q.Return})
	if err != nil {
		return nil, err
	}
	stored, err := ix.driver.Get(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return nil, ErrNotFound
	}
	terms, err := ix.telling(ctx, stored[0].Source)
	if err != nil || len(terms) == 0 {
		return []Hit{}, err
	}
	query := Node{Op: OpAny, Min: max(1, int(math.Round(similarMin*float64(len(terms))))), Boost: 1}
	for _, t := range terms {
		query.Nodes = append(query.Nodes, term(FieldText, t))
	}
	s := &execution{ix: ix, plan: p, effect: ix.effect(p, ix.options.Now())}
	s.effect.pins = nil
	responses, err := ix.driver.Search(ctx, []Request{s.request(query)})
	if err != nil {
		return nil, err
	}
	hits = []Hit{}
	for _, found := range responses[0].Hits {
		hit, err := s.hit(found, &marker{})
		if err != nil {
			return nil, err
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

// telling returns the terms that tell a document from others: frequent in it, rare in the index.
func (ix *Index) telling(ctx context.Context, source []byte) ([]string, error) {
	fields, err := ix.schema.decode(source, nil)
	if err != nil {
		return nil, err
	}
	frequency := map[string]int{}
	for _, f := range ix.schema.order {
		if f.Weight == 0 {
			continue
		}
		for _, text := range texts(fields[f.Name]) {
			for _, t := range ix.schema.analyzer.Index(text, f.Language).Words {
				if !analysis.IsStopWord(t) {
					frequency[t] += f.Weight
				}
			}
		}
	}
	if len(frequency) == 0 {
		return nil, nil
	}
	total, err := ix.driver.Count(ctx)
	if err != nil {
		return nil, err
	}
	exact := make([]string, 0, len(frequency))
	for t := range frequency {
		exact = append(exact, t)
	}
	slices.SortFunc(exact, func(a, b string) int { return cmp.Or(frequency[b]-frequency[a], cmp.Compare(a, b)) })
	exact = exact[:min(len(exact), 20*similarTerms)]
	known, err := ix.driver.Terms(ctx, TermsRequest{Field: FieldText, Exact: exact, Limit: len(exact)})
	if err != nil {
		return nil, err
	}
	weight := func(t Term) float64 {
		return math.Sqrt(float64(frequency[t.Text])) * math.Log(1+float64(total)/float64(t.Count))
	}
	known = slices.DeleteFunc(known, func(t Term) bool { return t.Count < 2 }) // only this document has it
	slices.SortFunc(known, func(a, b Term) int { return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a.Text, b.Text)) })
	terms := []string{}
	for _, t := range known[:min(len(known), similarTerms)] {
		terms = append(terms, t.Text)
	}
	return terms, nil
}
