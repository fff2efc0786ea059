// Package jpegscale decodes JPEG images at an eighth, a quarter or half of their size, in a fraction of the time that decoding them whole
// takes: of each block of 8×8 only the lowest frequencies are transformed, by an inverse DCT of 1×1, 2×2 or 4×4 points.
//
// The format is that of ITU-T T.81: sequential and progressive, Huffman coded, of 8 bits, grey or YCbCr. The rest (CMYK, RGB,
// arithmetic, lossless) is ErrUnsupported, which the standard decoder may know.
package jpegscale

import (
	"encoding/binary"
	"errors"
	"image"
)

// ErrUnsupported: the image is of a kind that this package leaves to others.
var ErrUnsupported = errors.New("jpegscale: unsupported kind of JPEG")

var errDamaged = errors.New("jpegscale: damaged image")

// Decode decodes a whole JPEG file at n/8 of its size, rounded up; n is 1, 2 or 4. The image returned is an *image.YCbCr or an
// *image.Gray. It takes memory for the pixels returned and, if the image is progressive and more than its averages are needed, for two bytes
// a coefficient of the whole. The caller has checked the dimensions.
func Decode(data []byte, n int) (image.Image, error) {
	if n != 1 && n != 2 && n != 4 {
		return nil, ErrUnsupported
	}
	d := &decoder{data: data, n: n}
	return d.decode()
}

const (
	sof0 = 0xC0 // baseline
	sof1 = 0xC1 // extended sequential
	sof2 = 0xC2 // progressive
	dht  = 0xC4
	rst0 = 0xD0
	rst7 = 0xD7
	soi  = 0xD8
	eoi  = 0xD9
	sos  = 0xDA
	dqt  = 0xDB
	dri  = 0xDD
	app0 = 0xE0
	appE = 0xEE
	appF = 0xEF
	com  = 0xFE
)

type component struct {
	id, h, v, tq byte
	n            int // its blocks become n×n pixels
	wide, high   int // blocks, padded to whole MCUs
	ownWide      int // blocks in a scan of this component alone
	ownHigh      int
	stride       int
	pix          []byte
	kept         int     // of a progressive image: coefficients stored a block, 1 or 64
	coefficients []int16 // in zigzag order
	dc           int32
	td, ta       byte // tables of the running scan
}

type decoder struct {
	data []byte
	pos  int
	n    int

	width, height int
	mcusX, mcusY  int
	comps         []component
	progressive   bool
	adobe         bool
	transform     byte
	quant         [4][64]int32 // in zigzag order
	haveQuant     [4]bool
	huff          [2][4]huffman
	interval      int // MCUs between restarts
	scanned       bool

	reader
}

func (d *decoder) decode() (image.Image, error) {
	if len(d.data) < 4 || d.data[0] != 0xFF || d.data[1] != soi {
		return nil, errDamaged
	}
	d.pos = 2
	for {
		marker, ok := d.marker()
		if !ok {
			return nil, errDamaged
		}
		if marker == eoi {
			break
		}
		if marker >= rst0 && marker <= rst7 { // of a scan that is left out
			continue
		}
		if marker == soi || marker == 0x01 {
			return nil, errDamaged
		}
		if d.pos+2 > len(d.data) {
			return nil, errDamaged
		}
		length := int(binary.BigEndian.Uint16(d.data[d.pos:]))
		if length < 2 || d.pos+length > len(d.data) {
			return nil, errDamaged
		}
		body := d.data[d.pos+2 : d.pos+length]
		d.pos += length
		if err := d.segment(marker, body); err != nil {
			return nil, err
		}
	}
	if !d.scanned {
		return nil, errDamaged
	}
	if d.progressive {
		for i := range d.comps {
			d.reconstruct(&d.comps[i])
		}
	}
	return d.image(), nil
}

// marker finds the next marker, passing over what a scan has left.
func (d *decoder) marker() (byte, bool) {
	for ; d.pos+1 < len(d.data); d.pos++ {
		if d.data[d.pos] == 0xFF && d.data[d.pos+1] != 0 && d.data[d.pos+1] != 0xFF {
			d.pos += 2
			return d.data[d.pos-1], true
		}
	}
	return 0, false
}

func (d *decoder) segment(marker byte, body []byte) error {
	switch marker {
	case sof0, sof1, sof2:
		d.progressive = marker == sof2
		return d.frame(body)
	case dht:
		return d.huffmanTables(body)
	case dqt:
		return d.quantTables(body)
	case dri:
		if len(body) != 2 {
			return errDamaged
		}
		d.interval = int(binary.BigEndian.Uint16(body))
	case sos:
		return d.scan(body)
	case appE:
		if len(body) >= 12 && string(body[:5]) == "Adobe" {
			d.adobe, d.transform = true, body[11]
		}
	case com:
	default:
		if marker >= app0 && marker <= appF {
			return nil
		}
		if marker > sof2 && marker < 0xD0 || marker < sof0 { // another coding
			return ErrUnsupported
		}
	}
	return nil
}

func (d *decoder) quantTables(body []byte) error {
	for len(body) > 0 {
		wide, at := body[0]>>4, body[0]&15
		size := 64 << wide
		if wide > 1 || at > 3 || len(body) < 1+size {
			return errDamaged
		}
		for i := range 64 {
			if wide == 0 {
				d.quant[at][i] = int32(body[1+i])
			} else {
				d.quant[at][i] = int32(binary.BigEndian.Uint16(body[1+2*i:]))
			}
		}
		d.haveQuant[at] = true
		body = body[1+size:]
	}
	return nil
}

// frame reads the header of the frame (T.81 B.2.2) and takes memory for the pixels.
func (d *decoder) frame(body []byte) error {
	if d.comps != nil || len(body) < 6 {
		return errDamaged
	}
	if body[0] != 8 {
		return ErrUnsupported
	}
	d.height, d.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	count := int(body[5])
	if count != 1 && count != 3 || d.height == 0 { // the height may follow in a DNL segment
		return ErrUnsupported
	}
	if len(body) != 6+3*count || d.width == 0 {
		return errDamaged
	}
	d.comps = make([]component, count)
	for i := range d.comps {
		c := body[6+3*i:]
		d.comps[i] = component{id: c[0], h: c[1] >> 4, v: c[1] & 15, tq: c[2], n: d.n}
		if c := &d.comps[i]; c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.h == 3 || c.v == 3 || c.tq > 3 {
			return errDamaged
		}
	}
	if err := d.layout(); err != nil {
		return err
	}
	for i := range d.comps {
		c := &d.comps[i]
		c.stride = c.wide * c.n
		c.pix = make([]byte, c.stride*c.high*c.n)
		if d.progressive {
			c.kept = 64
			if c.n == 1 {
				c.kept = 1
			}
			c.coefficients = make([]int16, c.wide*c.high*c.kept)
		}
	}
	return nil
}

// layout decides how many pixels the blocks of each component become. Those of chroma that is sampled at half the size
// become twice as many each way if they can, so that nothing is to be enlarged; where it was half the size only one way, image averages the other.
func (d *decoder) layout() error {
	first := &d.comps[0]
	if len(d.comps) == 1 {
		first.h, first.v = 1, 1 // T.81 A.2.2: a single component is never interleaved
	} else {
		blue, red := &d.comps[1], &d.comps[2]
		if blue.h != red.h || blue.v != red.v || first.h%blue.h != 0 || first.v%blue.v != 0 {
			return ErrUnsupported
		}
		across, down := int(first.h/blue.h), int(first.v/blue.v)
		if across <= 2 && down <= 2 && across*down > 1 && d.n < 4 {
			blue.n, red.n = 2*d.n, 2*d.n
			across, down = 1, 1
		}
		if _, ok := ratios[[2]int{across, down}]; !ok {
			return ErrUnsupported
		}
	}
	d.mcusX = (d.width + 8*int(first.h) - 1) / (8 * int(first.h))
	d.mcusY = (d.height + 8*int(first.v) - 1) / (8 * int(first.v))
	for i := range d.comps {
		c := &d.comps[i]
		c.wide, c.high = d.mcusX*int(c.h), d.mcusY*int(c.v)
		c.ownWide = (d.width*int(c.h) + 8*int(first.h) - 1) / (8 * int(first.h))
		c.ownHigh = (d.height*int(c.v) + 8*int(first.v) - 1) / (8 * int(first.v))
	}
	return nil
}

// ratios are the ways in which an image.YCbCr can be sampled, by luma pixels to one of chroma.
var ratios = map[[2]int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {2, 1}: image.YCbCrSubsampleRatio422, {2, 2}: image.YCbCrSubsampleRatio420,
	{1, 2}: image.YCbCrSubsampleRatio440, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
}

// image puts the components together.
func (d *decoder) image() image.Image {
	bounds := image.Rect(0, 0, (d.width*d.n+7)/8, (d.height*d.n+7)/8)
	first := &d.comps[0]
	if len(d.comps) == 1 {
		return &image.Gray{Pix: first.pix, Stride: first.stride, Rect: bounds}
	}
	blue, red := &d.comps[1], &d.comps[2]
	for _, c := range []*component{blue, red} {
		if c.stride > first.stride {
			c.halveAcross()
		}
		if c.high*c.n > first.high*first.n {
			c.halveDown()
		}
	}
	across, down := first.stride/blue.stride, len(first.pix)/first.stride/(len(blue.pix)/blue.stride)
	return &image.YCbCr{
		Y: first.pix, Cb: blue.pix, Cr: red.pix, YStride: first.stride, CStride: blue.stride,
		SubsampleRatio: ratios[[2]int{across, down}], Rect: bounds,
	}
}

// halveAcross averages pairs of pixels in a row.
func (c *component) halveAcross() {
	half := make([]byte, len(c.pix)/2)
	for i := range half {
		half[i] = byte((int(c.pix[2*i]) + int(c.pix[2*i+1]) + 1) / 2)
	}
	c.pix, c.stride = half, c.stride/2
}

// halveDown averages pairs of rows.
func (c *component) halveDown() {
	half := make([]byte, len(c.pix)/2)
	for y := range len(half) / c.stride {
		upper, lower := c.pix[2*y*c.stride:], c.pix[(2*y+1)*c.stride:]
		for x := range c.stride {
			half[y*c.stride+x] = byte((int(upper[x]) + int(lower[x]) + 1) / 2)
		}
	}
	c.pix = half
}

// isRGB tells whether three components are red, green and blue, as Adobe's programs and libjpeg mark it.
func (d *decoder) isRGB() bool {
	if d.adobe {
		return d.transform == 0
	}
	return d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B'
}
