package blevesearch

import (
	"math/bits"
	"slices"

	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/seed82d84382/commerce/search"
)

// Where a term stands in a document is written into the number that Bleve keeps as its
// frequency, because Bleve's own locations take six bytes each. The lowest bit says which of two forms
// it has, see the constants. Packed are, for each occurrence, the distance from the one before in groups of
// groupBits (the lowest first, and a bit that says whether another one follows), and then which of the schema's
// weights it has. A distance is never 0, so what is left is 0 after the last one.
const (
	formPacked    = 0
	formLocations = 1 // the weighted frequency; positions are Bleve's locations, weights their starts

	groupBits = 4
)

// occurrence is one place of a term in a document's text.
type occurrence struct {
	position int
	weight   int
}

// packing is how a schema's occurrences are packed.
type packing struct {
	weights []int // that fields have, each once
	bits    int   // that an index of weights takes
}

func newPacking(schema search.Schema) packing {
	var p packing
	for _, f := range schema.Fields {
		if f, _ := schema.Field(f.Name); f.Weight > 0 {
			p.weights = append(p.weights, f.Weight)
		}
	}
	slices.Sort(p.weights)
	p.weights = slices.Compact(p.weights)
	p.bits = bits.Len(uint(max(len(p.weights)-1, 0)))
	return p
}

// packedBits is the room in a frequency: Bleve's is an int, and it takes another bit of it in its files.
const packedBits = bits.UintSize - 2

// pack writes occurrences, which are in order of position; ok is false when they do not fit.
func (p packing) pack(occurrences []occurrence) (packed uint64, ok bool) {
	at := 1 // after formPacked
	write := func(value uint64, n int) {
		packed |= value << at
		at += n
	}
	last := 0
	for _, o := range occurrences {
		distance := uint64(o.position - last)
		last = o.position
		groups := (bits.Len64(distance) + groupBits - 1) / groupBits
		weight := slices.Index(p.weights, o.weight)
		if at+groups*(groupBits+1)+p.bits > packedBits || weight < 0 {
			return 0, false
		}
		for ; groups > 0; groups-- {
			write(distance&(1<<groupBits-1), groupBits)
			distance >>= groupBits
			write(uint64(min(distance, 1)), 1)
		}
		write(uint64(weight), p.bits)
	}
	return packed, true
}

// visit calls yield with each packed occurrence.
func (p packing) visit(packed uint64, yield func(occurrence)) {
	position := 0
	for packed >>= 1; packed != 0; {
		for shift := 0; ; shift += groupBits {
			position += int(packed&(1<<groupBits-1)) << shift
			more := packed >> groupBits & 1
			packed >>= groupBits + 1
			if more == 0 {
				break
			}
		}
		weight := 1
		if i := int(packed & (1<<p.bits - 1)); i < len(p.weights) {
			weight = p.weights[i]
		}
		packed >>= p.bits
		yield(occurrence{position, weight})
	}
}

// frequency is the sum of the weights of all occurrences.
func (p packing) frequency(written uint64) int {
	if written&1 == formLocations {
		return int(written >> 1)
	}
	sum := 0
	p.visit(written, func(o occurrence) { sum += o.weight })
	return sum
}

// occurrences appends those of a posting.
func (p packing) occurrences(to []occurrence, posting segment.Posting) []occurrence {
	if written := posting.Frequency(); written&1 == formPacked {
		p.visit(written, func(o occurrence) { to = append(to, o) })
		return to
	}
	for _, l := range posting.Locations() {
		to = append(to, occurrence{int(l.Pos()), int(l.Start())})
	}
	return to
}
