package analysis

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold makes forms that mean the same equal: full-width and half-width letters
// (Unicode NFKC), case, and the accents of letters ("Café" and "cafe"). The
// voicing marks of Japanese are not accents and stay.
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	decomposed := norm.NFKD.String(s)
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range decomposed {
		if r >= 0x300 && r <= 0x36F || r == utf8.RuneError {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return norm.NFC.String(b.String())
}

// foldWord folds a word: what decomposes into white space keeps none of it.
func foldWord(s string) string {
	if ascii(s) { // letters and digits
		return strings.ToLower(s)
	}
	return strings.Join(strings.Fields(Fold(s)), "")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
