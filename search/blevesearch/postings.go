package blevesearch

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/seed82d84382/commerce/search"
)

// postings walks the documents that have a term, over all segments. Bleve's readers do that too, but
// do not show how the segments' own iterators can be kept.
type postings struct {
	lists   []partPostings
	present int // the list that at is in
	count   uint64
	at      uint64
	started bool
	posting segment.Posting
}

// partPostings are those of one segment. The list and its iterator are used again.
type partPostings struct {
	offset, end uint64
	part        int
	lengths     []uint32 // of documents, where the postings do not have them
	list        segment.PostingsList
	iterator    segment.PostingsIterator
}

// read opens the postings of a term, with what is kept of it in each document.
func (sn *snapshot) read(field, term string) (*postings, error) {
	dictionaries, err := sn.dictionary(field)
	if err != nil {
		return nil, err
	}
	p := sn.state.postings.Get().(*postings)
	lists := p.lists[:0]
	*p = postings{}
	for i, d := range dictionaries {
		if len(lists) < cap(lists) {
			lists = lists[:len(lists)+1]
		} else {
			lists = append(lists, partPostings{})
		}
		one := &lists[len(lists)-1]
		if one.list, err = d.PostingsList([]byte(term), sn.parts[i].deleted, one.list); err != nil {
			return nil, fmt.Errorf("search: read postings: %w", err)
		}
		n := one.list.Count()
		if n == 0 {
			lists = lists[:len(lists)-1]
			continue
		}
		p.count += n
		one.offset, one.end, one.part, one.lengths = sn.parts[i].offset, sn.parts[i].end, i, nil
		text := field == search.FieldText
		if text {
			if one.lengths, err = sn.parts[i].lengths(field); err != nil {
				return nil, err
			}
		}
		one.iterator = one.list.Iterator(true, true, text, one.iterator)
	}
	p.lists = lists
	return p, nil
}

// release gives the postings back for use by another search.
func (sn *snapshot) release(p *postings) {
	p.posting = nil
	sn.state.postings.Put(p)
}

func (p *postings) next(least uint64) (uint64, error) {
	follows := p.started && least == p.at+1
	for ; p.present < len(p.lists); p.present++ {
		l := &p.lists[p.present]
		if least >= l.end {
			follows = false
			continue
		}
		var err error
		if follows || least <= l.offset {
			p.posting, err = l.iterator.Next()
		} else {
			p.posting, err = l.iterator.Advance(least - l.offset)
		}
		if err != nil {
			return end, fmt.Errorf("search: read postings: %w", err)
		}
		if p.posting != nil {
			p.started = true
			p.at = l.offset + p.posting.Number()
			return p.at, nil
		}
		follows = false
	}
	p.started, p.at = true, end
	return end, nil
}

// length is that of the field in the present document, as scores are computed from it.
func (p *postings) length() uint64 {
	if l := &p.lists[p.present]; l.lengths != nil {
		return uint64(l.lengths[p.at-l.offset])
	}
	return roundLength(max(1, exactLength(p.posting)))
}

// bitmap returns the documents with a term. It is shared: it must not be changed.
func (sn *snapshot) bitmap(field, term string) (*roaring.Bitmap, error) {
	name := fieldTerm{field, term}
	if known := sn.bitmaps[name]; known != nil {
		return known, nil
	}
	found := roaring.New()
	if err := sn.collect(found, field, term); err != nil {
		return nil, err
	}
	if sn.bitmaps == nil {
		sn.bitmaps = map[fieldTerm]*roaring.Bitmap{}
	}
	sn.bitmaps[name] = found
	return found, nil
}

// collect adds the documents with a term.
func (sn *snapshot) collect(to *roaring.Bitmap, field, term string) error {
	dictionaries, err := sn.dictionary(field)
	if err != nil {
		return err
	}
	for i, d := range dictionaries {
		list, err := d.PostingsList([]byte(term), sn.parts[i].deleted, nil)
		if err != nil {
			return fmt.Errorf("search: read postings: %w", err)
		}
		if list.Count() == 0 {
			continue
		}
		if err := addList(to, list, sn.parts[i].offset); err != nil {
			return err
		}
	}
	return nil
}

func addList(to *roaring.Bitmap, list segment.PostingsList, offset uint64) error {
	iterator := list.Iterator(false, false, false, nil)
	if whole, ok := iterator.(segment.OptimizablePostingsIterator); ok {
		if one, ok := whole.DocNum1Hit(); ok {
			to.Add(uint32(offset + one))
			return nil
		}
		if all := whole.ActualBitmap(); all != nil {
			if offset > 0 {
				all = roaring.AddOffset64(all, int64(offset))
			}
			to.Or(all)
			return nil
		}
	}
	for {
		posting, err := iterator.Next()
		if err != nil {
			return fmt.Errorf("search: read postings: %w", err)
		}
		if posting == nil {
			return nil
		}
		to.Add(uint32(offset + posting.Number()))
	}
}

// count returns the number of documents with a term.
func (sn *snapshot) count(field, term string) (int, error) {
	dictionaries, err := sn.dictionary(field)
	if err != nil {
		return 0, err
	}
	n := uint64(0)
	for i, d := range dictionaries {
		list, err := d.PostingsList([]byte(term), sn.parts[i].deleted, nil)
		if err != nil {
			return 0, fmt.Errorf("search: read postings: %w", err)
		}
		n += list.Count()
	}
	return int(n), nil
}
