package search

import (
	"math"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// How much the parts of a text query count, in relation to a word found in its best field.
const (
	togetherBoost = 0.3 // a word in all fields, taken as one text
	allWordsBonus = 0.6
	phraseBoost   = 0.3
	stopWordBoost = 0.3
	synonymBoost  = 0.9
)

// compiled is a text turned into what engines match.
type compiled struct {
	concepts []concept
	words    []analysis.Unit // as they stand in the text, for corrections
}

// concept is one thing a text asks for: a word, a run of characters, or a
// phrase with synonyms.
type concept struct {
	node     Node
	terms    []string // in order of position, for phrases; nil when it has none of its own
	optional bool     // a word such as "for"
}

func term(field, text string) Node {
	return Node{Op: OpTerm, Field: field, Terms: []string{text}, Boost: 1}
}

// compile cuts text into concepts. Synonyms match the longest sequence of words first.
func (s *schema) compile(text string, synonyms *synonymSet) compiled {
	var c compiled
	var units []analysis.Unit
	s.analyzer.Units(text, func(u analysis.Unit) bool {
		if !u.CJK {
			c.words = append(c.words, u)
		}
		units = append(units, synonyms.split(u)...)
		return len(units) < maxWords
	})
	units = firstCharacters(units[:min(len(units), maxWords)])
	for i := 0; i < len(units); {
		n, alternatives := synonyms.match(units[i:])
		if n == 0 {
			c.concepts = append(c.concepts, s.conceptsOf(units[i])...)
			i++
			continue
		}
		own := s.sequence(units[i : i+n])
		own.node = Node{Op: OpBest, Nodes: append([]Node{own.node}, s.alternatives(alternatives)...), Boost: 1}
		c.concepts = append(c.concepts, own)
		i += n
	}
	if !slices.ContainsFunc(c.concepts, func(c concept) bool { return !c.optional }) {
		for i := range c.concepts { // "The The"
			c.concepts[i].optional = false
		}
	}
	return c
}

// firstCharacters cuts runs of Chinese, Japanese and Korean characters, each of which
// is nearly a word, so that a query has no more parts than engines take.
func firstCharacters(units []analysis.Unit) []analysis.Unit {
	left := maxCharacters
	kept := units[:0]
	for _, u := range units {
		if u.CJK && len(u.Parts) > left {
			u.Parts = u.Parts[:left]
			u.Form = ""
			for _, p := range u.Parts {
				u.Form += p.Form
			}
		}
		if u.CJK {
			left -= len(u.Parts)
		}
		if u.Form != "" {
			kept = append(kept, u)
		}
	}
	return kept
}

func (s *schema) alternatives(texts []string) []Node {
	var nodes []Node
	for _, text := range texts {
		var units []analysis.Unit
		s.analyzer.Units(text, func(u analysis.Unit) bool {
			units = append(units, u)
			return true
		})
		if len(units) == 0 {
			continue
		}
		node := s.sequence(units).node
		node.Boost *= synonymBoost
		nodes = append(nodes, node)
	}
	return nodes
}

// sequence is the concept of words that belong together: next to each other.
func (s *schema) sequence(units []analysis.Unit) concept {
	if len(units) == 1 {
		c := s.concept(units[0])
		c.optional = false
		return c
	}
	var all concept
	var nodes []Node
	for _, u := range units {
		c := s.concept(u)
		nodes = append(nodes, c.node)
		if c.terms == nil || len(all.terms) == 0 && len(nodes) > 1 {
			all.terms = nil
			continue
		}
		all.terms = append(all.terms, c.terms...)
	}
	if len(all.terms) >= len(units) && len(s.languages) == 1 {
		all.node = Node{Op: OpPhrase, Field: FieldText, Terms: all.terms, Boost: 1}
	} else {
		all.node = Node{Op: OpAll, Nodes: nodes, Boost: 1}
	}
	return all
}

// conceptsOf returns what a unit asks for: each word of a run that is cut into words, or else one thing.
func (s *schema) conceptsOf(u analysis.Unit) []concept {
	if !u.CJK || !s.analyzer.Segmented() {
		return []concept{s.concept(u)}
	}
	words := s.analyzer.Words(u)
	concepts := make([]concept, len(words))
	for i, w := range words {
		concepts[i] = s.segment(u, w)
	}
	return concepts
}

// segment finds a word of a run. A word that holds shorter ones is also found by all of these.
func (s *schema) segment(run analysis.Unit, w analysis.Word) concept {
	if w.To-w.From == 1 {
		return concept{node: term(FieldChars, w.Form)}
	}
	same := func(form string) Node { return s.anyOf([]string{form}, func(*Field) string { return form }) }
	if len(w.Parts) == 0 {
		return concept{node: same(w.Form), terms: []string{w.Form}}
	}
	parts := Node{Op: OpAll, Boost: 1}
	for _, p := range w.Parts {
		parts.Nodes = append(parts.Nodes, same(p.Form))
	}
	for _, c := range w.Uncovered(run) {
		parts.Nodes = append(parts.Nodes, term(FieldChars, c))
	}
	return concept{node: Node{Op: OpBest, Nodes: []Node{same(w.Form), parts}, Boost: 1}}
}

func (s *schema) concept(u analysis.Unit) concept {
	switch {
	case u.CJK && s.analyzer.Segmented():
		all := Node{Op: OpAll, Boost: 1}
		for _, c := range s.conceptsOf(u) {
			all.Nodes = append(all.Nodes, c.node)
		}
		return concept{node: all}
	case u.CJK && len(u.Parts) == 1:
		return concept{node: term(FieldChars, u.Form)}
	case u.CJK:
		return s.run(u)
	case len(u.Parts) == 0:
		return concept{node: s.word(u.Form), terms: s.stems(u.Form)[:1], optional: analysis.IsStopWord(u.Form)}
	}
	// A compound matches as it is joined, or by its parts next to each other.
	c := concept{node: Node{Op: OpBest, Boost: 1, Nodes: []Node{s.word(u.Form)}}}
	for _, language := range s.languagesOrNone() {
		parts := stemParts(u, language)
		if c.terms == nil {
			c.terms = parts
		}
		together := Node{Op: OpPhrase, Field: FieldText, Terms: parts, Boost: togetherBoost}
		own := Node{Op: OpBest, Boost: 1}
		for _, f := range s.own {
			if f.Language != language {
				continue
			}
			all := Node{Op: OpAll, Boost: s.ownBoost(f)}
			for _, p := range parts {
				all.Nodes = append(all.Nodes, term(FieldOwn+f.Name, p))
			}
			own.Nodes = append(own.Nodes, all)
		}
		if len(own.Nodes) > 0 {
			together = Node{Op: OpPrefer, Boost: 1, Nodes: []Node{together, own}}
		}
		c.node.Nodes = append(c.node.Nodes, together)
	}
	return c
}

func stemParts(u analysis.Unit, language string) []string {
	parts := make([]string, len(u.Parts))
	for i, p := range u.Parts {
		parts[i] = analysis.Stem(p.Form, language)
	}
	return parts
}

// word finds a folded word. The field in which it tells most counts, as its weight is in
// relation to the heaviest (a disjunction maximum), and a little the text of all fields together (BM25F): a word
// that makes up a short title says more than one among many in a long description.
func (s *schema) word(form string) Node {
	return s.anyOf(s.stems(form), func(f *Field) string { return analysis.Stem(form, f.Language) })
}

// anyOf finds one of terms in the text of all fields, and scores by the term that stands for the word in each field of its own.
func (s *schema) anyOf(terms []string, own func(*Field) string) Node {
	together := Node{Op: OpBest, Boost: togetherBoost}
	for _, t := range terms {
		together.Nodes = append(together.Nodes, term(FieldText, t))
	}
	if len(terms) == 1 {
		together = term(FieldText, terms[0])
		together.Boost = togetherBoost
	}
	best := Node{Op: OpBest, Boost: 1}
	for _, f := range s.own {
		one := term(FieldOwn+f.Name, own(f))
		one.Boost = s.ownBoost(f)
		best.Nodes = append(best.Nodes, one)
	}
	switch len(best.Nodes) {
	case 0: // no field of the schema has words
		return together
	case 1:
		best = best.Nodes[0]
	}
	return Node{Op: OpPrefer, Boost: 1, Nodes: []Node{together, best}}
}

func (s *schema) ownBoost(f *Field) float64 { return float64(f.Weight) / float64(s.heaviest) }

// run asks for most character pairs of a run. A run is often several
// words written together, and a pair across two of them may be nowhere.
func (s *schema) run(u analysis.Unit) concept {
	pairs := analysis.Pairs(u)
	c := concept{terms: pairs}
	nodes := make([]Node, len(pairs))
	for i, pair := range pairs {
		nodes[i] = s.anyOf([]string{pair}, func(*Field) string { return pair })
	}
	if len(pairs) == 1 {
		c.node = nodes[0]
		return c
	}
	need := int(math.Ceil(0.6 * float64(len(pairs))))
	c.node = Node{Op: OpPrefer, Boost: 1, Nodes: []Node{
		{Op: OpAny, Nodes: nodes, Min: need, Boost: 1},
		{Op: OpPhrase, Field: FieldText, Terms: pairs, Boost: phraseBoost}}}
	return c
}

// stems returns the stems of a word in the languages of the schema, each once.
func (s *schema) stems(word string) []string {
	var stems []string
	for _, language := range s.languagesOrNone() {
		if stem := analysis.Stem(word, language); !slices.Contains(stems, stem) {
			stems = append(stems, stem)
		}
	}
	return stems
}

func (s *schema) languagesOrNone() []string {
	if len(s.languages) == 0 {
		return []string{analysis.Undetermined}
	}
	return s.languages
}

// tree is the query of the concepts with at least enough of the required ones:
// more words, all words and words next to each other score higher.
func (c compiled) tree(match Match, relaxed bool) Node {
	if len(c.concepts) == 0 {
		return Node{Op: OpEverything, Boost: 1}
	}
	var required, extra []Node
	for _, concept := range c.concepts {
		if concept.optional {
			node := concept.node
			node.Boost *= stopWordBoost
			extra = append(extra, node)
			continue
		}
		required = append(required, concept.node)
	}
	need := minimum(len(required), match, relaxed)
	main := Node{Op: OpAny, Nodes: required, Min: need, Boost: 1}
	if len(required) == 1 {
		main = required[0]
	}
	if need < len(required) {
		main.Bonus = allWordsBonus
	}
	extra = append(extra, c.phrases()...)
	if len(extra) == 0 {
		return main
	}
	return Node{Op: OpPrefer, Nodes: append([]Node{main}, extra...), Boost: 1}
}

// phrases rewards each two concepts that stand next to each other.
func (c compiled) phrases() []Node {
	var nodes []Node
	for i := 1; i < len(c.concepts); i++ {
		a, b := c.concepts[i-1].terms, c.concepts[i].terms
		if len(a) == 0 || len(b) == 0 {
			continue
		}
		nodes = append(nodes, Node{Op: OpPhrase, Field: FieldText, Boost: phraseBoost,
			Terms: []string{a[len(a)-1], b[0]}})
	}
	return nodes
}

func minimum(n int, match Match, relaxed bool) int {
	switch {
	case relaxed:
		return max(1, n/3)
	case match == MatchAll || n <= 2 && match == MatchMost:
		return n
	case match == MatchAny:
		return 1
	case n <= 4:
		return n - 1
	}
	return int(math.Ceil(0.75 * float64(n)))
}

// canRelax says whether requiring fewer words could find more.
func (c compiled) canRelax(match Match) bool {
	required := 0
	for _, concept := range c.concepts {
		if !concept.optional {
			required++
		}
	}
	return minimum(required, match, true) < minimum(required, match, false)
}

// marks collects the terms of a query tree that a highlighter looks for.
func (n Node) marks(add func(term string)) {
	switch n.Op {
	case OpTerm, OpPhrase:
		if n.Field == FieldText || n.Field == FieldChars {
			for _, t := range n.Terms {
				add(t)
			}
		}
	default:
		for _, child := range n.Nodes {
			child.marks(add)
		}
	}
}

// foldedKey is how synonyms and rules compare texts: folded words with single spaces.
func (s *schema) foldedKey(text string) string {
	var forms []string
	s.analyzer.Units(text, func(u analysis.Unit) bool {
		forms = append(forms, u.Form)
		return true
	})
	return strings.Join(forms, " ")
}
