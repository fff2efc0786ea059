package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// tinyWebP is a lossless WebP of one pixel.
var tinyWebP = []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")

func encoded(t testing.TB, mediaType string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	switch mediaType {
	case JPEG:
		require.NoError(t, jpeg.Encode(&b, img, nil))
	case PNG:
		require.NoError(t, png.Encode(&b, img))
	case GIF:
		require.NoError(t, gif.Encode(&b, img, nil))
	case WebP:
		b.Write(tinyWebP)
	}
	return b.Bytes()
}

func gradient(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8(x ^ y), 255})
		}
	}
	return img
}

func segment(marker byte, body string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0xFF, marker}, uint16(len(body)+2))
	return append(b, body...)
}

func insert(b []byte, at int, pieces ...[]byte) []byte {
	out := bytes.Clone(b[:at])
	for _, piece := range pieces {
		out = append(out, piece...)
	}
	return append(out, b[at:]...)
}

func pngChunk(kind, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, kind+body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(kind+body)))
}

func webpBox(kind, body string) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func cleanBytes(t testing.TB, mediaType string, b []byte) ([]byte, structure) {
	t.Helper()
	var out bytes.Buffer
	st, err := formats[mediaType].clean(&out, bytes.NewReader(b))
	require.NoError(t, err)
	return out.Bytes(), st
}

func TestCleanJPEG(t *testing.T) {
	t.Parallel()
	pure := encoded(t, JPEG, gradient(50, 40))
	out, st := cleanBytes(t, JPEG, pure)
	require.Equal(t, pure, out, "nothing to drop, nothing changed")
	require.Equal(t, upright, st.orientation)

	profile := segment(markerAPP2, "ICC_PROFILE\x00\x01\x01"+string(icc("RGB ", 0)))
	jfif := segment(markerAPP0, "JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00")
	dirty := insert(pure, 2,
		jfif, segment(markerAPP0, "JFXX\x00thumbnail"),
		segment(markerAPP1, "Exif\x00\x00"+string(orientationOnly(quarterRight))), segment(markerAPP1, "http://ns.adobe.com/xap/1.0/\x00<secret/>"),
		profile, segment(markerAPP2, "MPF\x00more pictures"), segment(markerAPP15-2, "Photoshop 3.0\x00secret"), segment(markerCOM, "<script>secret</script>"),
		[]byte{0xFF, 0xFF, 0xFF}, // fill bytes
	)
	dirty = append(dirty, "PK\x03\x04 hidden behind the end"...)
	out, st = cleanBytes(t, JPEG, dirty)
	require.Equal(t, quarterRight, st.orientation)
	require.Equal(t, insert(pure, 2, jfif, profile), out)
	require.EqualValues(t, icc("RGB ", 0), st.profile)
}

func TestCleanPNG(t *testing.T) {
	t.Parallel()
	pure := encoded(t, PNG, gradient(50, 40))
	out, _ := cleanBytes(t, PNG, pure)
	require.Equal(t, pure, out)
	const behindHeader = 8 + 25
	gamma := pngChunk("gAMA", "\x00\x00\xb1\x8f")
	dirty := insert(pure, behindHeader,
		gamma, pngChunk("tEXt", "Author\x00secret"), pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00secret"), pngChunk("tIME", "1234567"),
		pngChunk("eXIf", string(orientationOnly(halfTurn))), pngChunk("prVt", "secret"))
	dirty = append(dirty, "<?php secret"...)
	out, st := cleanBytes(t, PNG, dirty)
	require.Equal(t, halfTurn, st.orientation)
	require.Equal(t, insert(pure, behindHeader, gamma), out)
}

func TestCleanGIF(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 20, 10), color.Palette{color.Black, color.White})
	require.NoError(t, gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{5, 5}}))
	pure := b.Bytes()
	out, st := cleanBytes(t, GIF, pure)
	require.Equal(t, pure, out)
	require.EqualValues(t, 400, st.pixels)
	first := bytes.Index(pure, []byte("\x21\xff\x0bNETSCAPE2.0"))
	require.Positive(t, first)
	dirty := insert(pure, first, []byte("\x21\xfe\x06secret\x00"), []byte("\x21\xff\x0bXMP DataXMP\x06secret\x00"))
	dirty = append(dirty, "*/alert(1)"...)
	out, _ = cleanBytes(t, GIF, dirty)
	require.Equal(t, pure, out)
}

func TestCleanWebP(t *testing.T) {
	t.Parallel()
	out, st := cleanBytes(t, WebP, tinyWebP)
	require.Equal(t, tinyWebP, out)
	require.Equal(t, [2]int{1, 1}, [2]int{st.width, st.height})

	pixels := tinyWebP[12:]
	head := func(flags byte) []byte { return webpBox("VP8X", string([]byte{flags, 0, 0, 0, 0, 0, 0, 0, 0, 0})) }
	dirty := riff(head(webpEXIF|webpXMP), pixels, webpBox("EXIF", string(orientationOnly(quarterLeft))+"secret"), webpBox("XMP ", "secret"), webpBox("what", "secret"))
	dirty = append(dirty, "behind the end"...)
	out, st = cleanBytes(t, WebP, dirty)
	require.Equal(t, quarterLeft, st.orientation)
	require.Equal(t, riff(head(webpEXIF), pixels, webpBox("EXIF", string(orientationOnly(quarterLeft)))), out)
	_, err := formats[WebP].decode(bytes.NewReader(out))
	require.NoError(t, err)
	_, st = cleanBytes(t, WebP, out)
	require.Equal(t, quarterLeft, st.orientation, "what is left says it too")

	for name, bad := range map[string][]byte{
		"animation":  riff(head(webpAnimation), pixels),
		"no pixels":  riff(head(0)),
		"two pixels": riff(head(0), pixels, pixels),
		"cut":        tinyWebP[:len(tinyWebP)-3],
		"long chunk": riff([]byte("VP8L\xff\xff\xff\xff")),
	} {
		_, err := formats[WebP].clean(io.Discard, bytes.NewReader(bad))
		require.Error(t, err, name)
	}
}

// Every image that is cut anywhere is found, by the walk or by the decoder.
func TestCutImages(t *testing.T) {
	t.Parallel()
	for mediaType := range formats {
		whole := encoded(t, mediaType, gradient(30, 30))
		for size := range whole {
			b := whole[:size]
			var cleaned bytes.Buffer
			if _, err := formats[mediaType].clean(&cleaned, bytes.NewReader(b)); err == nil {
				t.Fatalf("%s cut to %d of %d bytes passes", mediaType, size, len(whole))
			}
		}
	}
}

func fuzzClean(f *testing.F, mediaType string) {
	f.Fuzz(func(t *testing.T, b []byte) { requireStable(t, mediaType, b) })
}

// requireStable checks what the walks let through: cleaning it again changes nothing.
func requireStable(t *testing.T, mediaType string, b []byte) {
	t.Helper()
	var once, twice bytes.Buffer
	st, err := formats[mediaType].clean(&once, bytes.NewReader(b))
	if err != nil {
		return
	}
	if once.Len() > len(b)+64 {
		t.Fatalf("%d bytes became %d", len(b), once.Len())
	}
	again, err := formats[mediaType].clean(&twice, bytes.NewReader(once.Bytes()))
	if err != nil {
		t.Fatalf("not clean after cleaning: %v", err)
	}
	if !bytes.Equal(once.Bytes(), twice.Bytes()) {
		t.Fatal("cleaning is not stable")
	}
	if mediaType != WebP && again.orientation != upright {
		t.Fatalf("orientation %d of %d is left", again.orientation, st.orientation)
	}
	if !bytes.Equal(st.profile, again.profile) {
		t.Fatal("the colour profile got lost")
	}
}

func FuzzCleanJPEG(f *testing.F) {
	pure := encoded(f, JPEG, gradient(9, 9))
	f.Add(pure)
	f.Add(insert(pure, 2, segment(markerAPP1, "Exif\x00\x00"+string(orientationOnly(6))), []byte{0xFF, 0xFF}))
	fuzzClean(f, JPEG)
}

// Chunks are also tried with their checksums put right, which chance would never do.
func FuzzCleanPNG(f *testing.F) {
	pure := encoded(f, PNG, gradient(9, 9))
	f.Add(pure)
	f.Add(insert(pure, 33, pngChunk("eXIf", string(orientationOnly(6)))))
	var colored bytes.Buffer
	require.NoError(f, encodeImage(&colored, PNG, gradient(9, 9), 0, newProfile(icc("RGB ", 0))))
	f.Add(colored.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		requireStable(t, PNG, b)
		b = bytes.Clone(b)
		for at := len(pngMagic); at+12 <= len(b); {
			end := int64(at) + 8 + int64(binary.BigEndian.Uint32(b[at:]))
			if end+4 > int64(len(b)) {
				break
			}
			binary.BigEndian.PutUint32(b[end:], crc32.ChecksumIEEE(b[at+4:end]))
			at = int(end) + 4
		}
		requireStable(t, PNG, b)
	})
}

func FuzzCleanGIF(f *testing.F) {
	f.Add(encoded(f, GIF, gradient(9, 9)))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00\x21\xfe\x00\x3b"))
	fuzzClean(f, GIF)
}

func FuzzCleanWebP(f *testing.F) {
	f.Add(tinyWebP)
	f.Add(riff(webpBox("VP8X", "\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00"), tinyWebP[12:], webpBox("EXIF", string(orientationOnly(6)))))
	fuzzClean(f, WebP)
}

// An animation of very many tiny frames is small as a file and in pixels, but not in memory.
func TestGIFFrames(t *testing.T) {
	t.Parallel()
	frame := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.White})
	animation := func(frames int) []byte {
		g := &gif.GIF{}
		for range frames {
			g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 1)
		}
		var b bytes.Buffer
		require.NoError(t, gif.EncodeAll(&b, g))
		return b.Bytes()
	}
	_, err := cleanGIF(io.Discard, bytes.NewReader(animation(maxGIFFrames)))
	require.NoError(t, err)
	st, err := cleanGIF(io.Discard, bytes.NewReader(animation(maxGIFFrames+1)))
	require.ErrorIs(t, err, ErrTooLarge)
	require.LessOrEqual(t, st.frames, int64(maxGIFFrames+1))
}
