package blevesearch

import (
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/numeric"
	bleve "github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// everything returns the numbers of all documents.
func (sn *snapshot) everything() (*roaring.Bitmap, error) {
	if sn.live == nil {
		live := roaring.New()
		if err := sn.collect(live, search.FieldText, liveTerm); err != nil {
			return nil, err
		}
		sn.live = live
	}
	return sn.live, nil
}

// collect adds the documents with a term.
func (sn *snapshot) collect(to *roaring.Bitmap, field, term string) error {
	p, err := sn.postings(field, term, false, false)
	if err != nil {
		return err
	}
	defer p.close()
	var buffer [256]uint32
	n := 0
	for {
		doc, err := p.reader.Next(&p.doc)
		if err != nil {
			return fmt.Errorf("search: read postings: %w", err)
		}
		if doc == nil || n == len(buffer) {
			to.AddMany(buffer[:n])
			n = 0
		}
		if doc == nil {
			return nil
		}
		buffer[n] = uint32(doc.ID.Value())
		n++
	}
}

// ids returns the documents with these IDs.
func (sn *snapshot) ids(ids []string) (*roaring.Bitmap, error) {
	found := roaring.New()
	for _, id := range ids {
		number, err := sn.reader.InternalID(id)
		if err != nil {
			return nil, fmt.Errorf("search: look up document: %w", err)
		}
		if number != nil {
			found.Add(uint32(number.Value()))
		}
	}
	live, err := sn.everything() // not tombstones
	if err != nil {
		return nil, err
	}
	found.And(live)
	return found, nil
}

// maxExpansion bounds the terms that a prefix stands for: the first ones in the dictionary.
const maxExpansion = 1024

func (sn *snapshot) prefix(field, prefix string) (*roaring.Bitmap, error) {
	found := roaring.New()
	if prefix == "" {
		return found, nil
	}
	dict, err := sn.reader.FieldDictPrefix(field, []byte(prefix))
	if err != nil {
		return nil, fmt.Errorf("search: read dictionary: %w", err)
	}
	defer dict.Close()
	for range maxExpansion {
		entry, err := dict.Next()
		if err != nil {
			return nil, fmt.Errorf("search: read dictionary: %w", err)
		}
		if entry == nil {
			break
		}
		if err := sn.collect(found, field, entry.Term); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// filter returns the documents that pass all filters; nil is all documents.
func (sn *snapshot) filter(filters []search.Filter) (*roaring.Bitmap, error) {
	var passed *roaring.Bitmap
	for _, f := range filters {
		one, err := sn.one(f)
		if err != nil {
			return nil, err
		}
		if f.Negate {
			live, err := sn.everything()
			if err != nil {
				return nil, err
			}
			one = roaring.AndNot(live, one)
		}
		if passed == nil {
			passed = one
		} else {
			passed = roaring.And(passed, one)
		}
	}
	return passed, nil
}

func (sn *snapshot) one(f search.Filter) (*roaring.Bitmap, error) {
	found := roaring.New()
	switch f.Op {
	case search.FilterIn:
		for _, v := range f.Values {
			if err := sn.collect(found, f.Field, termOf(v)); err != nil {
				return nil, err
			}
		}
	case search.FilterRange:
		for _, bounds := range f.Ranges {
			if err := sn.within(found, f.Field, bounds); err != nil {
				return nil, err
			}
		}
	case search.FilterExists:
		return found, sn.collect(found, search.FieldPresent, f.Field)
	case search.FilterIDs:
		ids := make([]string, len(f.Values))
		for i, v := range f.Values {
			ids[i], _ = v.(string)
		}
		return sn.ids(ids)
	default:
		return nil, fmt.Errorf("search: unknown filter %q", f.Op)
	}
	return found, nil
}

// within adds the documents with a number between bounds. Bleve's searcher picks the
// number terms; exclusive ends are moved by one step of the encoding, as it does itself.
func (sn *snapshot) within(to *roaring.Bitmap, field string, bounds search.Bounds) error {
	low, high := math.Inf(-1), math.Inf(1)
	yes := true
	step := func(n float64, by int64) float64 {
		return numeric.Int64ToFloat64(numeric.Float64ToInt64(n) + by)
	}
	switch {
	case bounds.GTE != nil:
		low = numberOf(bounds.GTE)
	case bounds.GT != nil:
		low = step(numberOf(bounds.GT), 1)
	}
	switch {
	case bounds.LTE != nil:
		high = numberOf(bounds.LTE)
	case bounds.LT != nil:
		high = step(numberOf(bounds.LT), -1)
	}
	if low > high {
		return nil
	}
	s, err := searcher.NewNumericRangeSearcher(sn.ctx, sn.reader, &low, &high, &yes, &yes, field, 1,
		bleve.SearcherOptions{Score: "none"})
	if err != nil {
		return fmt.Errorf("search: range: %w", err)
	}
	defer s.Close()
	ctx := &bleve.SearchContext{DocumentMatchPool: bleve.NewDocumentMatchPool(s.DocumentMatchPoolSize()+1, 0), IndexReader: sn.reader}
	for {
		match, err := s.Next(ctx)
		if err != nil {
			return fmt.Errorf("search: range: %w", err)
		}
		if match == nil {
			return nil
		}
		to.Add(uint32(match.IndexInternalID.Value()))
		ctx.DocumentMatchPool.Put(match)
	}
}

func numberID(buffer index.IndexInternalID, doc uint64) index.IndexInternalID {
	return index.NewIndexInternalID(buffer, doc)
}
