package blevesearch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/seed82d84382/commerce/search"
)

// state is what is known of the index as it is between two writes. All searches of that time share
// it. It does not keep the index's files open: only a snapshot that does may use it.
type state struct {
	reader    *scorch.IndexSnapshot
	parts     []part
	documents uint64          // live ones
	live      *roaring.Bitmap // their numbers

	postings sync.Pool // of *postings

	mu        sync.Mutex
	fields    map[string]*fieldStatistics
	filters   map[string]*roaring.Bitmap
	completed map[string][]search.Term
	totals    map[string]int
	owned     map[string][]uint64
}

// part is a segment. Its documents have the numbers from offset to below end.
type part struct {
	segment     segment.Segment
	deleted     *roaring.Bitmap // numbers within the segment; may be nil
	offset, end uint64
	columns     *columns
}

// maxFilters bounds the filters and prefixes whose documents a state remembers.
const maxFilters = 128

// snapshot is the state of an index during one search.
type snapshot struct {
	*state
	store        *store
	ctx          context.Context
	dictionaries map[string][]segment.TermDictionary // by field, one for each part
	bitmaps      map[fieldTerm]*roaring.Bitmap
	explaining   bool // matchers are to explain their scores part by part
}

type fieldTerm struct{ field, term string }

func (s *store) snapshot(ctx context.Context) (*snapshot, error) {
	opened, err := s.index.Reader()
	if err != nil {
		return nil, fmt.Errorf("search: read: %w", err)
	}
	reader, ok := opened.(*scorch.IndexSnapshot)
	if !ok {
		return nil, errors.Join(fmt.Errorf("search: read: unexpected reader %T", opened), opened.Close())
	}
	sn := &snapshot{store: s, ctx: ctx, state: s.latest.Load()}
	if sn.state != nil && sn.reader == reader {
		return sn, nil
	}
	if err := s.read(sn, reader); err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	s.latest.Store(sn.state)
	return sn, nil
}

// read makes the state of what reader shows.
func (s *store) read(sn *snapshot, reader *scorch.IndexSnapshot) error {
	sn.state = &state{reader: reader, fields: map[string]*fieldStatistics{},
		filters: map[string]*roaring.Bitmap{}, completed: map[string][]search.Term{}, totals: map[string]int{}, owned: map[string][]uint64{}}
	sn.state.postings.New = func() any { return &postings{} }
	offset := uint64(0)
	for _, of := range reader.Segments() {
		one := part{segment: of.Segment(), deleted: of.Deleted(), offset: offset}
		offset += one.segment.Count()
		one.end = offset
		sn.parts = append(sn.parts, one)
	}
	s.columns.assign(sn.parts)
	sn.live = roaring.New()
	if err := sn.collect(sn.live, search.FieldText, liveTerm); err != nil {
		return err
	}
	sn.documents = sn.live.GetCardinality()
	return nil
}

func (sn *snapshot) close() { sn.reader.Close() }

// dictionary returns the dictionaries of a field, one for each part.
func (sn *snapshot) dictionary(field string) ([]segment.TermDictionary, error) {
	if have, ok := sn.dictionaries[field]; ok {
		return have, nil
	}
	made := make([]segment.TermDictionary, len(sn.parts))
	for i := range sn.parts {
		var err error
		if made[i], err = sn.parts[i].segment.Dictionary(field); err != nil {
			return nil, fmt.Errorf("search: read dictionary: %w", err)
		}
	}
	if sn.dictionaries == nil {
		sn.dictionaries = map[string][]segment.TermDictionary{}
	}
	sn.dictionaries[field] = made
	return made, nil
}

// partOf returns the part with a document.
func (st *state) partOf(doc uint64) *part {
	i, _ := slices.BinarySearchFunc(st.parts, doc, func(p part, doc uint64) int {
		if p.end <= doc {
			return -1
		}
		return 1
	})
	return &st.parts[i]
}

// stored is what a hit needs of a document: its ID and, with source, its source.
func (sn *snapshot) stored(doc uint64, source bool) (id string, text []byte, err error) {
	if !source {
		id, err = sn.id(doc)
		return id, nil, err
	}
	p := sn.partOf(doc)
	err = p.segment.VisitStoredFields(doc-p.offset, func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case fieldID: // stopping here would give two callers the same reader, in version 17.2.5 of zapx
			id = string(value)
		case fieldSource:
			text = slices.Clone(value)
			return false
		}
		return true
	})
	if err != nil {
		return "", nil, fmt.Errorf("search: read document: %w", err)
	}
	return id, text, nil
}

// id returns the ID of a document.
func (sn *snapshot) id(doc uint64) (string, error) {
	p := sn.partOf(doc)
	id, err := p.segment.DocID(doc - p.offset)
	if err != nil {
		return "", fmt.Errorf("search: read document: %w", err)
	}
	return string(id), nil
}
