package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"

	"golang.org/x/image/vp8l"
)

// What is written about transparency is read back by another decoder.
func FuzzAlphaChunk(f *testing.F) {
	f.Add([]byte{255}, uint8(1))
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 0, 0, 0, 0, 255, 254, 253}, uint8(7))
	f.Add(bytes.Repeat([]byte{7}, 9000), uint8(100))
	f.Fuzz(func(t *testing.T, alpha []byte, across uint8) {
		width := int(across) + 1
		height := len(alpha) / width
		alpha = alpha[:width*height]
		if height == 0 || height > 1<<14 {
			return
		}
		chunk := alphaChunk(alpha, width)
		if len(chunk) > 2*len(alpha)+600 {
			t.Fatalf("%d bytes became %d", len(alpha), len(chunk))
		}
		head := binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(width-1)|uint32(height-1)<<14)
		img, err := vp8l.Decode(bytes.NewReader(append(head, chunk[1:]...)))
		if err != nil {
			t.Fatalf("%d×%d: %v", width, height, err)
		}
		for i, want := range alpha {
			if got := img.(*image.NRGBA).NRGBAAt(i%width, i/width).G; got != want {
				t.Fatalf("%d,%d is %d, was %d", i%width, i/width, got, want)
			}
		}
	})
}
