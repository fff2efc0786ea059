package analysis

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPhrase bounds the runs of characters offered as completions.
const maxPhrase = 12

// Arrow stands in the dictionary of completions between another way to type a phrase and the phrase:
// "shouji→手机". No word holds it.
const Arrow = "→"

// How many ways to read a phrase count.
const (
	maxReadings  = 2 // of a character
	maxSpellings = 4
)

// phraser finds the phrases of a text.
type phraser struct {
	analyzer *Analyzer
	text     string
	add      func(string)

	previous string // word, which ends at end
	end      int
}

func (p *phraser) unit(u Unit) {
	if u.CJK {
		p.analyzer.runPhrases(p.text, u, p.add)
		p.previous = ""
		return
	}
	word := p.text[u.Start:u.End]
	if ascii(word) && len(u.Form) == len(word) { // nothing is left out
		word = u.Form
	} else {
		word = foldWord(word)
	}
	if utf8.RuneCountInString(word) > MaxWord {
		p.previous = ""
		return
	}
	addWord(word, p.add)
	neighbours := p.previous != "" && strings.TrimSpace(p.text[p.end:u.Start]) == ""
	if neighbours && !IsStopWord(p.previous) && !IsStopWord(word) {
		p.add(p.previous + " " + word)
	}
	p.previous, p.end = word, u.End
}

// runPhrases adds the whole run, and of one that is cut into words each of them and each two neighbours.
func (a *Analyzer) runPhrases(text string, run Unit, add func(string)) {
	a.runPhrase(text, run, 0, len(run.Parts), add)
	if !a.Segmented() {
		return
	}
	words := a.Words(run)
	for i, w := range words {
		if !w.Found {
			continue
		}
		a.runPhrase(text, run, w.From, w.To, add)
		if i+1 < len(words) && (words[i+1].Found || words[i+1].To-words[i+1].From == 1) {
			a.runPhrase(text, run, w.From, words[i+1].To, add)
		}
	}
}

// runPhrase adds a phrase of a run as it is written, and what else may be typed for it.
func (a *Analyzer) runPhrase(text string, run Unit, from, to int, add func(string)) {
	if to-from > maxPhrase {
		return
	}
	written := foldWord(text[run.Parts[from].Start:run.Parts[to-1].End])
	simple := a.Simple(written)
	if simple == written {
		add(written)
	} else {
		add(simple + Arrow + written)
	}
	for _, s := range a.Spellings(simple) {
		add(s + Arrow + written)
	}
}

// Spellings returns how characters can be typed in Latin letters: in full, and by the first letters. It is nil when
// one of them has no reading.
func (a *Analyzer) Spellings(characters string) []string {
	if a == nil || a.Romanize == nil || characters == "" {
		return nil
	}
	type spelling struct{ full, initials string }
	spelled := []spelling{{}}
	for _, c := range characters {
		readings := a.Romanize(c)
		readings = readings[:min(len(readings), maxReadings)]
		if len(readings) == 0 {
			return nil
		}
		var next []spelling
		for _, reading := range readings { // all that have the usual readings come first
			for _, s := range spelled {
				if reading != "" {
					next = append(next, spelling{s.full + reading, s.initials + reading[:1]})
				}
			}
		}
		spelled = next[:min(len(next), maxSpellings)]
	}
	var all []string
	for _, s := range spelled {
		all = append(all, s.full, s.initials)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Spelling returns the usual spelling of characters in full, or "".
func (a *Analyzer) Spelling(characters string) string {
	var b strings.Builder
	for _, c := range characters {
		readings := a.Romanize(c)
		if len(readings) == 0 {
			return ""
		}
		b.WriteString(readings[0])
	}
	return b.String()
}
