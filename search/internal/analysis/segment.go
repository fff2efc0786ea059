package analysis

import (
	"cmp"
	"slices"
)

// maxSegment is the longest word of a segmenter that counts, in characters.
const maxSegment = 16

// Word is a part of a run: a word that the segmenter found, or, where it found
// none, a pair of characters or one that is left alone.
type Word struct {
	From, To int // characters of the run
	Form     string
	Found    bool   // by the segmenter
	Parts    []Word // shorter words within a found one
}

// Segmented says whether runs are cut into words.
func (a *Analyzer) Segmented() bool { return a != nil && a.Segment != nil }

// Words cuts a run as the segmenter says. What it does not know is cut into
// pairs of characters, so that new names are found as well.
func (a *Analyzer) Words(run Unit) []Word {
	at := make(map[int]int, len(run.Parts)+1) // where each character begins in the folded run
	offset := 0
	for i, p := range run.Parts {
		at[offset] = i
		offset += len(p.Form)
	}
	at[offset] = len(run.Parts)
	var found []Word
	for _, r := range a.Segment(run.Form) {
		from, begins := at[r[0]]
		to, ends := at[r[1]]
		if begins && ends && to-from > 1 && to-from <= maxSegment {
			found = append(found, Word{From: from, To: to, Form: run.Form[r[0]:r[1]], Found: true})
		}
	}
	slices.SortFunc(found, func(a, b Word) int { return cmp.Or(a.From-b.From, b.To-a.To) })
	var words []Word
	end := 0
	for _, w := range found {
		switch {
		case w.From >= end:
			words = append(between(words, run, end, w.From), w)
			end = w.To
		case w.To <= end:
			last := &words[len(words)-1]
			same := func(p Word) bool { return p.From == w.From && p.To == w.To }
			if !same(*last) && !slices.ContainsFunc(last.Parts, same) {
				last.Parts = append(last.Parts, w)
			}
		}
	}
	return between(words, run, end, len(run.Parts))
}

// between adds the characters from one word to the next.
func between(words []Word, run Unit, from, to int) []Word {
	if to-from == 1 {
		return append(words, Word{From: from, To: to, Form: run.Parts[from].Form})
	}
	for i := from; i+1 < to; i++ {
		words = append(words, Word{From: i, To: i + 2, Form: run.Parts[i].Form + run.Parts[i+1].Form})
	}
	return words
}

// Uncovered returns the characters of a word that are in none of its parts.
func (w Word) Uncovered(run Unit) []string {
	var alone []string
	for i := w.From; i < w.To; i++ {
		if !slices.ContainsFunc(w.Parts, func(p Word) bool { return p.From <= i && i < p.To }) {
			alone = append(alone, run.Parts[i].Form)
		}
	}
	return alone
}
