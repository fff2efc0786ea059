package analysis

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/turkish"
)

// Undetermined is the language without stemming.
const Undetermined = "und"

var stemmers = map[string]func(*snowballstem.Env) bool{
	"da": danish.Stem, "nl": dutch.Stem, "en": english.Stem, "fi": finnish.Stem, "fr": french.Stem,
	"de": german.Stem, "hu": hungarian.Stem, "it": italian.Stem, "no": norwegian.Stem, "pt": portuguese.Stem,
	"ro": romanian.Stem, "ru": russian.Stem, "es": spanish.Stem, "sv": swedish.Stem, "tr": turkish.Stem,
}

// Known says whether words of language (an ISO 639-1 code, or Undetermined) can be analysed.
func Known(language string) bool {
	_, ok := stemmers[language]
	return ok || language == Undetermined
}

// Stem returns the stem of a folded word (the Snowball algorithms). Words with
// digits and words of fewer than three letters are their own stem.
func Stem(word, language string) string {
	stem, ok := stemmers[language]
	if !ok || len(word) < 3 {
		return word
	}
	for i := range len(word) {
		if word[i] >= '0' && word[i] <= '9' {
			return word
		}
	}
	place := &stemmed[maphash.String(stemSeed, word)%uint64(len(stemmed))]
	if known := place.Load(); known != nil && known.of == (stemKey{word, language}) {
		return known.stem
	}
	word = strings.Clone(word) // it was a part of a long text
	env := snowballstem.NewEnv(word)
	stem(env)
	if len(word) <= MaxWord { // in bytes; longer ones do not come again
		place.Store(&stemmedWord{stemKey{word, language}, env.Current()})
	}
	return env.Current()
}

// stemmed are words and their stems: product texts repeat their words. A word has one place, where it overwrites another.
var stemmed [1 << 13]atomic.Pointer[stemmedWord]

var stemSeed = maphash.MakeSeed()

type stemKey struct{ word, language string }

type stemmedWord struct {
	of   stemKey
	stem string
}

// A query's function words are wished for, not required: "case for iphone".
var stopWords = map[string]bool{}

func init() {
	for _, w := range []string{"a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "is", "it",
		"of", "on", "or", "that", "the", "this", "to", "with"} {
		stopWords[w] = true
	}
}

// IsStopWord says whether a folded word carries no meaning of its own in English.
func IsStopWord(word string) bool { return stopWords[word] }
