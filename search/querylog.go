package search

import "time"

// QueryEvent is what a shop learns from one search, for its reports: what is
// searched, what is not found, which rungs of the ladder helped.
type QueryEvent struct {
	Time    time.Time
	Text    string  // as it was typed, without control characters
	Key     string  // the same for texts that differ in case, accents, width, spaces and punctuation only
	Filters Filters // as the index compares them
	Sort    []Sort
	Offset  int
	Next    bool // a page that a cursor asked for, so not a new search

	Total      int
	Hits       []string // IDs, in order
	Corrected  string
	DidYouMean string
	Relaxed    bool
	Redirect   string
	Took       time.Duration
}

func (ix *Index) newQueryEvent(p *plan, r *Result, started time.Time) QueryEvent {
	e := QueryEvent{Time: started, Text: p.text, Key: ix.schema.foldedKey(p.text), Filters: p.query.Filters, Sort: p.query.Sort,
		Offset: p.query.Offset, Next: p.resumed != nil, Total: r.Total, Corrected: r.Corrected, DidYouMean: r.DidYouMean,
		Relaxed: r.Relaxed, Redirect: r.Redirect, Took: r.Took, Hits: make([]string, len(r.Hits))}
	for i, hit := range r.Hits {
		e.Hits[i] = hit.ID
	}
	return e
}
