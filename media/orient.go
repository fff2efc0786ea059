package media

import (
	"image"
	"image/color"
	"image/draw"
)

// sideways reports whether an orientation exchanges width and height.
func sideways(orientation int) bool { return orientation >= transposed }

// orient returns the picture turned upright. Pixels are moved, not changed,
// except that those of a subsampled picture (YCbCr) become RGB.
func orient(img image.Image, orientation int) image.Image {
	if orientation <= upright || orientation > quarterLeft {
		return img
	}
	b := img.Bounds()
	width, height := b.Dx(), b.Dy()
	if sideways(orientation) {
		width, height = height, width
	}
	to := image.Rect(0, 0, width, height)
	turn := turning{orientation: orientation, width: b.Dx(), height: b.Dy()}
	switch src := img.(type) {
	case *image.Gray:
		dst := image.NewGray(to)
		turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 1)
		return dst
	case *image.Gray16:
		dst := image.NewGray16(to)
		turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 2)
		return dst
	case *image.Paletted:
		dst := image.NewPaletted(to, append(color.Palette(nil), src.Palette...))
		turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 1)
		return dst
	case *image.NRGBA:
		dst := image.NewNRGBA(to)
		turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 4)
		return dst
	case *image.NRGBA64:
		dst := image.NewNRGBA64(to)
		turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 8)
		return dst
	case *image.RGBA64:
		dst := image.NewRGBA64(to)
		turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 8)
		return dst
	}
	src, ok := img.(*image.RGBA)
	if !ok {
		src = image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(src, src.Bounds(), img, b.Min, draw.Src)
	}
	dst := image.NewRGBA(to)
	turn.move(dst.Pix, dst.Stride, src.Pix, src.Stride, 4)
	return dst
}

// turning is an orientation to be undone on a picture of width × height.
type turning struct{ orientation, width, height int }

// to returns where the pixel at x, y of the stored picture belongs.
func (t turning) to(x, y int) (int, int) {
	right, bottom := t.width-1, t.height-1
	switch t.orientation {
	case mirrored:
		return right - x, y
	case halfTurn:
		return right - x, bottom - y
	case flipped:
		return x, bottom - y
	case transposed:
		return y, x
	case quarterRight:
		return bottom - y, x
	case transverse:
		return bottom - y, right - x
	case quarterLeft:
		return y, right - x
	}
	return x, y
}

// move copies pixels of size bytes each to where they belong. The slices begin at the top left pixel.
func (t turning) move(dst []byte, dstStride int, src []byte, srcStride, size int) {
	for y := range t.height {
		// Along a row the target moves by a constant step.
		x0, y0 := t.to(0, y)
		at := y0*dstStride + x0*size
		step := 0
		if t.width > 1 {
			x1, y1 := t.to(1, y)
			step = y1*dstStride + x1*size - at
		}
		row := src[y*srcStride : y*srcStride+t.width*size]
		for len(row) > 0 {
			copy(dst[at:at+size], row[:size])
			row = row[size:]
			at += step
		}
	}
}
