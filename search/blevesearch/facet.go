package blevesearch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// facet counts, among the documents of matched that pass the facet's filters.
func (sn *snapshot) facet(s *store, f search.FacetRequest, matched *roaring.Bitmap) (search.FacetResponse, error) {
	var response search.FacetResponse
	field, ok := s.schema.Field(f.Field)
	if !ok {
		return response, fmt.Errorf("search: facet of unknown field %q", f.Field)
	}
	filter, err := sn.filter(f.Filters)
	if err != nil {
		return response, err
	}
	documents := matched
	if filter != nil {
		documents = roaring.And(matched, filter)
	}
	if len(f.Ranges) > 0 {
		if err := sn.countRanges(f, documents, &response); err != nil {
			return response, err
		}
	}
	return response, sn.countValues(f, field, documents, &response)
}

func (sn *snapshot) countRanges(f search.FacetRequest, documents *roaring.Bitmap, response *search.FacetResponse) error {
	for _, bounds := range f.Ranges {
		inside := roaring.New()
		if err := sn.within(inside, f.Field, bounds); err != nil {
			return err
		}
		response.Ranges = append(response.Ranges, int(inside.AndCardinality(documents)))
	}
	return nil
}

func (sn *snapshot) countValues(f search.FacetRequest, field search.Field, documents *roaring.Bitmap, response *search.FacetResponse) error {
	reader, err := sn.reader.DocValueReader([]string{column(field)})
	if err != nil {
		return fmt.Errorf("search: read columns: %w", err)
	}
	counts := map[string]*int{}
	present := false
	visit := func(_ string, term []byte) {
		present = true
		if n := counts[string(term)]; n != nil {
			*n++
			return
		}
		one := 1
		counts[string(term)] = &one
	}
	var number index.IndexInternalID
	looked := 0
	for it := documents.Iterator(); it.HasNext(); looked++ {
		if looked%checkEvery == 0 && sn.ctx.Err() != nil {
			return sn.ctx.Err()
		}
		present = false
		number = numberID(number, uint64(it.Next()))
		if err := reader.VisitDocValues(number, visit); err != nil {
			return fmt.Errorf("search: read columns: %w", err)
		}
		if !present {
			response.Missing++
		}
	}
	if field.Kind == search.Number {
		bounds(counts, response)
	}
	if len(f.Ranges) == 0 {
		list(f, field.Kind, counts, response)
	}
	return nil
}

func bounds(counts map[string]*int, response *search.FacetResponse) {
	for term := range counts {
		n, ok := numberFromTerm([]byte(term))
		if !ok {
			continue
		}
		if response.Min == nil || n < *response.Min {
			response.Min = &n
		}
		if response.Max == nil || n > *response.Max {
			response.Max = &n
		}
	}
}

// list picks the values to return: the most frequent, and those that must be there.
func list(f search.FacetRequest, kind search.Kind, counts map[string]*int, response *search.FacetResponse) {
	values := make([]search.ValueCount, 0, len(counts))
	listed := map[string]bool{}
	for term, n := range counts {
		text := term
		if kind == search.Number {
			number, _ := numberFromTerm([]byte(term))
			text = search.FormatNumber(number)
		}
		if !wanted(f, kind, text) {
			continue
		}
		listed[text] = true
		values = append(values, search.ValueCount{Value: text, Count: *n})
	}
	response.Distinct = len(values)
	for _, text := range f.Include {
		if !listed[text] && wanted(f, kind, text) {
			listed[text] = true
			values = append(values, search.ValueCount{Value: text})
		}
	}
	slices.SortFunc(values, func(a, b search.ValueCount) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Value, b.Value))
	})
	for i, v := range values {
		if i < f.Size || slices.Contains(f.Include, v.Value) {
			response.Values = append(response.Values, v)
		}
	}
}

func wanted(f search.FacetRequest, kind search.Kind, value string) bool {
	if kind == search.Category {
		rest := value
		if f.Parent != "" {
			var below bool
			if rest, below = strings.CutPrefix(value, f.Parent+search.PathSeparator); !below {
				return false
			}
		}
		if strings.Contains(rest, search.PathSeparator) {
			return false
		}
	}
	return f.Contains == "" || strings.Contains(search.Fold(value), f.Contains)
}
