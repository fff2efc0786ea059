package jpegscale

// average is the single pixel that a block becomes: its lowest coefficient is eight times its mean.
func average(dc, quant int32) byte { return clamp((int64(dc)*int64(quant) + 4) >> 3) }

// clamp moves the middle to 128 and keeps to 8 bits.
func clamp(v int64) byte { return byte(min(max(v+128, 0), 255)) }

// Where the coefficients of the lowest frequencies are in zigzag order, row by row.
var (
	zigzag2 = [4]byte{0, 1, 2, 4}
	zigzag4 = [16]byte{0, 1, 5, 6, 2, 4, 7, 13, 3, 8, 12, 17, 9, 11, 18, 24}
)

// transform makes n×n pixels of the coefficients of a block. A DCT of n points has the basis functions of one of 8 at n/8 of
// the width, and its coefficients are smaller by the square root of n/8 in each direction.
func transform(n int, block *[25]int32, to []byte, stride int) {
	if n == 2 {
		transform2(block, to, stride)
		return
	}
	transform4(block, to, stride)
}

// transform2: all factors of two points are the same, the square root of 1/8.
func transform2(block *[25]int32, to []byte, stride int) {
	a, b, c, d := int64(block[zigzag2[0]]), int64(block[zigzag2[1]]), int64(block[zigzag2[2]]), int64(block[zigzag2[3]])
	to[0], to[1] = clamp((a+b+c+d+4)>>3), clamp((a-b+c-d+4)>>3)
	to = to[stride:]
	to[0], to[1] = clamp((a+b-c-d+4)>>3), clamp((a-b-c+d+4)>>3)
}

// The factors of four points, with 13 bits behind the point: the square root of 1/8, and half the cosines of π/8 and 3π/8.
const (
	point   = 13
	factor0 = 2896
	factor1 = 3784
	factor3 = 1567
)

func transform4(block *[25]int32, to []byte, stride int) {
	var columns [16]int64
	for x := range 4 {
		f0, f1 := int64(block[zigzag4[x]]), int64(block[zigzag4[4+x]])
		f2, f3 := int64(block[zigzag4[8+x]]), int64(block[zigzag4[12+x]])
		even, odd := factor0*(f0+f2), factor1*f1+factor3*f3
		even2, odd2 := factor0*(f0-f2), factor3*f1-factor1*f3
		columns[x], columns[4+x], columns[8+x], columns[12+x] = even+odd, even2+odd2, even2-odd2, even-odd
	}
	const half = 1 << (2*point - 1)
	for y := range 4 {
		f0, f1, f2, f3 := columns[4*y], columns[4*y+1], columns[4*y+2], columns[4*y+3]
		even, odd := factor0*(f0+f2)+half, factor1*f1+factor3*f3
		even2, odd2 := factor0*(f0-f2)+half, factor3*f1-factor1*f3
		row := to[y*stride:]
		row[0], row[1] = clamp((even+odd)>>(2*point)), clamp((even2+odd2)>>(2*point))
		row[2], row[3] = clamp((even2-odd2)>>(2*point)), clamp((even-odd)>>(2*point))
	}
}
