package media_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, options *media.Options) *media.Store {
	t.Helper()
	o := memmedia.Options{}
	if options != nil {
		o.Options = *options
	}
	store, err := memmedia.Open(&o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func save(t testing.TB, store *media.Store, name string, content []byte, options *media.SaveOptions) media.File {
	t.Helper()
	f, err := store.Save(t.Context(), name, bytes.NewReader(content), options)
	require.NoError(t, err)
	return f
}

func read(t testing.TB, store *media.Store, name string) []byte {
	t.Helper()
	r, err := store.Open(t.Context(), name)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// requireEmpty checks that the driver holds nothing at all.
func requireEmpty(t testing.TB, store *media.Store) {
	t.Helper()
	files, err := store.Driver().(media.Lister).List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Empty(t, files)
}

// gradient changes from left to right in red and from top to bottom in green.
func gradient(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 255 / width), uint8(y * 255 / height), 80, 255})
		}
	}
	return img
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

func decode(t testing.TB, b []byte) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	return img
}

// exif is the EXIF of a camera: an orientation, and a position that nobody should learn.
func exif(orientation byte) []byte {
	tiff := "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{orientation}) + "\x00\x00\x00\x00\x00\x00GPS 47.3769 N 8.5417 E"
	b := binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(tiff)+8))
	return append(b, "Exif\x00\x00"+tiff...)
}

var segment, insert, pngChunk = media.Segment, media.Insert, media.PNGChunk

// bombPNG is a PNG of a few bytes whose header claims width × height.
func bombPNG(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(nil, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", string(header))...)
	b = append(b, pngChunk("IDAT", "\x78\x9c\x03\x00\x00\x00\x00\x01")...)
	return append(b, pngChunk("IEND", "")...)
}
