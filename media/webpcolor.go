package media

import (
	"image"
	"io"

	"golang.org/x/image/webp"
)

// decodeWebP decodes a WebP into red, green and blue. Lossy WebP has the YCbCr of television (ITU-R BT.601: black is 16, white is 235, chroma 16 to 240), but
// the decoder hands its numbers out as if they were those of JPEG (0 to 255), with which all gets pale.
func decodeWebP(r io.Reader) (image.Image, error) {
	img, err := webp.Decode(r)
	if err != nil {
		return nil, err
	}
	var ycc *image.YCbCr
	var alpha *image.NYCbCrA
	switch img := img.(type) {
	case *image.YCbCr:
		ycc = img
	case *image.NYCbCrA:
		ycc, alpha = &img.YCbCr, img
	default:
		return img, nil // lossless
	}
	b := ycc.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := out.Pix[(y-b.Min.Y)*out.Stride:]
		for x := b.Min.X; x < b.Max.X; x++ {
			at := ycc.COffset(x, y)
			p := row[4*(x-b.Min.X):]
			p[0], p[1], p[2] = fromBT601(ycc.Y[ycc.YOffset(x, y)], ycc.Cb[at], ycc.Cr[at])
			p[3] = 255
			if alpha != nil {
				p[3] = alpha.A[alpha.AOffset(x, y)]
			}
		}
	}
	return out, nil
}

// fromBT601 turns YCbCr of ITU-R BT.601 with its limited range into RGB, in 1/65536.
func fromBT601(y, cb, cr uint8) (r, g, b uint8) {
	const (
		luma       = 76309  // 255/219
		redOfCr    = 104597 // 1.402 × 255/224
		greenOfCb  = 25675  // 0.344136 × 255/224
		greenOfCr  = 53279  // 0.714136 × 255/224
		blueOfCb   = 132201 // 1.772 × 255/224
		half, most = 1 << 15, 255
	)
	l, u, v := luma*(int(y)-16)+half, int(cb)-128, int(cr)-128
	clamp := func(n int) uint8 { return uint8(min(max(n>>16, 0), most)) } //nolint:gosec // clamped
	return clamp(l + redOfCr*v), clamp(l - greenOfCb*u - greenOfCr*v), clamp(l + blueOfCb*u)
}
