package blevesearch

import (
	"math/bits"
	"slices"

	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/seed82d84382/commerce/search"
)

// Where a term stands in a document is written into the two numbers that Bleve keeps of both, as its frequency and as
// the length of the field, because Bleve's own locations take six bytes each. (The length is kept once for a
// document, with liveTerm.) Packed are, for each occurrence, the distance from the one before in groups of
// groupBits (the lowest first, and a bit that says whether another one follows), and then its class. A distance
// is never 0, so what is left is 0 after the last one.
//
// The frequency says how the numbers are to be read. When it is even, the length has the lowest lengthBits, and the
// frequency twice the others and 2.
const (
	formLength    = 1 // all is in the length: such a posting, when it is the only one, fits into Bleve's dictionary
	formLocations = 3 // it was too much: the occurrences are in the array positions of a location of Bleve's

	groupBits  = 4
	lengthBits = 7  // one byte in Bleve's files
	mostLength = 30 // bits; Bleve takes the length for those of a float32, and these are numbers
)

// occurrence is one place of a term in a document's text.
type occurrence struct {
	position int
	class    int
}

// class is what the places in a field have in common.
type class struct {
	weight int
	own    int // the field, when it is also scored by itself: an index of packing.own, or -1
}

// packing is how a schema's occurrences are packed.
type packing struct {
	classes []class
	bits    int      // that an index of classes takes
	own     []string // the engine fields of the fields that are also scored by themselves. They have only lengths
}

func newPacking(schema search.Schema) packing {
	var p packing
	add := func(c class) {
		if !slices.Contains(p.classes, c) {
			p.classes = append(p.classes, c)
		}
	}
	own := schema.OwnFields()
	for _, f := range schema.Fields {
		f, _ := schema.Field(f.Name)
		i := slices.Index(own, f.Name)
		if i >= 0 {
			p.own = append(p.own, search.FieldOwn+f.Name)
		}
		if f.Weight > 0 {
			add(class{f.Weight, i})
		}
	}
	p.bits = bits.Len(uint(max(len(p.classes)-1, 0)))
	return p
}

// class returns the one of a run, or -1 when the schema has no such field.
func (p packing) class(run search.TextRun) int {
	return slices.Index(p.classes, class{run.Weight, slices.Index(p.own, run.Field)})
}

// pack writes occurrences, which are in order of position; ok is false when they do not fit.
func (p packing) pack(occurrences []occurrence) (packed uint64, ok bool) {
	at := 0
	write := func(value uint64, n int) {
		packed |= value << at
		at += n
	}
	last := 0
	for _, o := range occurrences {
		distance := uint64(o.position - last)
		last = o.position
		groups := (bits.Len64(distance) + groupBits - 1) / groupBits
		if at+groups*(groupBits+1)+p.bits > 64 {
			return 0, false
		}
		for ; groups > 0; groups-- {
			write(distance&(1<<groupBits-1), groupBits)
			distance >>= groupBits
			write(min(distance, 1), 1)
		}
		write(uint64(o.class), p.bits)
	}
	return packed, true
}

// unpack appends packed occurrences.
func (p packing) unpack(to []occurrence, packed uint64) []occurrence {
	position := 0
	for packed != 0 {
		for shift := 0; ; shift += groupBits {
			position += int(packed&(1<<groupBits-1)) << shift
			more := packed >> groupBits & 1
			packed >>= groupBits + 1
			if more == 0 {
				break
			}
		}
		to = append(to, occurrence{position, p.known(packed & (1<<p.bits - 1))})
		packed >>= p.bits
	}
	return to
}

// known makes the class of a damaged file one that there is.
func (p packing) known(class uint64) int { return int(min(class, uint64(len(p.classes)-1))) }

// write returns the numbers for occurrences. With formLocations there are more, for array positions.
func (p packing) write(occurrences []occurrence, single bool) (frequency, length uint64, more []uint64) {
	packed, ok := p.pack(occurrences)
	switch {
	case !ok:
		last := 0
		for _, o := range occurrences {
			more = append(more, uint64(o.position-last)<<p.bits|uint64(o.class))
			last = o.position
		}
		return formLocations, 1, more
	case single && packed < 1<<mostLength:
		return formLength, packed, nil
	}
	return (packed>>lengthBits + 1) << 1, packed & (1<<lengthBits - 1), nil
}

// read appends the occurrences of a posting, which was read with locations.
func (p packing) read(to []occurrence, posting segment.Posting) []occurrence {
	switch frequency := posting.Frequency(); {
	case frequency == formLength:
		return p.unpack(to, exactLength(posting))
	case frequency&1 == 0:
		return p.unpack(to, (frequency>>1-1)<<lengthBits|exactLength(posting))
	}
	for _, l := range posting.Locations() {
		position := 0
		for _, n := range l.ArrayPositions() {
			position += int(n >> p.bits)
			to = append(to, occurrence{position, p.known(n & (1<<p.bits - 1))})
		}
	}
	return to
}

// weight is that of all occurrences.
func (p packing) weight(occurrences []occurrence) (sum int) {
	for _, o := range occurrences {
		sum += p.classes[o.class].weight
	}
	return sum
}

// in returns how many occurrences are in a field that is also scored by itself.
func (p packing) in(own int, occurrences []occurrence) (n int) {
	for _, o := range occurrences {
		if p.classes[o.class].own == own {
			n++
		}
	}
	return n
}
