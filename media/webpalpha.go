package media

import (
	"math/bits"
	"slices"
)

// The transparency of a WebP is an image of one channel without loss (RFC 9649, sections 2.7.1.2 and 3). What is written here is a small part of
// that format: no transforms, no colour cache, one set of prefix codes, and only two places to copy from, the pixel to the left and the one above.
// Masks of products, large even areas with a soft edge, get small by that alone.

const (
	vp8lLengths   = 24                // prefix codes of lengths
	vp8lGreen     = 256 + vp8lLengths // symbols of the first alphabet: values, then lengths
	vp8lDistances = 40
	vp8lMaxCopy   = 4096
	vp8lMinCopy   = 3
	vp8lMaxBits   = 15 // of a prefix code
	vp8lAbove     = 0  // distance symbols: codes 1 and 2 of the neighbourhood
	vp8lLeft      = 1
)

// alphaChunk encodes a plane of transparency as the body of an ALPH chunk.
func alphaChunk(alpha []byte, width int) []byte {
	const losslessUnfiltered = 1
	var green [vp8lGreen]int
	var distance [vp8lDistances]int
	walkAlpha(alpha, width, func(symbol, from, _ int) {
		green[symbol]++
		if symbol >= 256 {
			distance[from]++
		}
	})
	w := bitWriter{out: []byte{losslessUnfiltered}}
	w.bits(0, 3) // no transform, no colour cache, one set of codes for the whole image
	greenCode := w.prefixCode(green[:])
	for range 3 { // red, blue and alpha are nothing but zeros
		w.prefixCode([]int{1})
	}
	distanceCode := w.prefixCode(distance[:])
	walkAlpha(alpha, width, func(symbol, from, length int) {
		w.code(greenCode[symbol])
		if symbol >= 256 {
			_, extra, n := vp8lPrefix(length)
			w.bits(extra, n)
			w.code(distanceCode[from])
		}
	})
	return w.end()
}

// walkAlpha visits a plane as values and copies: for a copy symbol is its length's, and from where it is copied.
func walkAlpha(alpha []byte, width int, visit func(symbol, from, length int)) {
	for at := 0; at < len(alpha); {
		above, left := matching(alpha, at, width), matching(alpha, at, 1)
		length, from := above, vp8lAbove
		if left > above {
			length, from = left, vp8lLeft
		}
		if length < vp8lMinCopy {
			visit(int(alpha[at]), 0, 1)
			at++
			continue
		}
		symbol, _, _ := vp8lPrefix(length)
		visit(256+symbol, from, length)
		at += length
	}
}

// matching counts how many values are the same as those a distance before.
func matching(b []byte, at, distance int) int {
	n := 0
	for at >= distance && n < vp8lMaxCopy && at+n < len(b) && b[at+n] == b[at+n-distance] {
		n++
	}
	return n
}

// vp8lPrefix writes a length as a symbol and bits behind it (RFC 9649, section 5.2.2).
func vp8lPrefix(length int) (symbol, extra, count int) {
	d := length - 1
	if d < 4 {
		return d, 0, 0
	}
	high := bits.Len(uint(d)) - 1
	return 2*high + d>>(high-1)&1, d & (1<<(high-1) - 1), high - 1
}

// prefixCode is a code word, its first bit lowest, and how many bits it has.
type prefixCode struct{ word, bits int }

// bitWriter collects bits, the first one lowest.
type bitWriter struct {
	out  []byte
	held uint64
	n    int
}

func (w *bitWriter) bits(value, count int) {
	w.held |= uint64(value) << w.n
	for w.n += count; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.held))
		w.held >>= 8
	}
}

func (w *bitWriter) code(c prefixCode) { w.bits(c.word, c.bits) }

func (w *bitWriter) end() []byte {
	w.bits(0, (8-w.n)%8)
	return w.out
}

// codeLengthOrder is the order in which the lengths of the codes for code lengths are written (section 6.2.1.2).
var codeLengthOrder = [...]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// prefixCode writes the prefix code for symbols that occur so often, and returns it by symbol.
func (w *bitWriter) prefixCode(counts []int) []prefixCode {
	used, last := 0, 0
	for symbol, n := range counts {
		if n > 0 {
			used, last = used+1, symbol
		}
	}
	if used < 2 && last < 256 {
		w.bits(0b101, 3) // simple, one symbol, of 8 bits
		w.bits(last, 8)
		return make([]prefixCode, len(counts)) // nothing is written for it
	}
	lengths := codeLengths(counts, vp8lMaxBits)
	type step struct{ symbol, extra, count int }
	var steps []step
	var stepCounts [len(codeLengthOrder)]int
	for i := 0; i < len(lengths); {
		s, zeros := step{symbol: lengths[i]}, 0
		for i+zeros < len(lengths) && lengths[i+zeros] == 0 && zeros < 138 {
			zeros++
		}
		switch {
		case zeros >= 11:
			s = step{18, zeros - 11, 7}
		case zeros >= 3:
			s = step{17, zeros - 3, 3}
		default:
			zeros = 1
		}
		i += zeros
		steps = append(steps, s)
		stepCounts[s.symbol]++
	}
	stepLengths := codeLengths(stepCounts[:], 7)
	w.bits(0, 1)
	w.bits(len(codeLengthOrder)-4, 4)
	for _, symbol := range codeLengthOrder {
		w.bits(stepLengths[symbol], 3)
	}
	w.bits(0, 1) // lengths of all symbols follow
	stepCodes := canonical(stepLengths)
	for _, s := range steps {
		w.code(stepCodes[s.symbol])
		w.bits(s.extra, s.count)
	}
	return canonical(lengths)
}

// codeLengths returns the lengths of Huffman's code, none over most. Rare symbols are taken for more frequent until that fits.
func codeLengths(counts []int, most int) []int {
	type node struct{ weight, symbol, left, right int }
	for least := 1; ; least *= 2 {
		var nodes []node
		for symbol, n := range counts {
			if n > 0 {
				nodes = append(nodes, node{max(n, least), symbol, -1, -1})
			}
		}
		slices.SortStableFunc(nodes, func(a, b node) int { return a.weight - b.weight })
		leaves := len(nodes)
		leaf, inner := 0, leaves
		lightest := func() int { // both the leaves and what is made of them come by weight
			if leaf < leaves && (inner == len(nodes) || nodes[leaf].weight <= nodes[inner].weight) {
				leaf++
				return leaf - 1
			}
			inner++
			return inner - 1
		}
		for range leaves - 1 {
			a, b := lightest(), lightest()
			nodes = append(nodes, node{nodes[a].weight + nodes[b].weight, -1, a, b})
		}
		lengths, deepest := make([]int, len(counts)), 0
		depth := make([]int, len(nodes))
		for i := len(nodes) - 1; i >= 0; i-- {
			if n := nodes[i]; n.left >= 0 {
				depth[n.left], depth[n.right] = depth[i]+1, depth[i]+1
			} else {
				lengths[n.symbol], deepest = depth[i], max(deepest, depth[i])
			}
		}
		if deepest <= most {
			return lengths
		}
	}
}

// canonical numbers the code words of given lengths: by length, then by symbol.
func canonical(lengths []int) []prefixCode {
	codes := make([]prefixCode, len(lengths))
	next := 0
	for length := 1; length <= vp8lMaxBits; length++ {
		for symbol, n := range lengths {
			if n == length {
				codes[symbol] = prefixCode{int(bits.Reverse16(uint16(next)) >> (16 - length)), length} //nolint:gosec // a word has at most 15 bits
				next++
			}
		}
		next <<= 1
	}
	return codes
}
