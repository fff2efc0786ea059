package search

import (
	"context"
	"log/slog"
	"slices"
	"strings"
)

// Search answers a query. Bad input is an [*InvalidError]; finding nothing is not an error.
func (ix *Index) Search(ctx context.Context, q Query) (result *Result, err error) {
	done, err := ix.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.search")
	defer func() {
		total := 0
		if result != nil {
			total = result.Total
		}
		end(err, slog.Int("total", total))
	}()
	started := ix.options.Now()
	p, err := ix.plan(q)
	if err != nil {
		return nil, err
	}
	s := &execution{ix: ix, plan: p, synonyms: ix.synonyms.Load(), effect: ix.effect(p, started)}
	if p.resumed != nil {
		result, err = s.resume(ctx)
	} else {
		result, err = s.climb(ctx)
	}
	if err != nil {
		return nil, err
	}
	result.Took = ix.options.Now().Sub(started)
	if log := ix.options.QueryLog; log != nil {
		log(ctx, ix.newQueryEvent(p, result, started))
	}
	return result, nil
}

// execution is one query being answered.
type execution struct {
	ix       *Index
	plan     *plan
	synonyms *synonymSet
	effect   ruleEffect
	steps    []Step
}

// attempt is what one rung of the ladder found.
type attempt struct {
	step     StepKind
	text     string
	compiled compiled
	node     Node
	response Response
	pinned   int            // of Total, hits that match only because a rule pins them
	buckets  [][]FacetValue // by facet, of those that choose their intervals
}

// fewForCorrection is the number of hits below which words are taken to be misspelt.
const fewForCorrection = 3

// climb runs the query as it was typed, and, while it finds little, with its
// spelling corrected and with fewer words required.
func (s *execution) climb(ctx context.Context) (*Result, error) {
	few := s.ix.options.FewHits
	best, err := s.try(ctx, StepTyped, s.plan.text)
	if err != nil {
		return nil, err
	}
	if s.plan.query.Exact || len(best.compiled.concepts) == 0 || best.found() >= few {
		return s.result(ctx, best)
	}
	var didYouMean string
	if best.found() < fewForCorrection {
		if best, didYouMean, err = s.correct(ctx, best); err != nil {
			return nil, err
		}
	}
	if best.found() < few && best.compiled.canRelax(s.plan.query.Match) {
		relaxed, err := s.try(ctx, StepRelaxed, best.text)
		if err != nil {
			return nil, err
		}
		if relaxed.found() > best.found() {
			best = relaxed
		}
	}
	result, err := s.result(ctx, best)
	if err == nil && result.Corrected == "" {
		result.DidYouMean = didYouMean
	}
	return result, err
}

// correct tries the text with its spelling corrected. It replaces a text that
// finds nothing, and is only offered beside one that finds something.
func (s *execution) correct(ctx context.Context, typed attempt) (best attempt, didYouMean string, err error) {
	text, err := s.ix.correct(ctx, typed.text, typed.compiled.words)
	if err != nil || text == "" {
		return typed, "", err
	}
	corrected, err := s.try(ctx, StepCorrected, text)
	switch {
	case err != nil:
		return typed, "", err
	case typed.found() > 0 && corrected.found() > typed.found():
		return typed, text, nil
	case typed.found() > 0:
		return typed, "", nil
	}
	// Even if not all of its words are together anywhere, they are better words to relax.
	return corrected, "", nil
}

// resume runs the rung that the first page came from.
func (s *execution) resume(ctx context.Context) (*Result, error) {
	text := s.plan.text
	if s.plan.resumed.Text != "" {
		text = s.plan.resumed.Text
	}
	found, err := s.try(ctx, s.plan.resumed.Step, text)
	if err != nil {
		return nil, err
	}
	return s.result(ctx, found)
}

func (a attempt) found() int { return a.response.Total - a.pinned }

func (s *execution) try(ctx context.Context, step StepKind, text string) (attempt, error) {
	a := attempt{step: step, text: text, compiled: s.ix.schema.compile(text, s.synonyms)}
	switch {
	case len(a.compiled.concepts) > 0:
		a.node = a.compiled.tree(s.plan.query.Match, step == StepRelaxed)
	case text != "": // only punctuation: there is nothing to look for, which is not everything
		a.node = Node{Op: OpIDs, Boost: 1}
	default:
		a.node = Node{Op: OpEverything, Boost: 1}
	}
	request := s.request(a.node)
	requests := []Request{request}
	if len(s.effect.pins) > 0 {
		alone := Request{Query: a.node, Filters: request.Filters, Sort: []Sort{ByID}}
		requests = append(requests, alone)
	}
	responses, err := s.ix.driver.Search(ctx, requests)
	if err != nil {
		return a, err
	}
	a.response = responses[0]
	if len(responses) > 1 {
		a.pinned = a.response.Total - responses[1].Total
	}
	s.steps = append(s.steps, Step{Kind: step, Text: text, Total: a.found()})
	return a, nil
}

func (s *execution) request(node Node) Request {
	p := s.plan
	filters := slices.Concat(p.query.Filters, s.effect.hide)
	r := Request{
		Query:    s.effect.apply(node, p.scored),
		Filters:  filters,
		Sort:     p.sorts,
		Collapse: p.query.Collapse,
		Offset:   p.query.Offset,
		Limit:    p.limit,
		Source:   p.query.Return == nil || len(p.query.Return) > 0 || len(p.query.Highlight) > 0,
		Explain:  p.query.Explain,
	}
	if p.resumed != nil {
		r.After, r.Offset = p.resumed.After, p.resumed.Offset
	}
	for _, f := range p.facets {
		r.Facets = append(r.Facets, f.request(s.effect.hide))
	}
	return r
}

func (f facetPlan) request(hide Filters) FacetRequest {
	return FacetRequest{
		Field: f.facet.Field, Kind: f.field.Kind, Filters: slices.Concat(f.filters, hide),
		Size: f.facet.Size, Include: f.selected, Contains: f.facet.Contains,
		Parent: f.facet.Parent, Ranges: f.facet.Ranges,
	}
}

func (s *execution) result(ctx context.Context, a attempt) (*Result, error) {
	if err := s.bucketed(ctx, &a); err != nil {
		return nil, err
	}
	r := &Result{Total: a.response.Total, Groups: a.response.Groups, Redirect: s.effect.redirect, Steps: s.steps, Relaxed: a.step == StepRelaxed, Hits: []Hit{}}
	if a.text != s.plan.text {
		r.Corrected = a.text
	}
	marker := newMarker(s.ix.schema, s.plan.query.Highlight, a.node)
	for _, found := range a.response.Hits {
		hit, err := s.hit(found, marker)
		if err != nil {
			return nil, err
		}
		r.Hits = append(r.Hits, hit)
	}
	for i, f := range s.plan.facets {
		result := f.result(a.response.Facets[i])
		if f.facet.Buckets > 0 {
			result.Values = nil
			if a.buckets != nil {
				result.Values = a.buckets[i]
			}
		}
		r.Facets = append(r.Facets, result)
	}
	if r.Total == 0 && len(s.plan.query.Filters) > 0 {
		var err error
		if r.WithoutFilters, err = s.unfiltered(ctx, a); err != nil {
			return nil, err
		}
	}
	if next, more := s.next(a, r); more {
		r.Next = next.encode(s.plan.bind)
	}
	return r, nil
}

// unfiltered counts what the text finds whatever the filters.
func (s *execution) unfiltered(ctx context.Context, a attempt) (int, error) {
	responses, err := s.ix.driver.Search(ctx, []Request{{Query: a.node, Filters: s.effect.hide, Sort: []Sort{ByID}}})
	if err != nil {
		return 0, err
	}
	return responses[0].Total, nil
}

// next is where the page after this one begins. A full page may be the last one; then the next one is empty.
func (s *execution) next(a attempt, r *Result) (cursor, bool) {
	next := cursor{Step: a.step, Text: r.Corrected}
	n, offset := len(a.response.Hits), s.plan.query.Offset
	if s.plan.resumed != nil {
		offset = s.plan.resumed.Offset
	}
	if n == 0 || n < s.plan.limit {
		return next, false
	}
	if s.plan.query.Collapse { // no engine goes on after a group: count from the beginning
		next.Offset = offset + n
		return next, next.Offset < r.Groups && next.Offset < s.ix.options.Limits.Depth
	}
	next.After = a.response.Hits[n-1].Position
	return next, s.plan.resumed != nil || offset+n < r.Total
}

func (s *execution) hit(found DriverHit, marker *marker) (Hit, error) {
	hit := Hit{ID: found.ID, Variants: found.Variants, Explain: found.Explain}
	if s.plan.scored {
		hit.Score = found.Score
		if i := slices.Index(s.effect.pins, found.ID); i >= 0 && found.Score >= pinnedScore {
			hit.Pinned = true
			hit.Score = 0
		}
	}
	only := s.plan.query.Return
	wanted := only
	if only != nil {
		wanted = slices.Concat(only, s.plan.query.Highlight)
	}
	fields, err := s.ix.schema.decode(found.Source, wanted)
	if err != nil {
		return hit, err
	}
	hit.Highlight = marker.mark(fields)
	hit.Fields = fields
	if only != nil && len(marker.fields) > 0 {
		for name := range fields {
			if !slices.Contains(only, name) {
				delete(fields, name)
			}
		}
	}
	return hit, nil
}

func (f facetPlan) result(counted FacetResponse) FacetResult {
	r := FacetResult{Name: f.facet.Name, Field: f.facet.Field, Distinct: counted.Distinct,
		Missing: counted.Missing, Min: counted.Min, Max: counted.Max}
	for i, b := range f.facet.Ranges {
		r.Values = append(r.Values, FacetValue{Range: b, Label: b.String(), Count: counted.Ranges[i],
			Selected: slices.Contains(f.chosen, b)})
	}
	for _, v := range counted.Values {
		label := v.Value
		if f.field.Kind == Category {
			label = label[strings.LastIndex(label, PathSeparator)+1:]
			label = strings.TrimPrefix(label, PathSeparator[1:])
		}
		selected := slices.Contains(f.selected, v.Value)
		if f.field.Kind == Category && !selected { // an ancestor of a chosen category is chosen too
			selected = slices.ContainsFunc(f.selected, func(s string) bool {
				return strings.HasPrefix(s, v.Value+PathSeparator)
			})
		}
		r.Values = append(r.Values, FacetValue{Value: v.Value, Label: label, Count: v.Count, Selected: selected})
	}
	return r
}

// String writes an interval: "< 10", "10 – 20", "≥ 20".
func (b Bounds) String() string {
	switch {
	case b.GTE != nil && b.LT != nil:
		return valueText(b.GTE) + " – " + valueText(b.LT)
	case b.GTE != nil && b.LTE != nil:
		return valueText(b.GTE) + " – " + valueText(b.LTE)
	}
	var parts []string
	for _, end := range []struct {
		sign  string
		value any
	}{{"≥ ", b.GTE}, {"> ", b.GT}, {"≤ ", b.LTE}, {"< ", b.LT}} {
		if end.value != nil {
			parts = append(parts, end.sign+valueText(end.value))
		}
	}
	return strings.Join(parts, ", ")
}
