package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

const (
	shortestCorrected = 4  // letters
	candidates        = 50 // dictionary words looked at for one word
	commoner          = 10 // a word that is in the index gives way only to one that is so much commoner
)

// correct returns text with the words the index does not know replaced by words
// it does, or "". A word may be replaced by a similar one, by its two halves, or
// together with its neighbour by the word they make.
func (ix *Index) correct(ctx context.Context, text string, words []analysis.Unit) (string, error) {
	known, err := ix.frequencies(ctx, words)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	at, changed := 0, false
	for i := 0; i < len(words); i++ {
		w := words[i]
		if !correctable(w) {
			continue
		}
		var replacement string
		end := w.End
		if i+1 < len(words) && known[w.Form] < known[w.Form+words[i+1].Form] && known[w.Form]*known[words[i+1].Form] == 0 &&
			strings.TrimSpace(text[w.End:words[i+1].Start]) == "" {
			replacement, end = w.Form+words[i+1].Form, words[i+1].End
			i++
		} else if replacement, err = ix.correctWord(ctx, w.Form, known); err != nil {
			return "", err
		}
		if replacement == "" {
			continue
		}
		b.WriteString(text[at:w.Start] + replacement)
		at, changed = end, true
	}
	if !changed {
		return "", nil
	}
	return b.String() + text[at:], nil
}

func correctable(w analysis.Unit) bool {
	return len(w.Parts) == 0 && !strings.ContainsFunc(w.Form, unicode.IsDigit)
}

// frequencies looks up the words, the words that neighbours make, and the halves of each.
func (ix *Index) frequencies(ctx context.Context, words []analysis.Unit) (map[string]int, error) {
	var forms []string
	for i, w := range words {
		if !correctable(w) {
			continue
		}
		forms = append(forms, w.Form)
		if i+1 < len(words) && len(w.Form)+len(words[i+1].Form) <= analysis.MaxWord {
			forms = append(forms, words[i+1].Form, w.Form+words[i+1].Form)
		}
		for _, h := range halves(w.Form) {
			forms = append(forms, h[0], h[1])
		}
	}
	if len(forms) == 0 {
		return nil, nil
	}
	slices.Sort(forms)
	forms = slices.Compact(forms)
	terms, err := ix.driver.Terms(ctx, TermsRequest{Field: FieldWords, Exact: forms, Limit: len(forms)})
	if err != nil {
		return nil, err
	}
	known := make(map[string]int, len(terms))
	for _, t := range terms {
		known[t.Text] = t.Count
	}
	return known, nil
}

// halves returns the ways to cut a word into two of at least three letters.
func halves(word string) [][2]string {
	runes := []rune(word)
	if len(runes) > 24 {
		return nil
	}
	var cuts [][2]string
	for i := 3; i <= len(runes)-3; i++ {
		cuts = append(cuts, [2]string{string(runes[:i]), string(runes[i:])})
	}
	return cuts
}

func (ix *Index) correctWord(ctx context.Context, word string, known map[string]int) (string, error) {
	length := len([]rune(word))
	if length < shortestCorrected {
		return "", nil
	}
	distance := 1
	if length > 5 {
		distance = 2
	}
	// A transposition is one mistake, and two edits of the dictionary.
	near, err := ix.driver.Terms(ctx, TermsRequest{Field: FieldWords, Near: word, Distance: 2, Limit: candidates})
	if err != nil {
		return "", err
	}
	best, bestDistance, bestCount := "", distance+1, 0
	for _, t := range near {
		if t.Text == word || t.Count < commoner*known[word] || strings.ContainsFunc(t.Text, unicode.IsDigit) {
			continue
		}
		d := editDistance(word, t.Text)
		if d < bestDistance || d == bestDistance && t.Count > bestCount {
			best, bestDistance, bestCount = t.Text, d, t.Count
		}
	}
	if bestDistance <= 1 || known[word] > 0 {
		return best, nil
	}
	return cmp.Or(cutInTwo(word, known), best), nil
}

// cutInTwo returns the halves that the index knows best ("power bank"), or "".
func cutInTwo(word string, known map[string]int) string {
	cut, rarest := "", 0
	for _, h := range halves(word) {
		if n := min(known[h[0]], known[h[1]]); n > rarest {
			cut, rarest = h[0]+" "+h[1], n
		}
	}
	return cut
}

// editDistance counts insertions, deletions, substitutions and transpositions of
// neighbours (the optimal string alignment distance).
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
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
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
