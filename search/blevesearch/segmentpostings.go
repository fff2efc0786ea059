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
	kind, lengths := w.layout.fields[field].kind, w.fields[field].lengths
	w.numbers = w.numbers[:0]
	last := uint32(math.MaxUint32)
	for _, e := range occurrences {
		if e.document != last {
			last = e.document
			w.numbers = append(w.numbers, last)
		}
	}
	if len(w.numbers) == 1 {
		if kind == termField {
			return zap.FSTValEncode1Hit(uint64(last), 1)
		}
		if kind == countedField && len(occurrences) == 1 && occurrences[0].weight == 1 {
			return zap.FSTValEncode1Hit(uint64(last), uint64(lengths[last]))
		}
	}
	w.frequencies.reset(len(w.numbers), w.documents)
	w.locations.reset(len(w.numbers), w.documents)
	for len(occurrences) > 0 {
		document, n := occurrences[0].document, 1
		for n < len(occurrences) && occurrences[n].document == document {
			n++
		}
		if kind == termField {
			w.frequencies.add(document, 0)
		} else {
			w.frequencies.add(document, w.frequency(field, term, occurrences[:n]), uint64(lengths[document]))
		}
		occurrences = occurrences[n:]
	}
	frequenciesAt, locationsAt := w.chunks(&w.frequencies), w.chunks(&w.locations)
	at := uint64(len(w.out))
	w.out = binary.AppendUvarint(w.out, frequenciesAt)
	w.out = binary.AppendUvarint(w.out, locationsAt)
	w.set()
	return at
}

// frequency returns that of a term in a document, followed by a bit that says whether it has locations.
func (w *segmentWriter) frequency(field int, term string, occurrences []entry) uint64 {
	sum := uint64(0)
	w.places = w.places[:0]
	for _, e := range occurrences {
		sum += uint64(e.weight)
		w.places = append(w.places, occurrence{int(e.position), int(e.weight)})
	}
	if w.layout.fields[field].kind == countedField {
		return sum << 1
	}
	if term == liveTerm {
		return 1 << 1
	}
	if packed, ok := w.layout.packing.pack(w.places); ok {
		return packed << 1
	}
	w.located = w.located[:0]
	for _, o := range w.places {
		for _, n := range []int{field, o.position, o.weight, 0, 0} { // the weight stands for the start, then the end, and array positions
			w.located = binary.AppendUvarint(w.located, uint64(n))
		}
	}
	w.locations.add(occurrences[0].document, uint64(len(w.located)))
	w.locations.data = append(w.locations.data, w.located...)
	return (sum<<1|formLocations)<<1 | 1
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
