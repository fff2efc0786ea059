package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"io"
)

// WebPEncoder writes lossy WebP for Options.WebP; package webpenc has one in pure Go. It sees nothing but
// pixels that have been decoded and scaled, MaxWebPPixels at most. It is safe for concurrent use.
type WebPEncoder interface {
	// Encode writes a WebP file with the picture in one VP8 chunk, quality 1 to 100. The picture is opaque:
	// transparency and colour profile are written by this package.
	Encode(w io.Writer, img *image.NRGBA, quality int) error
	// Memory estimates the bytes that Encode takes at its peak for so many pixels.
	Memory(pixels int64) int64
}

// encodeWebP writes an image as WebP, within the memory for it.
func (s *Store) encodeWebP(ctx context.Context, w io.Writer, img *image.RGBA, quality int, p profile) error {
	size := img.Rect.Size()
	pixels := int64(size.X) * int64(size.Y)
	weight := min(s.options.WebP.Memory(pixels), s.options.DecodeMemory)
	if err := s.encoding.Acquire(ctx, weight); err != nil {
		return err
	}
	defer s.encoding.Release(weight)
	// An opaque image is the same with and without premultiplied alpha.
	picture, alpha := &image.NRGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}, []byte(nil)
	if !img.Opaque() {
		picture, alpha = splitAlpha(img)
	}
	var encoded bytes.Buffer
	if err := s.options.WebP.Encode(&encoded, picture, quality); err != nil {
		return err
	}
	r := bytes.NewReader(encoded.Bytes())
	st, chunks, err := walkWebP(r)
	if err != nil {
		return fmt.Errorf("of the WebP encoder: %w", err)
	}
	if len(chunks) != 1 || chunks[0].kind != "VP8 " || st.width != size.X || st.height != size.Y {
		return fmt.Errorf("of the WebP encoder: not one VP8 chunk of %d×%d pixels", size.X, size.Y)
	}
	return writeWebP(w, r, webpAround(chunks[0], size, alpha, p.of(img)))
}

// webpAround lists the chunks of a file (RFC 9649, section 2.7): pixels alone, or pixels with what belongs to them.
func webpAround(pixels webpChunk, size image.Point, alpha []byte, p profile) []webpChunk {
	if alpha == nil && p == nil {
		return []webpChunk{pixels}
	}
	made := func(kind string, body []byte) webpChunk {
		return webpChunk{kind: kind, size: uint32(len(body)), made: body} //nolint:gosec // bounded by MaxWebPPixels
	}
	head := make([]byte, 10)
	chunks := []webpChunk{made("VP8X", head)}
	if p != nil {
		head[0] |= webpProfile
		chunks = append(chunks, made("ICCP", p))
	}
	if alpha != nil {
		head[0] |= webpAlpha
		chunks = append(chunks, made("ALPH", alphaChunk(alpha, size.X)))
	}
	put24 := func(b []byte, n int) {
		b[2] = byte(n >> 16)                               //nolint:gosec // below 1<<24
		binary.LittleEndian.PutUint16(b, uint16(n&0xFFFF)) //nolint:gosec // masked
	}
	put24(head[4:], size.X-1)
	put24(head[7:], size.Y-1)
	return append(chunks, pixels)
}

// splitAlpha takes an image apart into opaque colours and transparency.
func splitAlpha(img *image.RGBA) (*image.NRGBA, []byte) {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	picture, alpha := image.NewNRGBA(image.Rect(0, 0, width, height)), make([]byte, 0, width*height)
	for y := range height {
		from, to := img.Pix[y*img.Stride:], picture.Pix[y*picture.Stride:]
		for i := 0; i < 4*width; i += 4 {
			a := uint32(from[i+3])
			alpha = append(alpha, from[i+3])
			for c := range 3 {
				if a > 0 {
					to[i+c] = byte(min((uint32(from[i+c])*255+a/2)/a, 255)) //nolint:gosec // at most 255
				}
			}
			to[i+3] = 255
		}
	}
	const block = 8
	for y := 0; y < height; y += block {
		for x := 0; x < width; x += block {
			fillHidden(picture, alpha, image.Rect(x, y, min(x+block, width), min(y+block, height)))
		}
	}
	return picture, alpha
}

// fillHidden gives the pixels of a block that nobody sees the mean colour of those that are seen, so that
// the colour behind an edge does not smear across it.
func fillHidden(picture *image.NRGBA, alpha []byte, block image.Rectangle) {
	var sum [3]int
	seen := 0
	each := func(visit func(at int, visible bool)) {
		for y := block.Min.Y; y < block.Max.Y; y++ {
			for x := block.Min.X; x < block.Max.X; x++ {
				visit(y*picture.Stride+4*x, alpha[y*picture.Rect.Dx()+x] > 0)
			}
		}
	}
	each(func(at int, visible bool) {
		if visible {
			seen++
			for c := range sum {
				sum[c] += int(picture.Pix[at+c])
			}
		}
	})
	if seen == 0 || seen == block.Dx()*block.Dy() {
		return
	}
	each(func(at int, visible bool) {
		for c := range sum {
			if !visible {
				picture.Pix[at+c] = byte(sum[c] / seen) //nolint:gosec // a mean of bytes
			}
		}
	})
}
