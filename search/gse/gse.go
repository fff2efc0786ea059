// Package gse cuts Chinese text into words with github.com/go-ego/gse. It is an option of the schema:
//
//	words, err := gse.New(nil)
//	schema.Segmenter = words
//
// Pairs of characters, which are used without it, find everything and need no dictionary. Words find less that is wrong
// (市长 "mayor" is not in 南京市长江大桥), and make single words completions. They need about 33 MB in the program, 130 MB of memory and
// some seconds at the start ([NewFromDictionary] needs what its dictionary does), and the dictionary must know the shop's words.
package gse

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ego/gse"

	"github.com/seed82d84382/commerce/search"
)

// Options configure a [Segmenter]. The zero value, and nil, are the documented defaults.
type Options struct {
	// Words are added to the dictionary, and are cut as one: brands and
	// products. Each has 2 to 16 letters. At most 100,000.
	Words []string
	// Traditional adds the dictionary of the traditional script to the embedded one. A
	// schema with Simplify does not need it.
	Traditional bool
}

// Segmenter finds the words of a dictionary. Its methods may be called at the same time.
type Segmenter struct {
	words gse.Segmenter
	name  string
}

var _ search.Segmenter = (*Segmenter)(nil)

const (
	version       = "gse 0.80.3"
	maxWords      = 100_000
	maxWord       = 16       // characters; the index takes no longer ones
	maxDictionary = 64 << 20 // bytes
)

// New returns a Segmenter with the dictionary that gse brings along, of the simplified
// script, some 350,000 words. A word that cannot be one is a [*search.InvalidError].
func New(opts *Options) (*Segmenter, error) {
	name := "zh_s"
	if opts != nil && opts.Traditional {
		name = "zh"
	}
	return load(opts, name, func(s *gse.Segmenter) error { return s.LoadDictEmbed(name) })
}

// NewFromDictionary is like [New] with a dictionary of your own: a line for each word, with the word, a space and its
// frequency (above 0). It may have 64 MiB. A program that calls only this function does not contain the embedded dictionary.
func NewFromDictionary(dictionary io.Reader, opts *Options) (*Segmenter, error) {
	text, err := io.ReadAll(io.LimitReader(dictionary, maxDictionary+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("search/gse: read dictionary: %w", err)
	case len(text) > maxDictionary:
		return nil, &search.InvalidError{Field: "dictionary", Reason: "has more than 64 MiB"}
	case !utf8.Valid(text):
		return nil, &search.InvalidError{Field: "dictionary", Reason: "is not valid UTF-8"}
	}
	sum := sha256.Sum256(text)
	return load(opts, hex.EncodeToString(sum[:8]), func(s *gse.Segmenter) error { return s.LoadDictStr(string(text)) })
}

func load(opts *Options, dictionary string, read func(*gse.Segmenter) error) (*Segmenter, error) {
	var words []string
	if opts != nil {
		words = slices.Clone(opts.Words)
	}
	if err := checkWords(words); err != nil {
		return nil, err
	}
	slices.Sort(words)
	words = slices.Compact(words)
	s := &Segmenter{name: version + " " + dictionary}
	s.words.SkipLog, s.words.NotLoadHMM = true, true
	if err := read(&s.words); err != nil {
		return nil, fmt.Errorf("search/gse: load dictionary: %w", err)
	}
	if s.words.Dict == nil || s.words.Dict.NumTokens() == 0 {
		return nil, &search.InvalidError{Field: "dictionary", Reason: "has no words"}
	}
	if len(words) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
		s.name += " " + hex.EncodeToString(sum[:8])
	}
	for _, w := range words { // as frequent as it must be to be cut as one
		frequency := max(s.words.SuggestFreq(w), 1)
		add := s.words.AddToken
		if s.known(w) {
			add = s.words.ReAddToken
		}
		if err := add(w, frequency); err != nil {
			return nil, fmt.Errorf("search/gse: add word: %w", err)
		}
	}
	return s, nil
}

func checkWords(words []string) error {
	if len(words) > maxWords {
		return &search.InvalidError{Field: "Words", Reason: fmt.Sprintf("has %d words, more than %d", len(words), maxWords)}
	}
	for i, w := range words {
		n := utf8.RuneCountInString(w)
		if n < 2 || n > maxWord || !utf8.ValidString(w) || strings.ContainsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) }) {
			return &search.InvalidError{Field: fmt.Sprintf("Words[%d]", i), Reason: fmt.Sprintf("must have 2 to %d letters and nothing else", maxWord)}
		}
	}
	return nil
}

// Name identifies the version of gse, the dictionary and the added words.
func (s *Segmenter) Name() string { return s.name }

// Segment returns the words of a run by the likeliest way to cut it, and the dictionary's words within these.
func (s *Segmenter) Segment(run string) [][2]int {
	var found [][2]int
	at := 0
	for _, word := range s.words.CutDAGNoHMM(run) {
		if !strings.HasPrefix(run[at:], word) { // gse has changed the text: what follows is cut in pairs
			return found
		}
		found = append(found, [2]int{at, at + len(word)})
		found = s.within(found, word, at)
		at += len(word)
	}
	return found
}

// within adds the shorter words of a word.
func (s *Segmenter) within(found [][2]int, word string, at int) [][2]int {
	n := utf8.RuneCountInString(word)
	if n < 3 || n > maxWord {
		return found
	}
	bounds := make([]int, 0, n+1)
	for i := range word {
		bounds = append(bounds, i)
	}
	bounds = append(bounds, len(word))
	for i := range n {
		for j := i + 2; j <= n; j++ {
			if j-i == n {
				continue
			}
			if s.known(word[bounds[i]:bounds[j]]) {
				found = append(found, [2]int{at + bounds[i], at + bounds[j]})
			}
		}
	}
	return found
}

// known says whether a word is in the dictionary. What only begins one has no frequency.
func (s *Segmenter) known(word string) bool {
	frequency, _, ok := s.words.Find(word)
	return ok && frequency > 0
}
