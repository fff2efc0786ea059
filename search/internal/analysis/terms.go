package analysis

// Terms are what one text contributes to an index.
type Terms struct {
	Words []string // searched terms in order: stems, joined compounds, character pairs
	Chars []string // single characters of Chinese, Japanese and Korean runs
}

// Index returns the terms of text. A compound gives its joined form, then its
// parts, so that "iPhone15" answers "iphone15", "iphone 15" and "iphone".
func (a *Analyzer) Index(text, language string) Terms {
	var terms Terms
	stem := stemCache(language)
	a.Units(text, func(u Unit) bool {
		switch {
		case u.CJK:
			terms.Words = append(terms.Words, a.runTerms(u)...)
			for _, c := range u.Parts {
				terms.Chars = append(terms.Chars, c.Form)
			}
		default:
			terms.Words = append(terms.Words, stem(u.Form))
			for _, p := range u.Parts {
				terms.Words = append(terms.Words, stem(p.Form))
			}
		}
		return true
	})
	return terms
}

// runTerms returns the pairs of a run, or its words, each followed by the shorter ones within it.
func (a *Analyzer) runTerms(run Unit) []string {
	if !a.Segmented() {
		return Pairs(run)
	}
	var terms []string
	for _, w := range a.Words(run) {
		if w.To-w.From > 1 {
			terms = append(terms, w.Form)
		}
		for _, p := range w.Parts {
			terms = append(terms, p.Form)
		}
	}
	return terms
}

// Pairs returns the character pairs of a run; a run of one character has none.
func Pairs(run Unit) []string {
	if len(run.Parts) < 2 {
		return nil
	}
	pairs := make([]string, len(run.Parts)-1)
	for i := range pairs {
		pairs[i] = run.Parts[i].Form + run.Parts[i+1].Form
	}
	return pairs
}

// Vocabulary calls add for each word of text as people write it, folded but
// not stemmed: the words corrections are taken from.
func (a *Analyzer) Vocabulary(text string, add func(string)) {
	a.Units(text, func(u Unit) bool {
		if u.CJK {
			return true
		}
		addWord(u.Form, add)
		for _, p := range u.Parts {
			addWord(p.Form, add)
		}
		return true
	})
}

func addWord(word string, add func(string)) {
	if len(word) > 1 {
		add(word)
	}
}

// stemCache returns a stemmer that remembers what it did: product texts repeat their words.
func stemCache(language string) func(string) string {
	seen := map[string]string{}
	return func(word string) string {
		stem, ok := seen[word]
		if !ok {
			stem = Stem(word, language)
			seen[word] = stem
		}
		return stem
	}
}
