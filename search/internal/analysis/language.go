package analysis

import (
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
	env := snowballstem.NewEnv(word)
	stem(env)
	return env.Current()
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
