package blevesearch

import (
	"cmp"
	"fmt"
	"slices"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// terms looks words up in the dictionary.
func (sn *snapshot) terms(r search.TermsRequest) ([]search.Term, error) {
	var found []search.Term
	var err error
	switch {
	case len(r.Exact) > 0:
		for _, t := range r.Exact {
			found = append(found, search.Term{Text: t})
		}
	case r.Near != "":
		found, err = walk(sn.reader.FieldDictFuzzy(r.Field, r.Near, min(r.Distance, 2), ""))
	case r.Prefix != "":
		return sn.completions(r)
	}
	if err != nil {
		return nil, fmt.Errorf("search: read dictionary: %w", err)
	}
	return sn.mostFrequent(found, r)
}

// mostFrequent counts terms exactly, and returns the first ones.
func (sn *snapshot) mostFrequent(found []search.Term, r search.TermsRequest) ([]search.Term, error) {
	for i := range found {
		var err error
		if found[i].Count, err = sn.count(r.Field, found[i].Text); err != nil {
			return nil, err
		}
	}
	found = slices.DeleteFunc(found, func(t search.Term) bool { return t.Count == 0 })
	byFrequency(found)
	return found[:min(len(found), r.Limit)], nil
}

// maxRemembered bounds the prefixes whose completions are remembered, and the counts that are.
const maxRemembered = 4096

// completions returns the most frequent terms with a prefix. They are remembered
// until the index changes: a short prefix has thousands, and everybody types it.
func (sn *snapshot) completions(r search.TermsRequest) ([]search.Term, error) {
	name := fmt.Sprint(r.Field, r.Limit, r.Prefix)
	sn.mu.Lock()
	found, known := sn.completed[name]
	sn.mu.Unlock()
	if known {
		return slices.Clone(found), nil
	}
	found, err := walk(sn.reader.FieldDictPrefix(r.Field, []byte(r.Prefix)))
	if err != nil {
		return nil, fmt.Errorf("search: read dictionary: %w", err)
	}
	byFrequency(found)
	// The dictionary still counts documents that are deleted; a few more than wanted are counted exactly.
	if found, err = sn.mostFrequent(slices.Clone(found[:min(len(found), 2*r.Limit)]), r); err != nil {
		return nil, err
	}
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if len(sn.completed) < maxRemembered {
		sn.completed[name] = slices.Clone(found)
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

func byFrequency(terms []search.Term) {
	slices.SortFunc(terms, func(a, b search.Term) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text))
	})
}
