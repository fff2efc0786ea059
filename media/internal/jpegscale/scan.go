package jpegscale

// wanted is, for n×n pixels a block, the last coefficient in zigzag order that counts.
var wanted = map[int]int{1: 0, 2: 4, 4: 24}

// scan is one pass over some components (T.81 B.2.3).
type scan struct {
	comps     []*component
	from, to  int // coefficients, in zigzag order
	high, low int // successive approximation: the bit before, and the bit now
	skipped   int32
}

func (d *decoder) scan(body []byte) error {
	s, err := d.header(body)
	if err != nil {
		return err
	}
	d.scanned = true
	// Of the others none can be left out: how a later scan is to be read depends on all coefficients.
	if d.progressive && s.from > 0 && s.comps[0].kept == 1 {
		return nil // marker passes over it
	}
	d.reader = reader{}
	for _, c := range s.comps {
		c.dc = 0
	}
	if len(s.comps) == 1 {
		c := s.comps[0]
		return d.walk(s, c.ownWide, c.ownHigh, func(x, y int) { d.block(s, c, x, y) })
	}
	return d.walk(s, d.mcusX, d.mcusY, func(x, y int) {
		for _, c := range s.comps {
			for v := range int(c.v) {
				for h := range int(c.h) {
					d.block(s, c, x*int(c.h)+h, y*int(c.v)+v)
				}
			}
		}
	})
}

// walk goes over the units of a scan, with its restarts.
func (d *decoder) walk(s *scan, wide, high int, unit func(x, y int)) error {
	left := d.interval
	for y := range high {
		for x := range wide {
			if d.interval > 0 && left == 0 {
				if !d.restart(s) {
					return errDamaged
				}
				left = d.interval
			}
			left--
			unit(x, y)
		}
		if d.over {
			return errDamaged
		}
	}
	return nil
}

// restart begins anew behind a restart marker.
func (d *decoder) restart(s *scan) bool {
	marker, ok := d.marker()
	if !ok || marker < rst0 || marker > rst7 || d.over {
		return false
	}
	d.reader = reader{}
	s.skipped = 0
	for _, c := range s.comps {
		c.dc = 0
	}
	return true
}

func (d *decoder) header(body []byte) (*scan, error) {
	if d.comps == nil || len(body) < 1 {
		return nil, errDamaged
	}
	count := int(body[0])
	if count < 1 || count > len(d.comps) || len(body) != 4+2*count {
		return nil, errDamaged
	}
	if len(d.comps) == 3 && d.isRGB() {
		return nil, ErrUnsupported
	}
	s := &scan{}
	for i := range count {
		c := d.component(body[1+2*i])
		if c == nil || !d.haveQuant[c.tq] {
			return nil, errDamaged
		}
		for _, other := range s.comps {
			if other == c {
				return nil, errDamaged
			}
		}
		c.td, c.ta = body[2+2*i]>>4, body[2+2*i]&15
		if c.td > 3 || c.ta > 3 {
			return nil, errDamaged
		}
		s.comps = append(s.comps, c)
	}
	rest := body[1+2*count:]
	s.from, s.to, s.high, s.low = int(rest[0]), int(rest[1]), int(rest[2]>>4), int(rest[2]&15)
	if !d.progressive {
		s.from, s.to, s.high, s.low = 0, 63, 0, 0
	}
	if s.to > 63 || s.from > s.to || s.from == 0 && s.to != 0 && d.progressive || s.from > 0 && count > 1 || s.low > 13 || s.high != 0 && s.high != s.low+1 {
		return nil, errDamaged
	}
	for _, c := range s.comps {
		if s.from == 0 && s.high == 0 && !d.huff[0][c.td].ready || s.to > 0 && !d.huff[1][c.ta].ready {
			return nil, errDamaged
		}
	}
	return s, nil
}

func (d *decoder) component(id byte) *component {
	for i := range d.comps {
		if d.comps[i].id == id {
			return &d.comps[i]
		}
	}
	return nil
}

// block decodes the part of one block that is in the scan.
func (d *decoder) block(s *scan, c *component, x, y int) {
	if !d.progressive {
		d.sequential(c, x, y)
		return
	}
	coefficients := c.coefficients[(y*c.wide+x)*c.kept:][:c.kept]
	switch {
	case s.from == 0 && s.high == 0:
		c.dc += d.signed(int(d.symbol(&d.huff[0][c.td]) & 15))
		coefficients[0] = int16(c.dc << s.low)
	case s.from == 0:
		coefficients[0] |= int16(d.take(1) << s.low)
	case s.high == 0:
		d.first(s, &d.huff[1][c.ta], coefficients)
	default:
		d.refine(s, &d.huff[1][c.ta], coefficients)
	}
}

// sequential decodes a whole block and makes its pixels.
func (d *decoder) sequential(c *component, x, y int) {
	c.dc += d.signed(int(d.symbol(&d.huff[0][c.td]) & 15))
	quant, table := &d.quant[c.tq], &d.huff[1][c.ta]
	to := c.pix[y*c.n*c.stride+x*c.n:]
	if c.n == 1 {
		d.skip(table)
		to[0] = average(c.dc, quant[0])
		return
	}
	var block [25]int32
	block[0] = c.dc * quant[0]
	last := wanted[c.n]
	for k := 1; k < 64; k++ {
		symbol := d.symbol(table)
		size := int(symbol & 15)
		if size == 0 {
			if symbol != 0xF0 {
				break
			}
			k += 15
			continue
		}
		k += int(symbol >> 4)
		value := d.signed(size)
		if k <= last {
			block[k] = value * quant[k]
		}
	}
	transform(c.n, &block, to, c.stride)
}

// skip passes over the coefficients of a block whose average is all that is wanted.
func (d *decoder) skip(table *huffman) {
	for k := 1; k < 64; k++ {
		symbol := d.symbol(table)
		size := int(symbol & 15)
		if size == 0 {
			if symbol != 0xF0 {
				return
			}
			k += 15
			continue
		}
		k += int(symbol >> 4)
		d.drop(size)
	}
}

// first decodes the first bits of coefficients (T.81 G.1.2.2).
func (d *decoder) first(s *scan, table *huffman, coefficients []int16) {
	if s.skipped > 0 {
		s.skipped--
		return
	}
	for k := s.from; k <= s.to && !d.over; k++ {
		symbol := d.symbol(table)
		run, size := int(symbol>>4), int(symbol&15)
		if size == 0 {
			if run < 15 {
				s.skipped = 1<<run - 1 + d.take(run)
				return
			}
			k += 15
			continue
		}
		k += run
		value := d.signed(size)
		if k < len(coefficients) {
			coefficients[k] = int16(value << s.low)
		}
	}
}

// refine adds a bit to coefficients (T.81 G.1.2.3).
func (d *decoder) refine(s *scan, table *huffman, coefficients []int16) {
	k := s.from
	for s.skipped == 0 && k <= s.to && !d.over {
		symbol := d.symbol(table)
		run, size := int(symbol>>4), int(symbol&15)
		value := int16(0)
		if size > 0 {
			value = -1 << s.low
			if d.take(1) == 1 {
				value = 1 << s.low
			}
		} else if run < 15 {
			s.skipped = 1<<run + d.take(run)
			break
		}
		k = d.refineUntil(s, coefficients, k, run)
		if k <= s.to && value != 0 {
			coefficients[k] = value
		}
		k++
	}
	if s.skipped > 0 {
		d.refineUntil(s, coefficients, k, 64)
		s.skipped--
	}
}

// refineUntil adds a bit to those coefficients that are not zero, and passes over zeros of the others. It returns where the next zero is.
func (d *decoder) refineUntil(s *scan, coefficients []int16, k, zeros int) int {
	for ; k <= s.to; k++ {
		switch c := coefficients[k]; {
		case c == 0:
			if zeros == 0 {
				return k
			}
			zeros--
		case d.take(1) == 0:
		case c > 0:
			coefficients[k] += 1 << s.low
		default:
			coefficients[k] -= 1 << s.low
		}
	}
	return k
}

// reconstruct makes the pixels of a progressive component.
func (d *decoder) reconstruct(c *component) {
	quant := &d.quant[c.tq]
	last := wanted[c.n]
	for y := range c.high {
		for x := range c.wide {
			coefficients := c.coefficients[(y*c.wide+x)*c.kept:][:c.kept]
			to := c.pix[y*c.n*c.stride+x*c.n:]
			if c.n == 1 {
				to[0] = average(int32(coefficients[0]), quant[0])
				continue
			}
			var block [25]int32
			for k := 0; k <= last; k++ {
				block[k] = int32(coefficients[k]) * quant[k]
			}
			transform(c.n, &block, to, c.stride)
		}
	}
	c.coefficients = nil
}
