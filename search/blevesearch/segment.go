package blevesearch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"

	"github.com/blevesearch/bleve/v2/index/scorch"
	index "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
	"github.com/blevesearch/vellum"
	zap "github.com/blevesearch/zapx/v17"
	"github.com/golang/snappy"
)

// segmentType is what Bleve calls our segments. Their files are zap's: only how a batch becomes one differs.
const segmentType = "commerce"

// plugin makes segments of batches. Zap's own way goes through a map of terms for each field of each document.
type plugin struct{ zap.ZapPlugin }

func init() { scorch.RegisterSegmentPlugin(&plugin{}, false) } // Bleve's list has no lock: later would be too late

func (*plugin) Type() string { return segmentType }

func (p *plugin) New(documents []index.Document) (segment.Segment, uint64, error) {
	return p.NewUsing(documents, nil)
}

func (*plugin) NewUsing(batch []index.Document, config map[string]any) (segment.Segment, uint64, error) {
	documents := make([]*document, len(batch))
	for i, d := range batch {
		ours, ok := d.(*document)
		if !ok {
			return nil, 0, fmt.Errorf("search: cannot index a %T", d)
		}
		documents[i] = ours
	}
	slices.SortFunc(documents, func(a, b *document) int { return cmp.Compare(a.at, b.at) })
	w := segmentWriters.Get().(*segmentWriter)
	defer segmentWriters.Put(w)
	storedAt, fieldsAt, err := w.write(documents)
	if err != nil {
		return nil, 0, fmt.Errorf("search: write segment: %w", err)
	}
	stats, ok := config[segment.StatsKey].(*segment.Stats)
	if !ok || stats == nil {
		stats = &segment.Stats{}
	}
	file := slices.Clone(w.out)
	made, err := zap.InitSegmentBase(file, crc32.ChecksumIEEE(file), zap.DefaultChunkMode, uint64(len(documents)), storedAt, fieldsAt, config, stats)
	return made, uint64(len(file)), err
}

var segmentWriters = sync.Pool{New: func() any { return &segmentWriter{} }}

// segmentWriter writes a batch in the format that zap's documentation (zap.md) describes. What it holds is used again.
type segmentWriter struct {
	layout    *layout
	documents int
	out       []byte
	fields    []inverted

	fst          *vellum.Builder
	fstOut       bytes.Buffer
	meta, values []byte
	compressed   []byte
	numbers      []uint32     // of the documents with a term
	places       []occurrence // of a term in a document
	located      []byte       // they, written
	frequencies  chunks
	locations    chunks
}

// write returns where the stored fields and the fields begin.
func (w *segmentWriter) write(documents []*document) (storedAt, fieldsAt uint64, err error) {
	l := documents[0].layout
	w.layout, w.out, w.documents = l, w.out[:0], len(documents)
	w.fields = slices.Grow(w.fields[:0], len(l.fields))[:len(l.fields)]
	for i := range w.fields {
		w.fields[i].reset(len(documents))
	}
	for number, d := range documents {
		if err := l.invert(w.fields, number, d); err != nil {
			return 0, 0, err
		}
	}
	storedAt = w.stored(documents)
	starts := make([]uint64, len(l.fields))
	for i := range l.fields {
		if starts[i], err = w.dictionary(i); err != nil {
			return 0, 0, err
		}
		w.fields[i].reset(0)
	}
	return storedAt, w.index(starts), nil
}

// stored writes the values to return: of each document where they are in what follows, which is compressed.
func (w *segmentWriter) stored(documents []*document) (at uint64) {
	starts := make([]uint64, len(documents))
	add := func(name string, value []byte) {
		for _, n := range []int{w.layout.numbers[name], 't', len(w.values), len(value), 0} { // 0 is the number of array positions
			w.meta = binary.AppendUvarint(w.meta, uint64(n))
		}
		w.values = append(w.values, value...)
	}
	for i, d := range documents {
		w.meta, w.values = binary.AppendUvarint(w.meta[:0], uint64(len(d.op.ID))), w.values[:0]
		if d.op.Entry != nil {
			add(fieldSource, d.op.Entry.Source)
		}
		if d.op.Version > 0 {
			add(fieldVersion, binary.BigEndian.AppendUint64(nil, uint64(d.op.Version)))
		}
		w.compressed = snappy.Encode(w.compressed[:cap(w.compressed)], w.values)
		starts[i] = uint64(len(w.out))
		w.out = binary.AppendUvarint(w.out, uint64(len(w.meta)))
		w.out = binary.AppendUvarint(w.out, uint64(len(d.op.ID)+len(w.compressed)))
		w.out = append(append(append(w.out, w.meta...), d.op.ID...), w.compressed...)
	}
	at = uint64(len(w.out))
	for _, start := range starts {
		w.out = binary.BigEndian.AppendUint64(w.out, start)
	}
	w.out = append(w.out, 0) // no nested documents
	return at
}

// index writes what the fields are called and where they begin.
func (w *segmentWriter) index(starts []uint64) (at uint64) {
	const invertedSection = 0 // the only one of zap's that we have
	names := make([]uint64, len(starts))
	for i, f := range w.layout.fields {
		names[i] = uint64(len(w.out))
		w.out = binary.AppendUvarint(w.out, uint64(len(f.name)))
		w.out = append(w.out, f.name...)
		w.out = binary.AppendUvarint(w.out, uint64(f.options))
		w.out = binary.AppendUvarint(w.out, 1) // section
		w.out = binary.BigEndian.AppendUint16(w.out, invertedSection)
		w.out = binary.BigEndian.AppendUint64(w.out, starts[i])
	}
	at = uint64(len(w.out))
	w.out = binary.AppendUvarint(w.out, uint64(len(names)))
	for _, name := range names {
		w.out = binary.BigEndian.AppendUint64(w.out, name)
	}
	return at
}

// dictionary writes the postings of a field and its dictionary, and returns where it begins.
func (w *segmentWriter) dictionary(number int) (start uint64, err error) {
	if w.fst == nil {
		// As zap's own: looking for suffixes that words share takes long for what it saves.
		w.fst, err = vellum.New(&w.fstOut, &vellum.BuilderOpts{Encoder: 1, RegistryMRUSize: 1})
	} else {
		w.fstOut.Reset()
		err = w.fst.Reset(&w.fstOut)
	}
	if err != nil {
		return 0, err
	}
	f := &w.fields[number]
	err = f.sort(func(term string, occurrences []entry) error {
		return w.fst.Insert([]byte(term), w.postings(number, term, occurrences))
	})
	if err == nil {
		err = w.fst.Close()
	}
	if err != nil {
		w.fst = nil
		return 0, err
	}
	at := uint64(len(w.out))
	w.out = binary.AppendUvarint(w.out, uint64(w.fstOut.Len()))
	w.out = append(w.out, w.fstOut.Bytes()...)
	start = uint64(len(w.out))
	w.out = binary.AppendUvarint(w.out, math.MaxUint64) // there are no document values
	w.out = binary.AppendUvarint(w.out, math.MaxUint64)
	w.out = binary.AppendUvarint(w.out, at)
	return start, nil
}
