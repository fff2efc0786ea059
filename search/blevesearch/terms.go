package blevesearch

import (
	"cmp"
	"fmt"
	"slices"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// terms looks words up in the dictionary.
func (s *store) terms(sn *snapshot, r search.TermsRequest) ([]search.Term, error) {
	var found []search.Term
	var err error
	switch {
	case len(r.Exact) > 0:
		for _, t := range r.Exact {
			found = append(found, search.Term{Text: t})
		}
	case r.Near != "":
		fuzzy, ok := sn.reader.(index.IndexReaderFuzzy)
		if !ok {
			return nil, nil
		}
		found, err = walk(fuzzy.FieldDictFuzzy(r.Field, r.Near, min(r.Distance, 2), ""))
	case r.Prefix != "":
		found, err = s.completions(sn, r)
	}
	if err != nil {
		return nil, fmt.Errorf("search: read dictionary: %w", err)
	}
	for i := range found {
		p, err := sn.postings(r.Field, found[i].Text, false, false)
		if err != nil {
			return nil, err
		}
		found[i].Count = int(p.reader.Count())
		p.close()
	}
	found = slices.DeleteFunc(found, func(t search.Term) bool { return t.Count == 0 })
	mostFrequent(found)
	return found[:min(len(found), r.Limit)], nil
}

// maxCompletions bounds the prefixes whose completions are remembered.
const maxCompletions = 4096

// completions returns the most frequent terms with a prefix. They are remembered
// until the index changes: a short prefix has thousands, and everybody types it.
func (s *store) completions(sn *snapshot, r search.TermsRequest) ([]search.Term, error) {
	name := fmt.Sprint(r.Field, r.Limit, r.Prefix)
	s.completed.Lock()
	if s.completedOf != sn.reader {
		s.completedOf, s.completedTerms = sn.reader, map[string][]search.Term{}
	}
	found, known := s.completedTerms[name]
	s.completed.Unlock()
	if known {
		return slices.Clone(found), nil
	}
	found, err := walk(sn.reader.FieldDictPrefix(r.Field, []byte(r.Prefix)))
	if err != nil {
		return nil, err
	}
	mostFrequent(found)
	// The dictionary still counts documents that are deleted; a few more than wanted are counted exactly.
	found = slices.Clone(found[:min(len(found), 2*r.Limit)])
	s.completed.Lock()
	defer s.completed.Unlock()
	if s.completedOf == sn.reader && len(s.completedTerms) < maxCompletions {
		s.completedTerms[name] = slices.Clone(found)
	}
	return found, nil
}

func walk(dict index.FieldDict, err error) ([]search.Term, error) {
	if err != nil {
		return nil, err
	}
	defer dict.Close()
	var found []search.Term
	for {
		entry, err := dict.Next()
		if err != nil || entry == nil {
			return found, err
		}
		found = append(found, search.Term{Text: entry.Term, Count: int(entry.Count)})
	}
}

func mostFrequent(terms []search.Term) {
	slices.SortFunc(terms, func(a, b search.Term) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text))
	})
}
