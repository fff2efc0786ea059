package blevesearch

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	index "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/search"
)

var segmentSchema = search.Schema{Fields: []search.Field{
	{Name: "title", Kind: search.Text, Weight: 6},
	{Name: "brand", Kind: search.Keyword, Weight: 3},
	{Name: "text", Kind: search.Text},
	{Name: "group", Kind: search.Keyword, Collapse: true},
	{Name: "price", Kind: search.Number},
}}

// written is what a segment says of a term in a document.
type written struct {
	frequency, length int
	places            []occurrence
}

// byTerm is what a segment has: by field, term and the document's ID.
type byTerm map[string]map[string]map[string]written

func (b byTerm) set(field, term, id string, w written) {
	if b[field] == nil {
		b[field] = map[string]map[string]written{}
	}
	if b[field][term] == nil {
		b[field][term] = map[string]written{}
	}
	b[field][term][id] = w
}

// expected is computed from documents without any of the code under test.
func expected(documents []*document) byTerm {
	all := byTerm{}
	for _, d := range documents {
		id, e := d.op.ID, d.op.Entry
		all.set(fieldID, id, id, written{frequency: 1, length: 1})
		if d.op.Changed {
			term := "put"
			if e == nil {
				term = "delete"
			}
			all.set(fieldChanged, term, id, written{})
		}
		if e == nil {
			continue
		}
		for field, terms := range map[string][]string{search.FieldWords: e.Words, search.FieldPhrases: e.Phrases,
			search.FieldStarts: e.Starts, search.FieldPresent: e.Present, search.FieldGroup: {e.Group}} {
			for _, t := range terms {
				all.set(field, t, id, written{})
			}
		}
		for field, values := range e.Values {
			for _, v := range values {
				all.set(field, termOf(v), id, written{})
			}
		}
		counts, lengths := map[string]map[string]written{}, map[string]int{}
		count := func(field, term string, weight int, place ...occurrence) {
			if counts[field] == nil {
				counts[field] = map[string]written{liveTerm: {frequency: 1}}
			}
			w := counts[field][term]
			counts[field][term] = written{frequency: w.frequency + weight, places: append(slices.Clone(w.places), place...)}
			lengths[field] += weight
		}
		counts[search.FieldText] = map[string]written{liveTerm: {frequency: 1}}
		position := 0
		for _, run := range e.Texts {
			class := map[string]int{"_own.title": 0, "_own.brand": 1, "": 2}[run.Field]
			for _, t := range run.Terms {
				position++
				count(search.FieldText, t, run.Weight, occurrence{position, class})
			}
			if run.Field != "" && len(run.Terms) > 0 {
				if counts[run.Field] == nil {
					counts[run.Field] = map[string]written{liveTerm: {frequency: 1}}
				}
				lengths[run.Field] += len(run.Terms)
			}
			for _, c := range run.Chars {
				count(search.FieldChars, c, run.Weight)
			}
			position++
		}
		for field, terms := range counts {
			for term, w := range terms {
				if w.length = max(lengths[field], 1); field == search.FieldText && term != liveTerm {
					w.length = 0 // it has other numbers there
				}
				all.set(field, term, id, w)
			}
		}
	}
	return all
}

// read is what a segment has.
func read(t require.TestingT, l *layout, from segment.Segment, deleted *roaring.Bitmap) byTerm {
	all := byTerm{}
	for _, f := range l.fields {
		dictionary, err := from.Dictionary(f.name)
		require.NoError(t, err)
		for terms := dictionary.AutomatonIterator(nil, nil, nil); ; {
			entry, err := terms.Next()
			require.NoError(t, err)
			if entry == nil {
				break
			}
			list, err := dictionary.PostingsList([]byte(entry.Term), deleted, nil)
			require.NoError(t, err)
			n := uint64(0)
			for postings := list.Iterator(true, true, true, nil); ; n++ {
				posting, err := postings.Next()
				require.NoError(t, err)
				if posting == nil {
					break
				}
				id, err := from.DocID(posting.Number())
				require.NoError(t, err)
				var w written
				switch {
				case f.kind == termField:
				case f.kind == textField && entry.Term != liveTerm:
					w.places = l.packing.read(nil, posting)
					w.frequency = l.packing.weight(w.places)
				default:
					w = written{frequency: int(posting.Frequency()), length: int(exactLength(posting))}
				}
				all.set(f.name, entry.Term, string(id), w)
			}
			require.Equal(t, list.Count(), n)
		}
	}
	return all
}

func checkStored(t require.TestingT, from segment.Segment, documents []*document) {
	for _, d := range documents {
		numbers, err := from.DocNumbers([]string{d.op.ID})
		require.NoError(t, err)
		require.EqualValues(t, 1, numbers.GetCardinality())
		stored := map[string]string{}
		require.NoError(t, from.VisitStoredFields(uint64(numbers.Minimum()), func(field string, _ byte, value []byte, _ []uint64) bool {
			stored[field] = string(value)
			return true
		}))
		want := map[string]string{fieldID: d.op.ID}
		if d.op.Entry != nil {
			want[fieldSource] = string(d.op.Entry.Source)
		}
		if d.op.Version > 0 {
			want[fieldVersion] = string([]byte{0, 0, 0, 0, 0, 0, 0, byte(d.op.Version)})
		}
		require.Equal(t, want, stored)
	}
}

func drawDocuments(t *rapid.T, l *layout, from string) []*document {
	word := rapid.OneOf(rapid.StringMatching("[a-c]{1,3}"), rapid.StringMatching("[a-z茶杯]{1,12}"))
	words := rapid.SliceOfN(word, 0, 8)
	set := func(name string) []string {
		return slices.Sorted(maps.Keys(rapid.MapOfN(word, rapid.Bool(), 0, 4).Draw(t, name)))
	}
	documents := make([]*document, rapid.IntRange(1, 30).Draw(t, "documents"))
	for i := range documents {
		op := search.Op{ID: fmt.Sprint(from, i), Version: int64(rapid.IntRange(0, 3).Draw(t, "version")), Changed: rapid.Bool().Draw(t, "changed")}
		if (op.Version == 0 && !op.Changed) || rapid.IntRange(0, 4).Draw(t, "put") > 0 {
			e := &search.Entry{Source: []byte(strings.Repeat(`{"a":1}`, rapid.IntRange(0, 40).Draw(t, "source"))), Words: set("words"), Phrases: set("phrases"),
				Starts: set("starts"), Present: []string{"title"}, Group: "=" + word.Draw(t, "group"),
				Values: map[string][]any{"price": {float64(rapid.IntRange(-3, 3).Draw(t, "price"))}, "brand": nil}}
			for _, b := range set("brands") {
				e.Values["brand"] = append(e.Values["brand"], b)
			}
			for range rapid.IntRange(0, 4).Draw(t, "runs") {
				run := rapid.SampledFrom([]search.TextRun{{Weight: 6, Field: "_own.title"}, {Weight: 3, Field: "_own.brand"}, {Weight: 1}}).Draw(t, "run")
				run.Terms, run.Chars = words.Draw(t, "terms"), words.Draw(t, "chars")
				if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
					run.Terms = slices.Repeat(append(run.Terms, "a"), 20)
				}
				e.Texts = append(e.Texts, run)
			}
			op.Entry = e
		}
		documents[i] = &document{op: op, at: i, layout: l}
	}
	return documents
}

func made(t require.TestingT, documents []*document) segment.Segment {
	batch := make([]index.Document, len(documents))
	for i, d := range documents {
		batch[len(batch)-1-i] = d
	}
	s, size, err := (&plugin{}).New(batch)
	require.NoError(t, err)
	require.Positive(t, size)
	require.EqualValues(t, len(documents), s.Count())
	return s
}

// Bleve reads in a segment what was written, and again when it has put two together and written them to a file.
func TestSegmentsSayWhatWasWritten(t *testing.T) {
	l := newLayout(segmentSchema)
	dir, files := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		first, second := drawDocuments(t, l, "a"), drawDocuments(t, l, "b")
		one, other := made(t, first), made(t, second)
		require.Equal(t, expected(first), read(t, l, one, nil))
		require.Equal(t, expected(second), read(t, l, other, nil))
		checkStored(t, one, first)

		gone := rapid.IntRange(0, len(first)-1).Draw(t, "gone")
		left := slices.Delete(slices.Clone(first), gone, gone+1)
		require.Equal(t, expected(left), read(t, l, one, roaring.BitmapOf(uint32(gone))))

		files++
		path := filepath.Join(dir, fmt.Sprint(files))
		_, _, err := (&plugin{}).Merge([]segment.Segment{one, other}, []*roaring.Bitmap{roaring.BitmapOf(uint32(gone)), nil}, path, nil, nil)
		require.NoError(t, err)
		both, err := (&plugin{}).Open(path)
		require.NoError(t, err)
		left = append(left, second...)
		require.Equal(t, expected(left), read(t, l, both, nil))
		checkStored(t, both, left)
		require.NoError(t, both.Close())
	})
}

// A term in so many documents that its frequencies are in several chunks, and its set is one of bits.
func TestSegmentOfManyDocuments(t *testing.T) {
	t.Parallel()
	l := newLayout(segmentSchema)
	documents := make([]*document, 70_000)
	for i := range documents {
		e := &search.Entry{Source: []byte("{}"), Group: fmt.Sprint("=", i%3), Present: []string{"title"}}
		run := search.TextRun{Weight: 6, Field: "_own.title", Terms: []string{"all"}}
		if i%7 == 0 {
			run.Terms = append(run.Terms, "seventh", "all")
		}
		if i > 66_000 {
			run.Terms = slices.Repeat([]string{"late"}, 30)
		}
		e.Texts = []search.TextRun{run}
		documents[i] = &document{op: search.Op{ID: fmt.Sprint(i), Entry: e}, at: i, layout: l}
	}
	s := made(t, documents)
	want, have := expected(documents), read(t, l, s, nil)
	for field, terms := range want {
		for term, ids := range terms {
			require.Len(t, have[field][term], len(ids), "%s:%s", field, term)
			for id, w := range ids {
				if have[field][term][id].frequency != w.frequency || have[field][term][id].length != w.length {
					require.Equal(t, w, have[field][term][id])
				}
			}
		}
	}
}

func TestPluginTakesOnlyItsOwnDocuments(t *testing.T) {
	t.Parallel()
	_, _, err := (&plugin{}).New([]index.Document{nil})
	require.ErrorContains(t, err, "cannot index")
}

// Completions are counted exactly, also after terms that are in one document only.
func TestCompletionsAfterRareTerms(t *testing.T) {
	t.Parallel()
	d, _, err := openDriver(t.TempDir(), weighted(1), true, false)
	require.NoError(t, err)
	defer d.Close()
	ops := make([]search.Op, 9)
	for i := range ops {
		ops[i] = search.Op{ID: fmt.Sprint(i), Entry: &search.Entry{Phrases: []string{"with"}, Group: "#"}}
	}
	ops[0].Entry.Phrases = []string{"wide", "wire", "with"}
	ops[1].Entry.Phrases = []string{"wire", "with"}
	require.NoError(t, d.Write(t.Context(), ops, true))
	require.NoError(t, d.Write(t.Context(), []search.Op{{ID: "8"}}, true))
	found, err := d.Terms(t.Context(), search.TermsRequest{Field: search.FieldPhrases, Prefix: "wi", Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []search.Term{{Text: "with", Count: 8}, {Text: "wire", Count: 2}}, found)
}
