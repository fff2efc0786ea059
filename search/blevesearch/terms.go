package blevesearch

import (
	"cmp"
	"fmt"
	"slices"

	index "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"

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
	found, err := sn.completing(r.Field, r.Prefix)
	if err != nil {
		return nil, err
	}
	byFrequency(found)
	found = slices.Clone(found[:min(len(found), r.Limit)])
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if len(sn.completed) < maxRemembered {
		sn.completed[name] = slices.Clone(found)
	}
	return found, nil
}

// completing returns the terms with a prefix, counted exactly. The counts that Bleve's dictionaries give are not: they
// have deleted documents, and after a term of one document those of the next ones are wrong.
func (sn *snapshot) completing(field, prefix string) ([]search.Term, error) {
	dictionaries, err := sn.dictionary(field)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	var list segment.PostingsList
	for i, d := range dictionaries {
		for terms := d.AutomatonIterator(nil, []byte(prefix), []byte(prefix+"\xFF")); ; {
			entry, err := terms.Next()
			if err != nil {
				return nil, fmt.Errorf("search: read dictionary: %w", err)
			}
			if entry == nil {
				break
			}
			if list, err = d.PostingsList([]byte(entry.Term), sn.parts[i].deleted, list); err != nil {
				return nil, fmt.Errorf("search: read postings: %w", err)
			}
			if n := list.Count(); n > 0 {
				counts[entry.Term] += int(n)
			}
		}
	}
	found := make([]search.Term, 0, len(counts))
	for text, n := range counts {
		found = append(found, search.Term{Text: text, Count: n})
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
		found = append(found, search.Term{Text: entry.Term})
	}
}

func byFrequency(terms []search.Term) {
	slices.SortFunc(terms, func(a, b search.Term) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text))
	})
}
