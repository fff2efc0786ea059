package search

import (
	"context"
	"log/slog"
	"unicode/utf8"
)

// SuggestQuery asks for completions of what is being typed.
type SuggestQuery struct {
	Text    string // as far as it is typed
	Queries int    // completions wanted: 0 is 8, -1 none, at most 50
	Hits    int    // documents wanted: 0 is 5, -1 none, at most 50
	// Filters hold for the documents; the completions and their counts are of all documents.
	Filters Filters
	// Return is as in [Query].
	Return []string
	// Categories is a Keyword or Category field with Facet: the first three completions say in
	// which of its values (of a category: roots) their documents are, for "headphones in Audio".
	Categories string
}

// Suggestions are completions, best first.
type Suggestions struct {
	Queries []Suggestion
	Hits    []Hit // documents with all the words, the last one perhaps incomplete
}

// Suggestion is a text that finds something.
type Suggestion struct {
	Text  string
	HTML  string // Text escaped, what is not typed yet in <mark>
	Count int    // documents with these words; exact
	// Categories are the most frequent three, with their counts; see [SuggestQuery].
	Categories []FacetValue
}

const (
	maxSuggestions   = 50
	categorized      = 3 // completions that are told their categories
	categoriesOfEach = 3
)

// Suggest completes what a shopper types. Completions are words, pairs of words
// and runs of characters of the fields whose schema says Suggest.
func (ix *Index) Suggest(ctx context.Context, q SuggestQuery) (suggestions *Suggestions, err error) {
	done, err := ix.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.suggest")
	defer func() {
		end(err, slog.Bool("found", suggestions != nil && len(suggestions.Queries)+len(suggestions.Hits) > 0))
	}()

	for _, n := range []struct {
		part     string
		value    *int
		fallback int
	}{{"Queries", &q.Queries, 8}, {"Hits", &q.Hits, 5}} {
		switch {
		case *n.value == 0:
			*n.value = n.fallback
		case *n.value == -1:
			*n.value = 0
		case *n.value < 0 || *n.value > maxSuggestions:
			return nil, invalid(n.part, "%d is not between 1 and %d, or -1 for none", *n.value, maxSuggestions)
		}
	}
	plain := Query{Text: q.Text, Filters: q.Filters, Return: q.Return, Limit: max(q.Hits, 1)}
	if q.Categories != "" {
		plain.Facets = []Facet{{Field: q.Categories, Size: categoriesOfEach}}
	}
	p, err := ix.plan(plain)
	if err != nil {
		return nil, err
	}
	categories := p.facets
	p.facets = nil
	if len(categories) > 0 && categories[0].field.Kind != Keyword && categories[0].field.Kind != Category {
		return nil, invalid("Categories", "%s field %q is not a keyword or category field", categories[0].field.Kind, q.Categories)
	}
	suggestions = &Suggestions{Queries: []Suggestion{}, Hits: []Hit{}}
	typed := ix.schema.splitTyped(p.text)
	if typed.last == "" && len(typed.before) == 0 {
		return suggestions, nil
	}
	if q.Queries > 0 {
		if suggestions.Queries, err = ix.complete(ctx, typed, q.Queries); err != nil {
			return nil, err
		}
		if len(categories) > 0 {
			if err = ix.categorize(ctx, suggestions.Queries, categories[0]); err != nil {
				return nil, err
			}
		}
	}
	if q.Hits > 0 {
		p.limit = q.Hits
		if suggestions.Hits, err = ix.completeHits(ctx, p, typed); err != nil {
			return nil, err
		}
	}
	return suggestions, nil
}

// countAll counts what each text would find with all its words.
func (ix *Index) countAll(ctx context.Context, texts []string) ([]int, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	synonyms := ix.synonyms.Load()
	requests := make([]Request, len(texts))
	for i, text := range texts {
		requests[i] = Request{Query: ix.schema.compile(text, synonyms).tree(MatchAll, false), Sort: []Sort{ByID}}
	}
	responses, err := ix.driver.Search(ctx, requests)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(texts))
	for i, r := range responses {
		counts[i] = r.Total
	}
	return counts, nil
}

// categorize finds the categories of the first completions.
func (ix *Index) categorize(ctx context.Context, suggestions []Suggestion, of facetPlan) error {
	first := suggestions[:min(len(suggestions), categorized)]
	if len(first) == 0 {
		return nil
	}
	synonyms := ix.synonyms.Load()
	requests := make([]Request, len(first))
	for i, s := range first {
		facet := of.request(nil)
		facet.Filters, facet.Include = nil, nil // the counts are of all documents
		requests[i] = Request{Query: ix.schema.compile(s.Text, synonyms).tree(MatchAll, false), Sort: []Sort{ByID}, Facets: []FacetRequest{facet}}
	}
	responses, err := ix.driver.Search(ctx, requests)
	if err != nil {
		return err
	}
	of.selected = nil
	for i, r := range responses {
		first[i].Categories = of.result(r.Facets[0]).Values
	}
	return nil
}

// completeHits finds documents with all the words, the last one complete or not. A
// last word of up to three characters is completed within the fields that suggest only.
func (ix *Index) completeHits(ctx context.Context, p *plan, t typed) ([]Hit, error) {
	synonyms := ix.synonyms.Load()
	words := ix.schema.compile(p.text, synonyms)
	if len(words.concepts) == 0 {
		return []Hit{}, nil
	}
	last := &words.concepts[len(words.concepts)-1]
	last.optional = false
	begun := []Node{{Op: OpPrefix, Field: FieldPhrases, Terms: []string{t.last}, Boost: 2}}
	if utf8.RuneCountInString(t.last) > MaxStart {
		begun = append(begun, Node{Op: OpPrefix, Field: FieldWords, Terms: []string{t.last}, Boost: 0.5})
	}
	last.node = Node{Op: OpBest, Boost: 1, Nodes: append(begun, last.node)}
	tree := words.tree(MatchAll, false)
	if len(t.sounds) > 0 {
		tree = Node{Op: OpBest, Boost: 1, Nodes: []Node{tree}}
		for _, sound := range t.sounds {
			tree.Nodes = append(tree.Nodes, ix.schema.sounding(sound, synonyms))
		}
	}
	s := &execution{ix: ix, plan: p, effect: ix.effect(p, ix.options.Now())}
	s.effect.pins = nil
	request := s.request(tree)
	responses, err := ix.driver.Search(ctx, []Request{request})
	if err != nil {
		return nil, err
	}
	hits := []Hit{}
	for _, found := range responses[0].Hits {
		hit, err := s.hit(found, &marker{})
		if err != nil {
			return nil, err
		}
		hits = append(hits, hit)
	}
	return hits, nil
}
