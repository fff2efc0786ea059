package blevesearch

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

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
	found.And(sn.live) // not tombstones
	return found, nil
}

// maxExpansion bounds the terms that a prefix stands for: the first ones in the dictionary.
const maxExpansion = 1024

// prefix returns the documents with a term that begins with prefix. It is shared: it must not be changed.
func (sn *snapshot) prefix(field, prefix string) (*roaring.Bitmap, error) {
	switch {
	case prefix == "":
		return roaring.New(), nil
	case field == search.FieldPhrases && utf8.RuneCountInString(prefix) <= search.MaxStart:
		return sn.bitmap(search.FieldStarts, prefix)
	}
	return sn.remembered(field+"/"+prefix, func() (*roaring.Bitmap, error) { return sn.beginning(field, prefix) })
}

func (sn *snapshot) beginning(field, prefix string) (*roaring.Bitmap, error) {
	found := roaring.New()
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

// cached evaluates a filter once for all searches of a state: shoppers choose the same ones.
func (sn *snapshot) cached(f search.Filter) (*roaring.Bitmap, error) {
	return sn.remembered(filterName(f), func() (*roaring.Bitmap, error) { return sn.passing(f) })
}

// remembered returns a set of documents that the state knows by a name, or makes it.
func (sn *snapshot) remembered(name string, make func() (*roaring.Bitmap, error)) (*roaring.Bitmap, error) {
	sn.mu.Lock()
	known := sn.filters[name]
	sn.mu.Unlock()
	if known != nil {
		return known, nil
	}
	made, err := make()
	if err != nil {
		return nil, err
	}
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if len(sn.filters) >= maxFilters {
		clear(sn.filters)
	}
	sn.filters[name] = made
	return made, nil
}

// filterName is a text that only equal filters have.
func filterName(f search.Filter) string {
	name := strconv.AppendQuote(nil, f.Field)
	name = append(name, string(f.Op)...)
	if f.Negate {
		name = append(name, '!')
	}
	for _, v := range f.Values {
		name = strconv.AppendQuote(append(name, '='), termOf(v))
	}
	for _, r := range f.Ranges {
		for _, end := range []any{r.GT, r.GTE, r.LT, r.LTE} {
			if name = append(name, ','); end != nil {
				name = strconv.AppendFloat(name, numberOf(end), 'g', -1, 64)
			}
		}
	}
	return string(name)
}

func (sn *snapshot) passing(f search.Filter) (*roaring.Bitmap, error) {
	passed, err := sn.one(f)
	if err != nil {
		return nil, err
	}
	if f.Negate {
		passed = roaring.AndNot(sn.live, passed)
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

// within adds the documents with a number between bounds.
func (sn *snapshot) within(to *roaring.Bitmap, field string, bounds search.Bounds) error {
	values, err := sn.column(field)
	if err != nil {
		return err
	}
	var found [256]uint32
	n := 0
	for i := range values.parts {
		p, c := &values.parts[i], values.columns[i]
		low, high := c.between(bounds)
		if low >= high {
			continue
		}
		for doc := range p.end - p.offset {
			if !c.within(doc, low, high) || p.deleted != nil && p.deleted.Contains(uint32(doc)) {
				continue
			}
			if found[n] = uint32(p.offset + doc); n == len(found)-1 {
				to.AddMany(found[:])
				n = -1
			}
			n++
		}
	}
	to.AddMany(found[:n])
	return nil
}
