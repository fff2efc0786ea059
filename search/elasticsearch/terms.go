package elasticsearch

import (
	"cmp"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search"
)

const (
	maxTerm     = 600 // bytes of a prefix: no term is longer
	suggestions = 500 // similar words that the server is asked for
	inspections = 20  // words it looks at for each of them
)

// Terms implements [search.Driver].
func (d *driver) Terms(ctx context.Context, r search.TermsRequest) ([]search.Term, error) {
	var found []search.Term
	var err error
	switch {
	case len(r.Exact) > 0:
		found, err = d.frequencies(ctx, r.Field, r.Exact)
	case r.Near != "":
		var similar []string
		if similar, err = d.similar(ctx, r); err == nil {
			found, err = d.frequencies(ctx, r.Field, similar)
		}
	case r.Prefix != "" && len(r.Prefix) <= maxTerm:
		found, err = d.completions(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b search.Term) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text)) })
	return found[:min(len(found), r.Limit)], nil
}

// frequencies counts the documents that hold each of terms, and leaves out those that none has.
func (d *driver) frequencies(ctx context.Context, field string, terms []string) ([]search.Term, error) {
	if len(terms) == 0 {
		return nil, nil
	}
	each := make([]any, len(terms))
	for i, t := range terms {
		each[i] = object{"term": object{field: t}}
	}
	body := object{"size": 0, "track_total_hits": false, "aggs": object{"f": object{"filters": object{"filters": each}}}}
	buckets, err := d.buckets(ctx, body)
	if err != nil {
		return nil, err
	}
	var found []search.Term
	for i, b := range buckets {
		if b.Count > 0 && i < len(terms) {
			found = append(found, search.Term{Text: terms[i], Count: b.Count})
		}
	}
	return found, nil
}

// completions finds the most frequent terms with a prefix.
func (d *driver) completions(ctx context.Context, r search.TermsRequest) ([]search.Term, error) {
	terms := object{"field": r.Field, "size": max(r.Limit, 1), "include": beginning(r.Prefix)}
	d.exactly(terms)
	body := object{"size": 0, "track_total_hits": false, "query": constant(prefix(r.Field, r.Prefix), 1),
		"aggs": object{"f": object{"terms": terms}}}
	buckets, err := d.buckets(ctx, body)
	if err != nil {
		return nil, err
	}
	found := make([]search.Term, len(buckets))
	for i, b := range buckets {
		found[i] = search.Term{Text: b.value(search.Field{}), Count: b.Count}
	}
	return found, nil
}

// buckets runs a search and returns the buckets of its aggregation f.
func (d *driver) buckets(ctx context.Context, body object) ([]bucket, error) {
	var answer struct {
		Aggregations struct {
			F struct {
				Buckets []bucket `json:"buckets"`
			} `json:"f"`
		} `json:"aggregations"`
	}
	path := "/" + d.name + "/_search?allow_partial_search_results=false&filter_path=aggregations.f.buckets"
	err := d.client.json(ctx, call{method: "POST", path: path}, body, &answer)
	return answer.Aggregations.F.Buckets, err
}

// similar asks the server's spelling checker, which counts a transposition as one
// mistake, and keeps the words that are near as the driver's contract counts.
func (d *driver) similar(ctx context.Context, r search.TermsRequest) ([]string, error) {
	distance := min(r.Distance, 2)
	if distance < 1 || utf8.RuneCountInString(r.Near) > maxTerm {
		return nil, nil
	}
	body := object{"size": 0, "track_total_hits": false, "suggest": object{"s": object{"text": r.Near, "term": object{
		"field": r.Field, "suggest_mode": "always", "max_edits": distance, "prefix_length": 0, "min_word_length": 1,
		"size": suggestions, "max_inspections": inspections, "accuracy": 0.01, "sort": "frequency",
	}}}}
	var answer struct {
		Suggest struct {
			S []struct {
				Options []struct {
					Text string `json:"text"`
				} `json:"options"`
			} `json:"s"`
		} `json:"suggest"`
	}
	path := "/" + d.name + "/_search?allow_partial_search_results=false&filter_path=suggest"
	if err := d.client.json(ctx, call{method: "POST", path: path}, body, &answer); err != nil {
		return nil, err
	}
	words := []string{r.Near}
	for _, entry := range answer.Suggest.S {
		for _, option := range entry.Options {
			if option.Text != r.Near && levenshtein(r.Near, option.Text) <= distance {
				words = append(words, option.Text)
			}
		}
	}
	return words, nil
}

// levenshtein counts insertions, deletions and substitutions.
func levenshtein(a, b string) int {
	x, y := []rune(a), []rune(b)
	last, row := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
		}
		last, row = row, last
	}
	return last[len(y)]
}
