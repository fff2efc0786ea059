package search

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// Synonym says which words mean the same. Terms may have several words.
type Synonym struct {
	// Terms each also find the others.
	Terms []string `json:"terms"`
	// From, when set, makes it one-way: these also find Terms, but not the other way round.
	From []string `json:"from,omitempty"`
}

const (
	maxSynonyms     = 10_000
	maxSynonymTerms = 64
	maxSynonymBytes = 256
)

// synonymSet finds the synonyms that begin at a place of a query.
type synonymSet struct {
	given    []Synonym
	others   map[string][]string // by folded key
	maxUnits int
	maxRun   int // characters of the longest key that is a run
}

func (s *schema) newSynonymSet(synonyms []Synonym) (*synonymSet, error) {
	if len(synonyms) > maxSynonyms {
		return nil, invalid("Synonyms", "has %d entries, more than %d", len(synonyms), maxSynonyms)
	}
	set := &synonymSet{given: slices.Clone(synonyms), others: map[string][]string{}}
	for i, y := range synonyms {
		part := "Synonyms[" + strconv.Itoa(i) + "]"
		if len(y.Terms)+len(y.From) > maxSynonymTerms {
			return nil, invalid(part, "has more than %d terms", maxSynonymTerms)
		}
		if len(y.Terms) == 0 || len(y.From) == 0 && len(y.Terms) < 2 {
			return nil, invalid(part, "needs two Terms, or From and one")
		}
		for _, t := range slices.Concat(y.Terms, y.From) {
			if len(t) > maxSynonymBytes || s.foldedKey(t) == "" {
				return nil, invalid(part, "term %q has no word, or more than %d bytes", clip(t), maxSynonymBytes)
			}
		}
		from := y.From
		if len(from) == 0 {
			from = y.Terms
		}
		for _, f := range from {
			set.add(s, f, y.Terms)
		}
	}
	return set, nil
}

func (s *synonymSet) add(of *schema, from string, terms []string) {
	var units []analysis.Unit
	of.analyzer.Units(from, func(u analysis.Unit) bool {
		units = append(units, u)
		if u.CJK {
			s.maxRun = max(s.maxRun, len(u.Parts))
		}
		return true
	})
	joined, apart := synonymKeys(units)
	s.maxUnits = max(s.maxUnits, strings.Count(apart, " ")+1)
	for _, t := range terms {
		if of.foldedKey(t) == joined {
			continue
		}
		for _, key := range slices.Compact([]string{joined, apart}) {
			if !slices.Contains(s.others[key], t) {
				s.others[key] = append(s.others[key], t)
			}
		}
	}
}

// synonymKeys spells units with compounds joined and with their parts apart.
func synonymKeys(units []analysis.Unit) (joined, apart string) {
	var forms, parts []string
	for _, u := range units {
		forms = append(forms, u.Form)
		if u.CJK || len(u.Parts) == 0 {
			parts = append(parts, u.Form)
		} else {
			for _, p := range u.Parts {
				parts = append(parts, p.Form)
			}
		}
	}
	return strings.Join(forms, " "), strings.Join(parts, " ")
}

// match returns how many units the longest key at the beginning has, and its synonyms.
func (s *synonymSet) match(units []analysis.Unit) (int, []string) {
	for n := min(len(units), s.maxUnits); n > 0; n-- {
		joined, apart := synonymKeys(units[:n])
		for _, key := range []string{joined, apart} {
			if others := s.others[key]; len(others) > 0 {
				return n, others
			}
		}
	}
	return 0, nil
}

// split cuts a run of characters around the synonyms in it, the longest first.
func (s *synonymSet) split(u analysis.Unit) []analysis.Unit {
	if !u.CJK || s.maxRun == 0 {
		return []analysis.Unit{u}
	}
	var units []analysis.Unit
	begin := 0
	for i := 0; i < len(u.Parts); {
		n := min(s.maxRun, len(u.Parts)-i)
		for ; n > 0; n-- {
			if len(s.others[slice(u, i, i+n).Form]) > 0 {
				break
			}
		}
		if n == 0 {
			i++
			continue
		}
		if begin < i {
			units = append(units, slice(u, begin, i))
		}
		units = append(units, slice(u, i, i+n))
		i += n
		begin = i
	}
	if begin < len(u.Parts) {
		units = append(units, slice(u, begin, len(u.Parts)))
	}
	return units
}

func slice(u analysis.Unit, from, to int) analysis.Unit {
	part := analysis.Unit{CJK: true, Parts: u.Parts[from:to], Start: u.Parts[from].Start, End: u.Parts[to-1].End}
	for _, p := range part.Parts {
		part.Form += p.Form
	}
	return part
}
