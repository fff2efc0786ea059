package media_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/gif"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

func deflated(t testing.TB, content []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := z.Write(content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// profileOf takes the colour profile out of a JPEG, which has it in one segment, or out of a PNG; nil if there is none.
func profileOf(t testing.TB, content []byte) []byte {
	t.Helper()
	if _, after, ok := bytes.Cut(content, []byte("ICC_PROFILE\x00\x01\x01")); ok {
		return after[:binary.BigEndian.Uint32(after)]
	}
	before, after, ok := bytes.Cut(content, []byte("iCCP"))
	if !ok {
		return nil
	}
	require.NotContains(t, string(before), "IDAT")
	_, compressed, _ := bytes.Cut(after, []byte{0, 0})
	z, err := zlib.NewReader(bytes.NewReader(compressed))
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	return b
}

func withProfile(t testing.TB, mediaType string, img image.Image, profile []byte) []byte {
	t.Helper()
	switch mediaType {
	case media.JPEG:
		return insert(jpegOf(t, img), 2, segment(0xE2, "ICC_PROFILE\x00\x01\x01"+string(profile)))
	case media.PNG:
		return insert(pngOf(t, img), 33, pngChunk("iCCP", "p\x00\x00"+deflated(t, profile)))
	case media.GIF:
		var b bytes.Buffer
		require.NoError(t, gif.Encode(&b, img, nil))
		extension := []byte("\x21\xff\x0bICCRGBG1012")
		for len(profile) > 0 {
			n := min(len(profile), 255)
			extension = append(append(extension, byte(n)), profile[:n]...)
			profile = profile[n:]
		}
		return insert(b.Bytes(), 13+3*256, append(extension, 0))
	}
	const hasProfile = 0x20
	head := media.WebPBox("VP8X", string([]byte{hasProfile, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
	return media.RIFF(head, media.WebPBox("ICCP", string(profile)), media.TinyWebP[12:])
}

func variantBytes(t testing.TB, store *media.Store, name string, v media.Variant) []byte {
	t.Helper()
	r, err := store.Variant(t.Context(), name, v)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// What is made of an image has its colour profile, whatever the one and the other are.
func TestVariantKeepsProfile(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	profile := media.ICC("RGB ", 0)
	for _, from := range []string{media.JPEG, media.PNG, media.GIF, media.WebP} {
		name := strings.TrimPrefix(from, "image/")
		f := save(t, store, "a."+name, withProfile(t, from, gradient(60, 60), profile), &media.SaveOptions{Types: media.Images})
		for _, to := range []string{media.JPEG, media.PNG, ""} {
			content := variantBytes(t, store, f.Name, media.Variant{Width: 30, Format: to})
			require.Equal(t, profile, profileOf(t, content), "%s to %s", from, to)
			require.Equal(t, min(30, f.Width), decode(t, content).Bounds().Dx())
		}
	}
	gray := image.NewGray(image.Rect(0, 0, 60, 60))
	for name, content := range map[string][]byte{
		"for a press.jpg":    withProfile(t, media.JPEG, gradient(60, 60), media.ICC("CMYK", 0)),
		"large.jpg":          withProfile(t, media.JPEG, gradient(60, 60), media.ICC("RGB ", 16<<10)),
		"large.png":          withProfile(t, media.PNG, gradient(60, 60), media.ICC("RGB ", 16<<10)),
		"of gray.png":        withProfile(t, media.PNG, gray, media.ICC("GRAY", 0)), // its variants are RGB
		"none at all.png":    withProfile(t, media.PNG, gradient(60, 60), []byte("no profile")),
		"not deflated.png":   insert(pngOf(t, gradient(60, 60)), 33, pngChunk("iCCP", "p\x00\x00no zlib")),
		"without name.png":   insert(pngOf(t, gradient(60, 60)), 33, pngChunk("iCCP", "no zero")),
		"bomb.png":           withProfile(t, media.PNG, gradient(60, 60), make([]byte, 5<<20)),
		"method unknown.png": insert(pngOf(t, gradient(60, 60)), 33, pngChunk("iCCP", "p\x00\x01"+deflated(t, profile))),
	} {
		f := save(t, store, name, content, &media.SaveOptions{Types: media.Images})
		for _, to := range []string{media.JPEG, media.PNG} {
			made := variantBytes(t, store, f.Name, media.Variant{Width: 30, Format: to})
			require.Nil(t, profileOf(t, made), "%s to %s", name, to)
		}
	}
}
