package media

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEXIFOrientation(t *testing.T) {
	t.Parallel()
	for o := upright; o <= quarterLeft; o++ {
		require.Equal(t, o, exifOrientation(orientationOnly(o)))
	}
	little := []byte("II*\x00\x08\x00\x00\x00\x02\x00")
	little = append(little, "\x00\x01\x03\x00\x01\x00\x00\x00\x28\x00\x00\x00"...) // width, before it
	little = append(little, "\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"...)
	require.Equal(t, quarterRight, exifOrientation(little))

	damage := func(at int, b ...byte) []byte {
		tiff := orientationOnly(quarterRight)
		copy(tiff[at:], b)
		return tiff
	}
	for name, tiff := range map[string][]byte{
		"nothing":                     nil,
		"unknown order":               damage(0, 'X', 'X'),
		"wrong magic":                 damage(3, 43),
		"directory far behind":        damage(4, 0xFF, 0xFF, 0xFF, 0xFF),
		"directory at the last byte":  damage(4, 0, 0, 0, byte(len(damage(0))-1)),
		"type long":                   damage(12, 0, 4),
		"two values":                  damage(14, 0, 0, 0, 2),
		"orientation 0":               damage(18, 0, 0),
		"orientation 9":               damage(18, 0, 9),
		"another tag":                 damage(10, 0x01, 0x13),
		"more entries than there are": append(damage(8, 0xFF, 0xFF)[:10:10], 0, 1, 0, 3),
	} {
		require.Equal(t, upright, exifOrientation(tiff), name)
	}
	tiff := orientationOnly(quarterRight)
	for cut := range 20 { // up to and including the value
		require.Equal(t, upright, exifOrientation(tiff[:cut]), cut)
	}
}

func FuzzEXIFOrientation(f *testing.F) {
	f.Add(orientationOnly(quarterRight))
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Add([]byte("MM\x00*\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, tiff []byte) {
		o := exifOrientation(tiff)
		if o < upright || o > quarterLeft {
			t.Fatalf("orientation %d", o)
		}
		// What is not upright stands in the bytes.
		if o != upright {
			order := binary.ByteOrder(binary.BigEndian)
			if tiff[0] == 'I' {
				order = binary.LittleEndian
			}
			found := false
			for at := 8; at+12 <= len(tiff); at++ {
				found = found || order.Uint16(tiff[at:]) == exifOrientTag && int(order.Uint16(tiff[at+8:])) == o
			}
			// The directory may also begin within the first eight bytes.
			for at := 0; at < 8 && at+12 <= len(tiff); at++ {
				found = found || order.Uint16(tiff[at:]) == exifOrientTag && int(order.Uint16(tiff[at+8:])) == o
			}
			if !found {
				t.Fatalf("orientation %d out of nothing", o)
			}
		}
	})
}
