package search

import (
	"context"
	"html"
	"slices"
	"strings"
	"unicode"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// typed is a text cut before its last, perhaps unfinished, word.
type typed struct {
	before []string // folded words before it
	last   string   // folded; "" when the text ends in a space
	prefix string   // what completions must begin with
	lead   string   // of the text, what stands before the prefix
	sounds []typedSound
}

// typedSound is an end of a text that may be Chinese, typed by its sound.
type typedSound struct {
	lead   string // of the text, what stands before it
	key    string // what the spelling begins with
	begins string // characters that are typed as such, at the beginning
}

const (
	maxSyllables = 6 // that are typed with spaces between them
	maxSyllable  = 6 // letters: "zhuang"
)

// splitTyped finds what to complete: the last two words when there are two, because
// the index knows pairs of words, or else the last one.
func (s *schema) splitTyped(text string) typed {
	type word struct {
		start, end int
		form       string
	}
	var words []word
	var units []analysis.Unit
	s.analyzer.Units(text, func(u analysis.Unit) bool {
		form := s.analyzer.Simple(analysis.Fold(text[u.Start:u.End]))
		words, units = append(words, word{u.Start, u.End, form}), append(units, u)
		return len(words) < maxWords
	})
	var t typed
	if len(words) == 0 {
		return t
	}
	for _, w := range words[:len(words)-1] {
		t.before = append(t.before, w.form)
	}
	last := words[len(words)-1]
	t.last, t.prefix, t.lead = last.form, last.form, text[:last.start]
	if len(words) > 1 {
		previous := words[len(words)-2]
		if strings.TrimSpace(text[previous.end:last.start]) == "" && previous.end < last.start {
			t.prefix, t.lead = previous.form+" "+last.form, text[:previous.start]
		}
	}
	t.sounds = s.sounds(text, units, t.last)
	return t
}

// sounds returns the ends of a text that may be spelled characters, the longest first: of "iphone shou j" all of
// it, then "shou j". The last word may stand right after another one, as in "iphone15shou" and "手机k".
func (s *schema) sounds(text string, units []analysis.Unit, last string) []typedSound {
	if s.analyzer.Romanize == nil {
		return nil
	}
	var pieces []analysis.Unit
	for _, u := range units {
		if u.CJK || len(u.Parts) == 0 {
			pieces = append(pieces, u)
			continue
		}
		for _, p := range u.Parts {
			pieces = append(pieces, analysis.Unit{Start: p.Start, End: p.End, Form: p.Form})
		}
	}
	slices.Reverse(pieces)
	var found []typedSound
	key := ""
	for n, piece := range pieces[:min(len(pieces), maxSyllables)] {
		if n > 0 && strings.TrimSpace(text[piece.End:pieces[n-1].Start]) != "" {
			break
		}
		begins := ""
		switch {
		case piece.CJK && n > 0:
			if begins = piece.Form; s.analyzer.Spelling(begins) == "" {
				return found
			}
			key = s.analyzer.Spelling(begins) + key
		case piece.CJK || !lettersOnly(piece.Form) || n > 0 && len(piece.Form) > maxSyllable:
			return found
		default:
			key = piece.Form + key
		}
		if key != last {
			found = slices.Insert(found, 0, typedSound{lead: text[:piece.Start], key: key, begins: begins})
		}
		if begins != "" {
			break
		}
	}
	return found
}

func lettersOnly(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 'a' || r > 'z' })
}

// sounding finds documents with the words before a spelling, and a phrase that is spelled so.
func (s *schema) sounding(sound typedSound, synonyms *synonymSet) Node {
	words := s.compile(sound.lead, synonyms)
	words.concepts = append(words.concepts, concept{node: Node{Op: OpPrefix, Field: FieldPhrases, Terms: []string{sound.key}, Boost: 2}})
	return words.tree(MatchAll, false)
}

// completion is a phrase of the dictionary that goes on from what is typed.
type completion struct {
	text  string
	typed string // what of it is typed
}

// start is a way to look completions up.
type start struct {
	lead, prefix string
	begins       string // of a spelling: what the phrase begins with
	sound        bool   // only phrases that are spelled so
}

// complete looks completions up in the dictionary and keeps those that find something
// together with the words typed before.
func (ix *Index) complete(ctx context.Context, t typed, limit int) ([]Suggestion, error) {
	tries := []start{{lead: t.lead, prefix: t.prefix}}
	if t.prefix != t.last { // the pair may be unknown: complete the last word alone
		tries = append(tries, start{lead: strings.Join(t.before, " ") + " ", prefix: t.last})
	}
	for _, sound := range t.sounds {
		tries = append(tries, start{lead: sound.lead, prefix: sound.key, begins: sound.begins, sound: true})
	}
	suggestions := []Suggestion{}
	seen := map[string]bool{}
	for _, try := range tries {
		if len(suggestions) >= limit {
			break
		}
		found, err := ix.completions(ctx, try, limit, seen)
		if err != nil {
			return nil, err
		}
		texts := make([]string, len(found))
		for i, c := range found {
			texts[i] = c.text
		}
		counts, err := ix.countAll(ctx, texts)
		if err != nil {
			return nil, err
		}
		for i, c := range found {
			if counts[i] > 0 {
				suggestions = append(suggestions, Suggestion{Text: c.text, Count: counts[i], HTML: completionHTML(c.text, c.typed)})
			}
		}
	}
	slices.SortStableFunc(suggestions, func(a, b Suggestion) int { return b.Count - a.Count })
	return suggestions[:min(limit, len(suggestions))], nil
}

// completions looks up what begins with a prefix. A phrase that is there in two scripts, or under
// several spellings, comes once.
func (ix *Index) completions(ctx context.Context, try start, limit int, seen map[string]bool) ([]completion, error) {
	analyzer := &ix.schema.analyzer
	request := TermsRequest{Field: FieldPhrases, Prefix: try.prefix, Limit: 2 * limit}
	if analyzer.Simplify || analyzer.Romanize != nil {
		request.Limit *= 2
	}
	terms, err := ix.driver.Terms(ctx, request)
	if err != nil {
		return nil, err
	}
	lead := strings.ToLower(strings.TrimLeftFunc(try.lead, unicode.IsSpace))
	var found []completion
	for _, term := range terms {
		key, phrase, other := strings.Cut(term.Text, analysis.Arrow)
		if !other {
			phrase = key
		}
		simple := analyzer.Simple(phrase)
		spelled := other && key != simple
		if try.sound && !spelled || !strings.HasPrefix(simple, try.begins) || seen[lead+simple] {
			continue
		}
		seen[lead+simple] = true
		c := completion{text: lead + phrase, typed: lead + phrase[:len(try.begins)]}
		if !spelled {
			c.typed = lead + phrase[:len(try.prefix)] // in either script, of the same length
		}
		if found = append(found, c); len(found) == 2*limit {
			break
		}
	}
	return found, nil
}

// completionHTML marks what comes after typed, the beginning of text.
func completionHTML(text, typed string) string {
	rest := text[len(typed):]
	if rest == "" {
		return html.EscapeString(text)
	}
	return html.EscapeString(typed) + "<mark>" + html.EscapeString(rest) + "</mark>"
}
