package blevesearch

import (
	"encoding/binary"
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
	backing := make([]index.TokenFreq, len(terms))
	for i, t := range terms {
		backing[i].Term = []byte(t)
		frequencies[t] = &backing[i]
	}
	return &field{name: name, options: index.IndexField | index.SkipFreqNorm, length: len(terms), terms: frequencies, kind: 't'}
}

// textFields lays the runs out one after another. A run's weight is in the term
// frequencies and the length, and with each occurrence, where phrases read it.
func (p packing) textFields(runs []search.TextRun) []*field {
	text := newTextField(search.FieldText, index.IndexField|index.IncludeTermVectors)
	chars := newTextField(search.FieldChars, index.IndexField)
	own := map[string]*field{}
	places := map[string][]occurrence{}
	position := 0
	for _, run := range runs {
		for _, t := range run.Terms {
			position++
			places[t] = append(places[t], occurrence{position, run.Weight})
		}
		text.length += run.Weight * len(run.Terms)
		position += runGap
		for _, c := range run.Chars {
			frequency(chars.terms, c, run.Weight)
		}
		chars.length += run.Weight * len(run.Chars)
		if run.Field == "" {
			continue
		}
		f := own[run.Field]
		if f == nil {
			f = newTextField(run.Field, index.IndexField)
			own[run.Field] = f
		}
		for _, t := range run.Terms {
			frequency(f.terms, t, 1)
		}
		f.length += len(run.Terms)
	}
	for t, of := range places {
		text.terms[t] = p.frequencyOf(t, of)
	}
	text.length = max(text.length, 1) // every document has it
	fields := []*field{text}
	if chars.length > 0 {
		fields = append(fields, chars)
	}
	for _, f := range own {
		if f.length > 0 {
			fields = append(fields, f)
		}
	}
	return fields
}

// frequencyOf is what is written of a term with its places.
func (p packing) frequencyOf(t string, places []occurrence) *index.TokenFreq {
	freq := &index.TokenFreq{Term: []byte(t)}
	if packed, ok := p.pack(places); ok {
		freq.SetFrequency(int(packed))
		return freq
	}
	locations := make([]index.TokenLocation, len(places))
	sum := 0
	for i, o := range places {
		sum += o.weight
		locations[i] = index.TokenLocation{Position: o.position, Start: o.weight}
		freq.Locations = append(freq.Locations, &locations[i])
	}
	freq.SetFrequency(sum<<1 | formLocations)
	return freq
}

func newTextField(name string, options index.FieldIndexingOptions) *field {
	live := &index.TokenFreq{Term: []byte(liveTerm)}
	live.SetFrequency(1)
	return &field{name: name, options: options, terms: index.TokenFrequencies{liveTerm: live}, kind: 't'}
}

func frequency(terms index.TokenFrequencies, t string, weight int) *index.TokenFreq {
	freq := terms[t]
	if freq == nil {
		freq = &index.TokenFreq{Term: []byte(t)}
		terms[t] = freq
	}
	freq.SetFrequency(freq.Frequency() + weight)
	return freq
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
