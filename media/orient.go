package media

import (
	"image"
	"image/draw"
	"slices"
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
	dst, to, from := planes(img, image.Rect(0, 0, width, height))
	turning{orientation: orientation, width: b.Dx(), height: b.Dy()}.move(to, from)
	return dst
}

// plane is the pixels of an image, size bytes each, from the top left one on.
type plane struct {
	pix          []byte
	stride, size int
}

// planes makes an image of the same kind in the given size, and returns the pixels of both.
func planes(img image.Image, to image.Rectangle) (dst image.Image, dstPlane, srcPlane plane) {
	switch src := img.(type) {
	case *image.Gray:
		d := image.NewGray(to)
		return d, plane{d.Pix, d.Stride, 1}, plane{src.Pix, src.Stride, 1}
	case *image.Gray16:
		d := image.NewGray16(to)
		return d, plane{d.Pix, d.Stride, 2}, plane{src.Pix, src.Stride, 2}
	case *image.Paletted:
		d := image.NewPaletted(to, slices.Clone(src.Palette))
		return d, plane{d.Pix, d.Stride, 1}, plane{src.Pix, src.Stride, 1}
	case *image.NRGBA:
		d := image.NewNRGBA(to)
		return d, plane{d.Pix, d.Stride, 4}, plane{src.Pix, src.Stride, 4}
	case *image.NRGBA64:
		d := image.NewNRGBA64(to)
		return d, plane{d.Pix, d.Stride, 8}, plane{src.Pix, src.Stride, 8}
	case *image.RGBA64:
		d := image.NewRGBA64(to)
		return d, plane{d.Pix, d.Stride, 8}, plane{src.Pix, src.Stride, 8}
	case *image.RGBA:
		d := image.NewRGBA(to)
		return d, plane{d.Pix, d.Stride, 4}, plane{src.Pix, src.Stride, 4}
	}
	b := img.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(rgba, rgba.Bounds(), img, b.Min, draw.Src)
	return planes(rgba, to)
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

// move copies the pixels to where they belong.
func (t turning) move(dst, src plane) {
	size := src.size
	for y := range t.height {
		// Along a row the target moves by a constant step.
		x0, y0 := t.to(0, y)
		at := y0*dst.stride + x0*size
		step := 0
		if t.width > 1 {
			x1, y1 := t.to(1, y)
			step = y1*dst.stride + x1*size - at
		}
		row := src.pix[y*src.stride : y*src.stride+t.width*size]
		for len(row) > 0 {
			copy(dst.pix[at:at+size], row[:size])
			row = row[size:]
			at += step
		}
	}
}
