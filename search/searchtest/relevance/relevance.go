// Package relevance measures how good a search is by judgements: queries with
// graded products, which a shop collects from its own people or logs.
//
//	judgements, err := relevance.Read(file)
//	before, err := relevance.Measure(ctx, "as it is", judgements, relevance.Of(index, search.Query{}))
//	after, err := relevance.Measure(ctx, "with rules", judgements, relevance.Of(changed, search.Query{}))
//	for _, d := range relevance.Compare(before, after).Queries { … }
//	err = relevance.WriteHTML(out, &relevance.Page{Reports: []*relevance.Report{before, after}})
//
// Measures are those of information retrieval as the field knows them; see [Scores].
package relevance

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/seed82d84382/commerce/search"
)

// How far down a result is looked at.
const (
	cut   = 10  // of NDCG
	depth = 100 // of recall, of the reciprocal rank, and of what judged-only looks through
)

// Judgements are grades, 0 for irrelevant, by query and document ID.
type Judgements map[string]map[string]float64

// Scored reports whether a query counts in the means: some document has a grade above 0. The
// others ask for what the shop does not have.
func (j Judgements) Scored(query string) bool {
	for _, grade := range j[query] {
		if grade > 0 {
			return true
		}
	}
	return false
}

// Searcher answers a query with the IDs of at most limit documents, best first.
type Searcher func(ctx context.Context, query string, limit int) ([]string, error)

// Of searches an index with q, whose Text and Limit are replaced.
func Of(index *search.Index, q search.Query) Searcher {
	return func(ctx context.Context, text string, limit int) ([]string, error) {
		q := q
		q.Text, q.Limit, q.Return = text, limit, []string{}
		found, err := index.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(found.Hits))
		for i, hit := range found.Hits {
			ids[i] = hit.ID
		}
		return ids, nil
	}
}

// Scores are between 0 and 1, more is better. Documents without a judgement count as irrelevant.
type Scores struct {
	// NDCG10 is the discounted cumulative gain of the first ten hits, Σ grade / log2(rank+1), in relation to
	// that of the ten best judged documents (Järvelin and Kekäläinen 2002, with linear gain).
	NDCG10 float64 `json:"ndcg10"`
	// Judged10 is NDCG10 of the hits that have a judgement: it does not punish a search
	// for finding what nobody judged yet.
	Judged10 float64 `json:"ndcg10_judged"`
	// MRR is 1 / the rank of the first document with a grade above 0, among the first hundred.
	MRR float64 `json:"mrr"`
	// Recall100 is the share of the documents with a grade above 0 among the first hundred.
	Recall100 float64 `json:"recall100"`
}

// Report is how one configuration did.
type Report struct {
	Name    string        `json:"name"`
	Mean    Scores        `json:"mean"` // over the scored queries
	Queries []QueryReport `json:"queries"`
}

// QueryReport is how one query did.
type QueryReport struct {
	Query  string `json:"query"`
	Scored bool   `json:"scored"` // see [Judgements.Scored]
	Scores
	Judged  int   `json:"judged"`  // of the first ten
	Ranking []Hit `json:"ranking"` // the first ten
}

// Hit is a document in a ranking.
type Hit struct {
	ID    string   `json:"id"`
	Grade *float64 `json:"grade"` // nil: not judged
}

// Measure runs every judged query. The report has them in alphabetical order.
func Measure(ctx context.Context, name string, judgements Judgements, searcher Searcher) (*Report, error) {
	r := &Report{Name: name}
	n := 0
	for _, query := range slices.Sorted(maps.Keys(judgements)) {
		ids, err := searcher(ctx, query, depth)
		if err != nil {
			return nil, fmt.Errorf("relevance: %q: %w", query, err)
		}
		q := score(query, judgements[query], ids)
		q.Scored = judgements.Scored(query)
		r.Queries = append(r.Queries, q)
		if !q.Scored {
			continue
		}
		n++
		r.Mean.NDCG10 += q.NDCG10
		r.Mean.Judged10 += q.Judged10
		r.Mean.MRR += q.MRR
		r.Mean.Recall100 += q.Recall100
	}
	for _, sum := range []*float64{&r.Mean.NDCG10, &r.Mean.Judged10, &r.Mean.MRR, &r.Mean.Recall100} {
		*sum /= float64(max(n, 1))
	}
	return r, nil
}

func score(query string, grades map[string]float64, ids []string) QueryReport {
	q := QueryReport{Query: query}
	var all, judged []float64
	good := 0
	for rank, id := range ids[:min(depth, len(ids))] {
		grade, ok := grades[id]
		all = append(all, grade)
		if ok {
			judged = append(judged, grade)
		}
		if grade > 0 {
			if good++; good == 1 {
				q.MRR = 1 / float64(rank+1)
			}
		}
		if rank < cut {
			hit := Hit{ID: id}
			if ok {
				hit.Grade = &grade
				q.Judged++
			}
			q.Ranking = append(q.Ranking, hit)
		}
	}
	ideal := slices.SortedFunc(maps.Values(grades), func(a, b float64) int { return cmp.Compare(b, a) })
	wanted := 0
	for _, g := range ideal {
		if g > 0 {
			wanted++
		}
	}
	if best := gain(ideal); best > 0 {
		q.NDCG10, q.Judged10 = gain(all)/best, gain(judged)/best
		q.Recall100 = float64(good) / float64(wanted)
	}
	return q
}

// gain is the discounted cumulative gain of the first ten grades.
func gain(grades []float64) float64 {
	sum := 0.0
	for i, g := range grades[:min(cut, len(grades))] {
		sum += g / math.Log2(float64(i)+2)
	}
	return sum
}

// Worst returns the n scored queries with the least NDCG10, the worst first.
func (r *Report) Worst(n int) []QueryReport {
	var scored []QueryReport
	for _, q := range r.Queries {
		if q.Scored {
			scored = append(scored, q)
		}
	}
	slices.SortStableFunc(scored, func(a, b QueryReport) int { return cmp.Compare(a.NDCG10, b.NDCG10) })
	return scored[:min(n, len(scored))]
}
