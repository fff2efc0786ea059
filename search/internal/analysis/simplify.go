package analysis

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed simplified.txt
var simplifiedText string

// simplified maps traditional characters to simplified ones. One simplified character often
// stands for several (后 for 後 and 后), so this is the direction that needs no knowledge of words.
var simplified = sync.OnceValue(func() map[rune]rune {
	table := make(map[rune]rune, 4096)
	for line := range strings.Lines(simplifiedText) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		to, size := utf8.DecodeRuneInString(line)
		for _, from := range line[size:] {
			table[from] = to
		}
	}
	return table
})

// Simple returns folded text with simplified characters, if the analyzer wants them. It
// has as many bytes as s: all characters of the table have three.
func (a *Analyzer) Simple(s string) string {
	if a == nil || !a.Simplify || ascii(s) {
		return s
	}
	table := simplified()
	return strings.Map(func(r rune) rune {
		if to, ok := table[r]; ok {
			return to
		}
		return r
	}, s)
}
