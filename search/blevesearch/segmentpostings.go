package blevesearch

import (
	"encoding/binary"
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	zap "github.com/blevesearch/zapx/v17"
)

// postings writes the documents with a term, and returns what the dictionary says of it: where they are or, when there is
// only one and nothing else to tell, which it is.
func (w *segmentWriter) postings(field int, term string, occurrences []entry) uint64 {
	w.numbers = w.numbers[:0]
	last := uint32(math.MaxUint32)
	for _, e := range occurrences {
		if e.document != last {
			last = e.document
			w.numbers = append(w.numbers, last)
		}
	}
	single := len(w.numbers) == 1
	if single {
		if fits, length := w.single(field, term, occurrences); fits {
			return zap.FSTValEncode1Hit(uint64(last), length)
		}
	}
	w.frequencies.reset(len(w.numbers), w.documents)
	w.locations.reset(len(w.numbers), w.documents)
	for len(occurrences) > 0 {
		document, n := occurrences[0].document, 1
		for n < len(occurrences) && occurrences[n].document == document {
			n++
		}
		w.posting(field, term, occurrences[:n])
		occurrences = occurrences[n:]
	}
	frequenciesAt, locationsAt := w.chunks(&w.frequencies), w.chunks(&w.locations)
	at := uint64(len(w.out))
	w.out = binary.AppendUvarint(w.out, frequenciesAt)
	w.out = binary.AppendUvarint(w.out, locationsAt)
	w.set()
	return at
}

// single says whether a term's only posting has the frequency 1, so that there is only a length to keep.
func (w *segmentWriter) single(field int, term string, occurrences []entry) (fits bool, length uint64) {
	switch kind := w.layout.fields[field].kind; {
	case kind == termField: // it has no frequency, but then it may have one
		return true, 1
	case kind == textField && term != liveTerm:
		frequency, length, _ := w.layout.packing.write(w.occurrences(occurrences), true)
		return frequency == 1, length
	}
	return len(occurrences) == 1 && (occurrences[0].weight == 1 || term == liveTerm), uint64(w.fields[field].lengths[occurrences[0].document])
}

// posting writes what is kept of a term in a document: its frequency, followed by a bit that says whether it has a location,
// and the length of the field.
func (w *segmentWriter) posting(field int, term string, occurrences []entry) {
	document := occurrences[0].document
	length := uint64(w.fields[field].lengths[document])
	switch kind := w.layout.fields[field].kind; {
	case kind == termField:
		w.frequencies.add(document, 0)
	case term == liveTerm:
		w.frequencies.add(document, 1<<1, length)
	case kind == countedField:
		sum := uint64(0)
		for _, e := range occurrences {
			sum += uint64(e.weight)
		}
		w.frequencies.add(document, sum<<1, length)
	default:
		frequency, length, more := w.layout.packing.write(w.occurrences(occurrences), false)
		if more == nil {
			w.frequencies.add(document, frequency<<1, length)
			return
		}
		w.frequencies.add(document, frequency<<1|1, length)
		w.located = w.located[:0]
		for _, n := range []int{field, 0, 0, 0, len(more)} { // a location's field, position, start, end, array positions
			w.located = binary.AppendUvarint(w.located, uint64(n))
		}
		for _, n := range more {
			w.located = binary.AppendUvarint(w.located, n)
		}
		w.locations.add(document, uint64(len(w.located)))
		w.locations.data = append(w.locations.data, w.located...)
	}
}

func (w *segmentWriter) occurrences(entries []entry) []occurrence {
	w.places = w.places[:0]
	for _, e := range entries {
		w.places = append(w.places, occurrence{int(e.position), int(e.weight)})
	}
	return w.places
}

// chunks are numbers of documents. A reader skips all of a chunk, which is for an interval of documents.
type chunks struct {
	size  int // documents in each
	total int
	data  []byte
	ends  []int // of those that are full
}

// reset makes as many as zap's readers expect for a term that is in found of all documents.
func (c *chunks) reset(found, documents int) {
	c.size = documents / (found/1024 + 1)
	c.total = (documents-1)/c.size + 1
	c.data, c.ends = c.data[:0], c.ends[:0]
}

func (c *chunks) add(document uint32, numbers ...uint64) {
	for len(c.ends) < int(document)/c.size {
		c.ends = append(c.ends, len(c.data))
	}
	for _, n := range numbers {
		c.data = binary.AppendUvarint(c.data, n)
	}
}

// chunks writes c and returns where it begins: 0 when there are no numbers.
func (w *segmentWriter) chunks(c *chunks) uint64 {
	if len(c.data) == 0 {
		return 0
	}
	at := uint64(len(w.out))
	for len(c.ends) < c.total {
		c.ends = append(c.ends, len(c.data))
	}
	w.out = binary.AppendUvarint(w.out, uint64(c.total))
	for _, end := range c.ends {
		w.out = binary.AppendUvarint(w.out, uint64(end))
	}
	w.out = append(w.out, c.data...)
	return at
}

// Of a set that is written as a list, see https://github.com/RoaringBitmap/RoaringFormatSpec.
const (
	listCookie = 12346 // of sets without runs
	listHeader = 16
	listMost   = 4096 // longer ones are bits
)

// set writes w.numbers as a Roaring bitmap, with its length before it.
func (w *segmentWriter) set() {
	first, last := w.numbers[0], w.numbers[len(w.numbers)-1]
	if len(w.numbers) > listMost || first>>16 != last>>16 {
		text, err := roaring.BitmapOf(w.numbers...).ToBytes()
		if err != nil {
			panic(err) // it goes to memory
		}
		w.out = binary.AppendUvarint(w.out, uint64(len(text)))
		w.out = append(w.out, text...)
		return
	}
	w.out = binary.AppendUvarint(w.out, uint64(listHeader+2*len(w.numbers)))
	for _, n := range []uint32{listCookie, 1, first>>16 | uint32(len(w.numbers)-1)<<16, listHeader} { // containers: one; its key and size; where it is
		w.out = binary.LittleEndian.AppendUint32(w.out, n)
	}
	for _, n := range w.numbers {
		w.out = binary.LittleEndian.AppendUint16(w.out, uint16(n))
	}
}
