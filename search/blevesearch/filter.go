package blevesearch

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/numeric"
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
	if field == search.FieldPhrases && utf8.RuneCountInString(prefix) <= search.MaxStart {
		return found, sn.collect(found, search.FieldStarts, prefix)
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
// The result is shared: it must not be changed.
func (sn *snapshot) filter(filters []search.Filter) (*roaring.Bitmap, error) {
	var passed *roaring.Bitmap
	for _, f := range filters {
		one, err := sn.cached(f)
		if err != nil {
			return nil, err
		}
		if passed == nil {
			passed = one
		} else {
			passed = roaring.And(passed, one)
		}
	}
	return passed, nil
}

// cached evaluates a filter once a search: its facets are under most of the same ones.
func (sn *snapshot) cached(f search.Filter) (*roaring.Bitmap, error) {
	name := fmt.Sprintf("%#v", f)
	if passed := sn.filters[name]; passed != nil {
		return passed, nil
	}
	passed, err := sn.one(f)
	if err != nil {
		return nil, err
	}
	if f.Negate {
		live, err := sn.everything()
		if err != nil {
			return nil, err
		}
		passed = roaring.AndNot(live, passed)
	}
	sn.filters[name] = passed
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

// within adds the documents with a number between bounds. Exclusive ends are
// moved to the neighbouring number.
func (sn *snapshot) within(to *roaring.Bitmap, field string, bounds search.Bounds) error {
	low, high := numeric.Float64ToInt64(math.Inf(-1)), numeric.Float64ToInt64(math.Inf(1))
	switch {
	case bounds.GTE != nil:
		low = numeric.Float64ToInt64(numberOf(bounds.GTE))
	case bounds.GT != nil:
		low = numeric.Float64ToInt64(numberOf(bounds.GT)) + 1
	}
	switch {
	case bounds.LTE != nil:
		high = numeric.Float64ToInt64(numberOf(bounds.LTE))
	case bounds.LT != nil:
		high = numeric.Float64ToInt64(numberOf(bounds.LT)) - 1
	}
	if low > high {
		return nil
	}
	return splitRange(low, high, func(low, high int64, shift uint) error {
		return sn.collectRange(to, field,
			numeric.MustNewPrefixCodedInt64(low, shift), numeric.MustNewPrefixCodedInt64(high, shift))
	})
}

// splitRange covers an interval with few terms: precise ones at its ends, and
// ever shorter prefixes towards the middle (the algorithm of Lucene's
// LegacyNumericUtils.splitRange). visit gets both ends of a row of terms.
func splitRange(low, high int64, visit func(low, high int64, shift uint) error) error {
	for shift := uint(0); ; shift += precisionStep {
		next := int64(1) << (shift + precisionStep)
		mask := int64(1<<precisionStep-1) << shift
		cutLow, cutHigh := low&mask != 0, high&mask != mask
		nextLow, nextHigh := low, high
		if cutLow {
			nextLow += next
		}
		if cutHigh {
			nextHigh -= next
		}
		nextLow, nextHigh = nextLow&^mask, nextHigh&^mask
		if shift+precisionStep >= 64 || nextLow > nextHigh || nextLow < low || nextHigh > high {
			return visit(low, high, shift)
		}
		if cutLow {
			if err := visit(low, low|mask, shift); err != nil {
				return err
			}
		}
		if cutHigh {
			if err := visit(high&^mask, high, shift); err != nil {
				return err
			}
		}
		low, high = nextLow, nextHigh
	}
}

// collectRange adds the documents with a term from low to high.
func (sn *snapshot) collectRange(to *roaring.Bitmap, field string, low, high []byte) error {
	dict, err := sn.reader.FieldDictRange(field, low, high)
	if err != nil {
		return fmt.Errorf("search: read dictionary: %w", err)
	}
	defer dict.Close()
	for {
		entry, err := dict.Next()
		if err != nil {
			return fmt.Errorf("search: read dictionary: %w", err)
		}
		if entry == nil {
			return nil
		}
		if err := sn.collect(to, field, entry.Term); err != nil {
			return err
		}
	}
}

func numberID(buffer index.IndexInternalID, doc uint64) index.IndexInternalID {
	return index.NewIndexInternalID(buffer, doc)
}
