package blevesearch

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve/v2/numeric"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// Fields of our own beside the engine fields that package search names.
const (
	fieldID      = "_id"      // Bleve's own
	fieldSource  = "_source"  // stored: what hits return
	fieldVersion = "_version" // stored, when the document has one
	fieldChanged = "_changed" // in a generation: changedPut or changedDelete, when a caller's change wrote it last
)

// The terms of fieldChanged.
const (
	changedPut    = "put"
	changedDelete = "delete"
)

// liveTerm is a term of every text field: its postings are all documents that have the
// field, with their lengths. Every document has search.FieldText; the tombstone of a versioned delete lacks it.
const liveTerm = "\x00"

// runGap keeps phrases from reaching from one value into the next.
const runGap = 1

// field is an analysed field, ready for a segment.
type field struct {
	name    string
	options index.FieldIndexingOptions
	length  int
	terms   index.TokenFrequencies
	value   []byte
	kind    byte
}

func (f *field) Name() string                                     { return f.name }
func (f *field) ArrayPositions() []uint64                         { return nil }
func (f *field) Options() index.FieldIndexingOptions              { return f.options }
func (f *field) Analyze()                                         {}
func (f *field) Value() []byte                                    { return f.value }
func (f *field) NumPlainTextBytes() uint64                        { return uint64(len(f.value)) }
func (f *field) Size() int                                        { return len(f.value) + 32*len(f.terms) }
func (f *field) EncodedFieldType() byte                           { return f.kind }
func (f *field) AnalyzedLength() int                              { return f.length }
func (f *field) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.terms }

// indexed turns an entry into what Bleve's index takes.
func (s *store) indexed(op search.Op) index.Document {
	doc := document.NewDocument(op.ID)
	if op.Version > 0 {
		doc.AddField(storedField(fieldVersion, binary.BigEndian.AppendUint64(nil, uint64(op.Version))))
	}
	if op.Changed {
		term := changedPut
		if op.Entry == nil {
			term = changedDelete
		}
		doc.AddField(termField(fieldChanged, []string{term}))
	}
	if op.Entry == nil { // a tombstone, or the mark of a delete
		return doc
	}
	doc.AddField(storedField(fieldSource, op.Entry.Source))
	for _, f := range s.packing.textFields(op.Entry.Texts) {
		doc.AddField(f)
	}
	for name, terms := range map[string][]string{search.FieldWords: op.Entry.Words,
		search.FieldPhrases: op.Entry.Phrases, search.FieldStarts: op.Entry.Starts, search.FieldPresent: op.Entry.Present} {
		if len(terms) > 0 {
			doc.AddField(termField(name, terms))
		}
	}
	if s.grouped {
		doc.AddField(termField(search.FieldGroup, []string{op.Entry.Group}))
	}
	for name, values := range op.Entry.Values {
		if len(values) == 0 {
			continue
		}
		terms := make([]string, len(values))
		for i, v := range values {
			terms[i] = termOf(v)
		}
		doc.AddField(termField(name, terms))
	}
	return doc
}

func storedField(name string, value []byte) *field {
	return &field{name: name, options: index.StoreField, value: value, kind: 't'}
}

func termField(name string, terms []string) *field {
	frequencies := make(index.TokenFrequencies, len(terms))
	one := &index.TokenFreq{} // there is nothing to tell of any
	for _, t := range terms {
		frequencies[t] = one
	}
	return &field{name: name, options: index.IndexField | index.SkipFreqNorm, length: len(terms), terms: frequencies, kind: 't'}
}

// textFields lays the runs out one after another. A run's weight is in the term
// frequencies and the length, and with each occurrence, where phrases read it.
func (p packing) textFields(runs []search.TextRun) []*field {
	text := &field{name: search.FieldText, options: index.IndexField | index.IncludeTermVectors, kind: 't'}
	var chars tally
	var own []ownTally
	places := newPlaces(runs)
	for _, run := range runs {
		places.add(run)
		text.length += run.Weight * len(run.Terms)
		for _, c := range run.Chars {
			chars.add(c, run.Weight)
		}
		if run.Field == "" || len(run.Terms) == 0 {
			continue
		}
		i := slices.IndexFunc(own, func(o ownTally) bool { return o.name == run.Field })
		if i < 0 {
			i = len(own)
			own = append(own, ownTally{name: run.Field})
		}
		for _, t := range run.Terms {
			own[i].add(t, 1)
		}
	}
	text.length = max(text.length, 1) // every document has it
	text.terms = places.frequencies(p)
	fields := []*field{text}
	if chars.length > 0 {
		fields = append(fields, chars.field(search.FieldChars))
	}
	for i := range own {
		fields = append(fields, own[i].field(own[i].name))
	}
	return fields
}

// ownTally counts the terms of one field of the schema.
type ownTally struct {
	name string
	tally
}

// tally counts terms.
type tally struct {
	counts map[string]int
	length int
}

func (t *tally) add(term string, weight int) {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[term] += weight
	t.length += weight
}

// field returns the field that has the terms, and liveTerm.
func (t *tally) field(name string) *field {
	backing := make([]index.TokenFreq, 0, len(t.counts)+1)
	terms := make(index.TokenFrequencies, len(t.counts)+1)
	add := func(term string, n int) {
		backing = append(backing, index.TokenFreq{})
		freq := &backing[len(backing)-1]
		freq.SetFrequency(n)
		terms[term] = freq
	}
	add(liveTerm, 1)
	for term, n := range t.counts {
		add(term, n)
	}
	return &field{name: name, options: index.IndexField, length: t.length, terms: terms, kind: 't'}
}

// places are the occurrences of the different terms of a document, which have numbers.
type places struct {
	numbers  map[string]int
	terms    []string // by number
	counts   []int    // by number
	of       []int    // the number of each occurrence
	all      []occurrence
	position int
}

func newPlaces(runs []search.TextRun) *places {
	words := 0
	for _, run := range runs {
		words += len(run.Terms)
	}
	return &places{numbers: make(map[string]int, words), of: make([]int, 0, words), all: make([]occurrence, 0, words)}
}

func (s *places) add(run search.TextRun) {
	for _, t := range run.Terms {
		s.position++
		n, known := s.numbers[t]
		if !known {
			n = len(s.terms)
			s.numbers[t] = n
			s.terms, s.counts = append(s.terms, t), append(s.counts, 0)
		}
		s.counts[n]++
		s.of = append(s.of, n)
		s.all = append(s.all, occurrence{s.position, run.Weight})
	}
	s.position += runGap
}

// frequencies is what is written of the terms with their places, and liveTerm.
func (s *places) frequencies(p packing) index.TokenFrequencies {
	begin := make([]int, len(s.terms)) // of the term's occurrences in ordered
	for n := 1; n < len(begin); n++ {
		begin[n] = begin[n-1] + s.counts[n-1]
	}
	ordered := make([]occurrence, len(s.all))
	next := slices.Clone(begin)
	for i, n := range s.of {
		ordered[next[n]] = s.all[i]
		next[n]++
	}
	backing := make([]index.TokenFreq, len(s.terms)+1)
	made := make(index.TokenFrequencies, len(s.terms)+1)
	for n, t := range s.terms {
		p.write(&backing[n], ordered[begin[n]:next[n]])
		made[t] = &backing[n]
	}
	live := &backing[len(s.terms)]
	live.SetFrequency(1)
	made[liveTerm] = live
	return made
}

// write sets what is written of a term with its places.
func (p packing) write(freq *index.TokenFreq, places []occurrence) {
	if packed, ok := p.pack(places); ok {
		freq.SetFrequency(int(packed))
		return
	}
	locations := make([]index.TokenLocation, len(places))
	sum := 0
	for i, o := range places {
		sum += o.weight
		locations[i] = index.TokenLocation{Position: o.position, Start: o.weight}
		freq.Locations = append(freq.Locations, &locations[i])
	}
	freq.SetFrequency(sum<<1 | formLocations)
}

// termOf is the term of a value: it sorts as the value does.
func termOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	default:
		return numberTerm(numberOf(v))
	}
}

// numberOf is a number or date as Bleve sees it: dates are milliseconds since 1970.
func numberOf(v any) float64 {
	if t, ok := v.(time.Time); ok {
		return float64(t.UnixMilli())
	}
	return v.(float64)
}

func numberTerm(n float64) string {
	return string(numeric.MustNewPrefixCodedInt64(numeric.Float64ToInt64(n), 0))
}

func numberFromTerm(t string) (float64, bool) {
	n, err := numeric.PrefixCoded([]byte(t)).Int64()
	return numeric.Int64ToFloat64(n), err == nil
}
