package search

import (
	"context"
	"html"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search/internal/analysis"
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
	typed := splitTyped(p.text)
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

// typed is a text cut before its last, perhaps unfinished, word.
type typed struct {
	before []string // folded words before it
	last   string   // folded; "" when the text ends in a space
	prefix string   // what completions must begin with
	lead   string   // of the text, what stands before the prefix
}

// splitTyped finds what to complete: the last two words when there are two, because
// the index knows pairs of words, or else the last one.
func splitTyped(text string) typed {
	type word struct {
		start, end int
		form       string
	}
	var words []word
	analysis.Units(text, func(u analysis.Unit) bool {
		form := analysis.Fold(text[u.Start:u.End])
		words = append(words, word{u.Start, u.End, form})
		return len(words) < maxWords
	})
	var t typed
	if len(words) == 0 {
		return t
	}
	for _, w := range words[:len(words)-1] {
		t.before = append(t.before, w.form)
	}
	last := words[len(words)-1]
	t.last, t.prefix, t.lead = last.form, last.form, text[:last.start]
	if len(words) > 1 {
		previous := words[len(words)-2]
		if strings.TrimSpace(text[previous.end:last.start]) == "" && previous.end < last.start {
			t.prefix, t.lead = previous.form+" "+last.form, text[:previous.start]
		}
	}
	return t
}

// complete looks completions up in the dictionary and keeps those that find something
// together with the words typed before.
func (ix *Index) complete(ctx context.Context, t typed, limit int) ([]Suggestion, error) {
	type start struct{ lead, prefix string }
	tries := []start{{t.lead, t.prefix}}
	if t.prefix != t.last { // the pair may be unknown: complete the last word alone
		tries = append(tries, start{strings.Join(t.before, " ") + " ", t.last})
	}
	suggestions := []Suggestion{}
	seen := map[string]bool{}
	for _, try := range tries {
		if len(suggestions) >= limit {
			break
		}
		terms, err := ix.driver.Terms(ctx, TermsRequest{Field: FieldPhrases, Prefix: try.prefix, Limit: 2 * limit})
		if err != nil {
			return nil, err
		}
		lead := strings.ToLower(strings.TrimLeftFunc(try.lead, unicode.IsSpace))
		texts := make([]string, 0, len(terms))
		for _, term := range terms {
			if text := lead + term.Text; !seen[text] {
				seen[text] = true
				texts = append(texts, text)
			}
		}
		counts, err := ix.countAll(ctx, texts)
		if err != nil {
			return nil, err
		}
		for i, text := range texts {
			if counts[i] > 0 {
				suggestions = append(suggestions, Suggestion{Text: text, Count: counts[i],
					HTML: completionHTML(text, lead+try.prefix)})
			}
		}
	}
	slices.SortStableFunc(suggestions, func(a, b Suggestion) int { return b.Count - a.Count })
	return suggestions[:min(limit, len(suggestions))], nil
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

func completionHTML(text, typed string) string {
	typed = strings.TrimLeftFunc(typed, unicode.IsSpace)
	if !strings.HasPrefix(text, typed) || !utf8.ValidString(text) {
		return html.EscapeString(text)
	}
	rest := text[len(typed):]
	if rest == "" {
		return html.EscapeString(text)
	}
	return html.EscapeString(typed) + "<mark>" + html.EscapeString(rest) + "</mark>"
}

// completeHits finds documents with all the words, the last one complete or not. A
// last word of up to three characters is completed within the fields that suggest only.
func (ix *Index) completeHits(ctx context.Context, p *plan, t typed) ([]Hit, error) {
	words := ix.schema.compile(p.text, ix.synonyms.Load())
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
	s := &execution{ix: ix, plan: p, effect: ix.effect(p, ix.options.Now()), wanted: p.wanted()}
	s.effect.pins = nil
	request := s.request(words.tree(MatchAll, false))
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
