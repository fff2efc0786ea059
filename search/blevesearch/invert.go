package blevesearch

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/seed82d84382/commerce/search"
)

// inverted collects the terms of one field, document after document, and then hands out the documents of each term. Bleve does
// that too, from a map of terms for each field of each document, which takes most of the time of indexing.
type inverted struct {
	numbers map[string]uint32
	terms   []string // by number
	counts  []uint32 // occurrences, by number of the term
	all     []entry  // in the order of documents
	lengths []uint32 // by document

	order  []sortedTerm
	sorted []entry // by number of the term, then as in all
}

// entry is an occurrence of a term.
type entry struct {
	term, document uint32
	position       uint32 // in FieldText
	weight         uint32 // in FieldText the class
}

// sortedTerm is a term with its first bytes as a number, which compares faster.
type sortedTerm struct {
	start  uint64
	number uint32
}

// reset makes room for the fields of documents.
func (v *inverted) reset(documents int) {
	if v.numbers == nil {
		v.numbers = map[string]uint32{}
	}
	clear(v.numbers)
	clear(v.terms) // they are parts of texts
	v.terms, v.counts, v.all, v.order = v.terms[:0], v.counts[:0], v.all[:0], v.order[:0]
	v.lengths = slices.Grow(v.lengths[:0], documents)[:documents]
	clear(v.lengths)
}

func (v *inverted) add(term string, e entry) {
	n, known := v.numbers[term]
	if !known {
		n = uint32(len(v.terms))
		v.numbers[term] = n
		v.terms, v.counts = append(v.terms, term), append(v.counts, 0)
	}
	e.term = n
	v.counts[n]++
	v.all = append(v.all, e)
}

// addAll adds terms that a document has.
func (v *inverted) addAll(document int, terms []string) {
	for _, t := range terms {
		v.add(t, entry{document: uint32(document)})
	}
}

// sort yields the terms in order, each with its occurrences.
func (v *inverted) sort(yield func(term string, occurrences []entry) error) error {
	end := uint32(0)
	for n, t := range v.terms {
		v.order = append(v.order, sortedTerm{startOf(t), uint32(n)})
		end += v.counts[n]
		v.counts[n] = end - v.counts[n] // where the next one goes
	}
	v.sorted = slices.Grow(v.sorted[:0], len(v.all))[:len(v.all)]
	for _, e := range v.all {
		v.sorted[v.counts[e.term]] = e
		v.counts[e.term]++
	}
	slices.SortFunc(v.order, func(a, b sortedTerm) int {
		if a.start != b.start {
			return cmp.Compare(a.start, b.start)
		}
		return cmp.Compare(v.terms[a.number], v.terms[b.number])
	})
	for _, t := range v.order {
		begin := uint32(0)
		if t.number > 0 {
			begin = v.counts[t.number-1]
		}
		if err := yield(v.terms[t.number], v.sorted[begin:v.counts[t.number]]); err != nil {
			return err
		}
	}
	return nil
}

func startOf(term string) uint64 {
	var start [8]byte
	copy(start[:], term)
	return binary.BigEndian.Uint64(start[:])
}

// invert adds a document to the fields.
func (l *layout) invert(fields []inverted, number int, d *document) error {
	field := func(name string) *inverted { return &fields[l.numbers[name]] }
	ids := &fields[0]
	ids.add(d.op.ID, entry{document: uint32(number), weight: 1})
	ids.lengths[number] = 1
	if d.op.Changed {
		term := changedPut
		if d.op.Entry == nil {
			term = changedDelete
		}
		field(fieldChanged).addAll(number, []string{term})
	}
	e := d.op.Entry
	if e == nil { // a tombstone, or the mark of a delete
		return nil
	}
	if err := l.invertText(fields, number, e.Texts); err != nil {
		return err
	}
	field(search.FieldWords).addAll(number, e.Words)
	field(search.FieldPhrases).addAll(number, e.Phrases)
	field(search.FieldStarts).addAll(number, e.Starts)
	field(search.FieldPresent).addAll(number, e.Present)
	if n, grouped := l.numbers[search.FieldGroup]; grouped {
		fields[n].addAll(number, []string{e.Group})
	}
	for name, values := range e.Values {
		of := field(name)
		for _, v := range values {
			of.add(termOf(v), entry{document: uint32(number)})
		}
	}
	return nil
}

// invertText lays the runs out one after another. A run's weight is in the length, and the class of its field is with each
// occurrence, from where frequencies and phrases have it.
func (l *layout) invertText(fields []inverted, number int, runs []search.TextRun) error {
	text, chars := &fields[l.numbers[search.FieldText]], &fields[l.numbers[search.FieldChars]]
	document, position := uint32(number), uint32(0)
	text.add(liveTerm, entry{document: document})
	for _, run := range runs {
		weight, class := uint32(run.Weight), l.packing.class(run)
		if class < 0 {
			return fmt.Errorf("a run of weight %d in %q is of no field of the schema", run.Weight, run.Field)
		}
		for _, t := range run.Terms {
			position++
			text.add(t, entry{document: document, position: position, weight: uint32(class)})
		}
		position += runGap
		text.lengths[number] += weight * uint32(len(run.Terms))
		for _, c := range run.Chars {
			chars.count(c, document, weight)
		}
		if run.Field != "" {
			fields[l.numbers[run.Field]].lengthen(document, uint32(len(run.Terms)))
		}
	}
	text.lengths[number] = max(text.lengths[number], 1) // every document has it
	return nil
}

// lengthen adds to the length of a field, and liveTerm when it is the first time.
func (v *inverted) lengthen(document, by uint32) {
	if v.lengths[document] == 0 && by > 0 {
		v.add(liveTerm, entry{document: document, weight: 1})
	}
	v.lengths[document] += by
}

// count adds a term of a field whose length is counted.
func (v *inverted) count(term string, document, weight uint32) {
	v.lengthen(document, weight)
	v.add(term, entry{document: document, weight: weight})
}
