package analysis

// Terms are what one text contributes to an index.
type Terms struct {
	Words []string // searched terms in order: stems, joined compounds, character pairs
	Chars []string // single characters of Chinese, Japanese and Korean runs
}

// Sinks take what a text contributes to an index. One that is nil wants nothing.
type Sinks struct {
	// Terms get the terms. A compound gives its joined form, then its
	// parts, so that "iPhone15" answers "iphone15", "iphone 15" and "iphone".
	Terms *Terms
	// Word gets each word as people write it, folded but not stemmed: the words corrections are taken from.
	Word func(string)
	// Phrase gets what may complete a query: each word, each pair of
	// neighbouring words, each run of Chinese, Japanese or Korean characters, and the other ways to type that.
	Phrase func(string)
}

// Read reads text once for all sinks.
func (a *Analyzer) Read(text, language string, to Sinks) {
	phrases := phraser{analyzer: a, text: text, add: to.Phrase}
	a.Units(text, func(u Unit) bool {
		if to.Terms != nil {
			a.addTerms(to.Terms, u, language)
		}
		if to.Word != nil && !u.CJK {
			addWord(u.Form, to.Word)
			for _, p := range u.Parts {
				addWord(p.Form, to.Word)
			}
		}
		if to.Phrase != nil {
			phrases.unit(u)
		}
		return true
	})
}

// Index returns the terms of text.
func (a *Analyzer) Index(text, language string) Terms {
	var terms Terms
	a.Read(text, language, Sinks{Terms: &terms})
	return terms
}

func (a *Analyzer) addTerms(to *Terms, u Unit, language string) {
	if u.CJK {
		to.Words = append(to.Words, a.runTerms(u)...)
		for _, c := range u.Parts {
			to.Chars = append(to.Chars, c.Form)
		}
		return
	}
	to.Words = append(to.Words, Stem(u.Form, language))
	for _, p := range u.Parts {
		to.Words = append(to.Words, Stem(p.Form, language))
	}
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

func addWord(word string, add func(string)) {
	if len(word) > 1 {
		add(word)
	}
}
