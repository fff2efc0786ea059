// Package analysis turns text into the terms every engine indexes and every
// query looks for. It is ours, not an engine's, so that two engines given the
// same text hold the same terms.
package analysis

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxWord is the longest word kept, in runes; the rest of a longer one is dropped.
const MaxWord = 64

// Unit is one stretch of text without white space: a word, or a run of
// Chinese, Japanese or Korean characters.
type Unit struct {
	Start, End int    // bytes in the original text
	Form       string // folded; of a compound, its parts joined
	CJK        bool
	Parts      []Part // a compound's words (two or more), or a run's characters
}

// Part is a word of a compound or a character of a run.
type Part struct {
	Start, End int
	Form       string
}

// Units calls yield for each unit of text in order, until it returns false.
func (a *Analyzer) Units(text string, yield func(Unit) bool) {
	for pos := 0; pos < len(text); {
		r, size := utf8.DecodeRuneInString(text[pos:])
		var unit Unit
		var end int
		switch {
		case isCJK(r):
			unit, end = a.scanRun(text, pos)
		case isWord(r):
			unit, end = scanWord(text, pos)
		default:
			pos += size
			continue
		}
		pos = end
		if unit.Form != "" && !yield(unit) {
			return
		}
	}
}

// scanRun reads characters up to the first one of another script. A combining
// mark, and the half-width voiced marks of Katakana, belong to the character before.
func (a *Analyzer) scanRun(text string, pos int) (Unit, int) {
	unit := Unit{Start: pos, CJK: true}
	var form strings.Builder
	for pos < len(text) {
		r, size := utf8.DecodeRuneInString(text[pos:])
		if !isCJK(r) {
			break
		}
		start := pos
		pos += size
		for pos < len(text) {
			mark, n := utf8.DecodeRuneInString(text[pos:])
			if !unicode.Is(unicode.Mn, mark) && mark != 0xFF9E && mark != 0xFF9F {
				break
			}
			pos += n
		}
		part := Part{Start: start, End: pos, Form: a.Simple(foldWord(text[start:pos]))}
		unit.Parts = append(unit.Parts, part)
		form.WriteString(part.Form)
	}
	unit.End, unit.Form = pos, form.String()
	return unit, pos
}

type class int

const (
	letter class = iota
	digit
)

// scanWord reads a word with the joiners inside it: "wi-fi", "don't", "12.5",
// "WH-1000XM4". It is cut into parts at joiners and between letters and digits.
func scanWord(text string, pos int) (Unit, int) {
	unit := Unit{Start: pos}
	partStart, kind := pos, letter
	var first Part // most words have no other one
	cut := func(end int) {
		form := foldWord(text[partStart:end])
		if form == "" {
			return
		}
		part := Part{Start: partStart, End: end, Form: form}
		switch {
		case first.Form == "":
			first = part
			return
		case unit.Parts == nil:
			unit.Parts = append(make([]Part, 0, 4), first)
		}
		unit.Parts = append(unit.Parts, part)
	}
	for i := pos; ; {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case i < len(text) && isWord(r) && !isCJK(r):
			next := kind
			if unicode.IsDigit(r) {
				next = digit
			} else if r < utf8.RuneSelf || !unicode.Is(unicode.M, r) {
				next = letter
			}
			if i > partStart && next != kind {
				cut(i)
				partStart = i
			}
			kind = next
			i += size
			continue
		case i < len(text) && isJoiner(r):
			after, n := utf8.DecodeRuneInString(text[i+size:])
			if n == 0 || !isWord(after) || isCJK(after) {
				break
			}
			if r == '.' && kind == digit && unicode.IsDigit(after) { // a decimal stays whole
				i += size
				continue
			}
			cut(i)
			i += size
			partStart, kind = i, letter
			if unicode.IsDigit(after) {
				kind = digit
			}
			if isApostrophe(r) && (after == 's' || after == 'S') && !wordAt(text, i+n) { // "men's" is "men"
				partStart = i + n
				i += n
			}
			continue
		}
		if i > partStart {
			cut(i)
		}
		unit.End = i
		break
	}
	finish(&unit, first.Form)
	return unit, unit.End
}

func finish(unit *Unit, first string) {
	if unit.Parts == nil {
		unit.Form = truncate(first)
		return
	}
	var joined strings.Builder
	for i := range unit.Parts {
		unit.Parts[i].Form = truncate(unit.Parts[i].Form)
		joined.WriteString(unit.Parts[i].Form)
	}
	unit.Form = truncate(joined.String())
}

func truncate(s string) string {
	if len(s) <= MaxWord {
		return s
	}
	n := 0
	for i := range s {
		if n == MaxWord {
			return s[:i]
		}
		n++
	}
	return s
}

func wordAt(text string, i int) bool {
	r, n := utf8.DecodeRuneInString(text[i:])
	return n > 0 && isWord(r)
}

func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r))
}

func isJoiner(r rune) bool {
	switch r {
	case '-', '.', '_', '&', '‐', '‑', '－':
		return true
	}
	return isApostrophe(r)
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' }

// isCJK says whether r is written without spaces between words, and is
// therefore indexed in pairs: Han, Kana, Hangul and Bopomofo.
func isCJK(r rune) bool {
	if r < 0x1100 {
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo) ||
		r == 'ー' || r == 'ｰ'
}
