package jpegscale

import "encoding/binary"

// fastBits is how many bits one look into a table decides; nearly all codes are shorter.
const fastBits = 10

// huffman is a table of codes of up to 16 bits (T.81 annex C).
type huffman struct {
	ready bool
	fast  [1 << fastBits]uint16 // by the next bits: value<<8 | length, or 0 for longer codes
	// Of each length: the first code behind those of this length, left-aligned in 16 bits, and what to add to a code for its index.
	limit  [17]int32
	offset [17]int32
	values [256]byte
}

func (d *decoder) huffmanTables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return errDamaged
		}
		class, at := body[0]>>4, body[0]&15
		if class > 1 || at > 3 {
			return errDamaged
		}
		total := 0
		for _, count := range body[1:17] {
			total += int(count)
		}
		if total == 0 || total > 256 || len(body) < 17+total {
			return errDamaged
		}
		if !d.huff[class][at].build(body[1:17], body[17:17+total]) {
			return errDamaged
		}
		body = body[17+total:]
	}
	return nil
}

func (h *huffman) build(counts, values []byte) bool {
	*h = huffman{ready: true}
	copy(h.values[:], values)
	code, index := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		h.offset[length] = index - code
		for range counts[length-1] {
			if code >= 1<<length {
				return false
			}
			if length <= fastBits {
				entry := uint16(h.values[index])<<8 | uint16(length)
				first := code << (fastBits - length)
				for i := range int32(1) << (fastBits - length) {
					h.fast[first+i] = entry
				}
			}
			code++
			index++
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	return true
}

// reader takes bits out of a scan, whose bytes 0xFF are followed by a zero.
type reader struct {
	bits  uint64 // the lower count of them are to be read
	count int
	over  bool // more bits were asked for than there are
}

// fill makes sure of 32 bits, as far as the scan has them.
func (d *decoder) fill() {
	if d.pos+4 <= len(d.data) {
		next := binary.BigEndian.Uint32(d.data[d.pos:])
		if inverted := ^next; (inverted-0x01010101)&^inverted&0x80808080 == 0 { // no byte is 0xFF
			d.bits = d.bits<<32 | uint64(next)
			d.count += 32
			d.pos += 4
			return
		}
	}
	for d.count <= 48 && d.pos < len(d.data) {
		b := d.data[d.pos]
		if b == 0xFF {
			if d.pos+1 >= len(d.data) || d.data[d.pos+1] != 0 {
				return // a marker
			}
			d.pos++
		}
		d.pos++
		d.bits = d.bits<<8 | uint64(b)
		d.count += 8
	}
}

// symbol decodes a code. It leaves at least 16 bits behind it to be read at once, if the scan has them.
func (d *decoder) symbol(h *huffman) byte {
	if d.count < 32 {
		d.fill()
	}
	var next uint32 // 16 bits, zeros behind the end
	if d.count >= 16 {
		next = uint32(d.bits>>(d.count-16)) & 0xFFFF
	} else {
		next = uint32(d.bits<<(16-d.count)) & 0xFFFF
	}
	if entry := h.fast[next>>(16-fastBits)]; entry != 0 {
		d.drop(int(entry & 0xFF))
		return byte(entry >> 8)
	}
	for length := fastBits + 1; length <= 16; length++ {
		if int32(next) < h.limit[length] {
			d.drop(length)
			return h.values[(int32(next>>(16-length))+h.offset[length])&0xFF]
		}
	}
	d.over = true // not a code
	return 0
}

// drop takes bits away that symbol or take have looked at.
func (d *decoder) drop(n int) {
	d.count -= n
	if d.count < 0 {
		d.count, d.over = 0, true
	}
}

// take reads n bits, 0 to 16.
func (d *decoder) take(n int) int32 {
	if d.count < n {
		d.fill()
		if d.count < n {
			d.count, d.over = 0, true
			return 0
		}
	}
	d.count -= n
	return int32(d.bits>>d.count) & (1<<n - 1)
}

// signed reads n bits as a number in the form of T.81 F.2.2.1.
func (d *decoder) signed(n int) int32 {
	if n == 0 {
		return 0
	}
	v := d.take(n)
	if v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}
