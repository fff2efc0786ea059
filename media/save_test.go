package media_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

const svgStart = `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">`

// Bad input, each with the error that names field and reason, and nothing stored.
func TestBadInput(t *testing.T) {
	t.Parallel()
	picture := jpegOf(t, gradient(100, 80))
	drawing := pngOf(t, gradient(100, 80))
	svgs := append([]string{}, media.Images...)
	svgs = append(svgs, media.SVG)
	for _, test := range []struct {
		name    string
		file    string
		content string
		types   []string
		field   string
		is      error
	}{
		{"up", "../../etc/passwd", "x", nil, "name", nil},
		{"NUL", "tea.jpg\x00.png", "x", nil, "name", nil},
		{"10 MB name", strings.Repeat("n", 10<<20), "x", nil, "name", nil},
		{"0 bytes", "tea.jpg", "", media.Images, "content", nil},
		{"0 bytes of any type", "tea", "", nil, "content", nil},

		{"text that says it is a JPEG", "tea.jpg", "this is no picture", nil, "type", media.ErrType},
		{"PNG that says it is a JPEG", "tea.jpg", string(drawing), media.Images, "type", media.ErrType},
		{"JPEG that says it is text", "tea.txt", string(picture), nil, "type", media.ErrType},
		{"program that says nothing", "tea", "MZ\x90\x00\x03\x00\x00\x00\x04", media.Images, "type", media.ErrType},
		{"JPEG that says it is a program", "tea.exe", string(picture), media.Images, "type", media.ErrType},
		{"page", "tea.html", "<!DOCTYPE html><script>alert(1)</script>", media.Images, "type", media.ErrType},
		{"page that says it is a GIF", "tea.gif", "<html><script>alert(1)</script>", media.Images, "type", media.ErrType},
		{"JPEG where only PNG may be", "tea.jpg", string(picture), []string{media.PNG}, "type", media.ErrType},

		{"pixel bomb", "tea.png", string(bombPNG(65535, 65535)), media.Images, "pixels", media.ErrTooLarge},
		{"pixel bomb of the largest size", "tea.png", string(bombPNG(1<<31-1, 1<<31-1)), media.Images, "", nil},
		{"small file, many pixels", "tea.png", string(bombPNG(7000, 7000)), media.Images, "content", nil},
		{"no pixels", "tea.png", string(bombPNG(0, 10)), media.Images, "content", nil},

		{"JPEG cut in half", "tea.jpg", string(picture[:len(picture)/2]), media.Images, "content", nil},
		{"JPEG cut and closed", "tea.jpg", string(picture[:len(picture)*2/3]) + "\xff\xd9", media.Images, "content", nil},
		{"JPEG without its end", "tea.jpg", string(picture[:len(picture)-2]), media.Images, "content", nil},
		{"PNG cut in half", "tea.png", string(drawing[:len(drawing)/2]), media.Images, "content", nil},
		{"PNG without its end", "tea.png", string(drawing[:len(drawing)-12]), media.Images, "content", nil},
		{"PNG with damaged pixels", "tea.png", damagedAt(drawing, len(drawing)/2), media.Images, "content", nil},
		{"only the head of a JPEG", "tea.jpg", "\xff\xd8\xff\xe0", media.Images, "content", nil},
		{"only the head of a PNG", "tea.png", "\x89PNG\r\n\x1a\n", media.Images, "content", nil},
		{"only the head of a GIF", "tea.gif", "GIF89a", media.Images, "content", nil},
		{"only the head of a WebP", "tea.webp", "RIFF\x10\x00\x00\x00WEBPVP8 ", media.Images, "content", nil},
		{"GIF that is a script", "tea.gif", "GIF89a/*\x01\x00\x01\x00*/=1;alert(1)//", media.Images, "content", nil},

		{"SVG where only images may be", "tea.svg", svgStart + `</svg>`, media.Images, "type", media.ErrType},
		{"SVG with a script where only images may be", "tea.svg", svgStart + `<script>alert(1)</script></svg>`, media.Images, "type", media.ErrType},
		{"SVG with a script", "tea.svg", svgStart + `<script>alert(1)</script></svg>`, svgs, "content", nil},
		{"SVG with a script, any type", "tea.svg", svgStart + `<script>alert(1)</script></svg>`, nil, "content", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := open(t, nil)
			for _, verbatim := range []bool{false, true} {
				_, err := store.Save(t.Context(), test.file, strings.NewReader(test.content), &media.SaveOptions{Types: test.types, Verbatim: verbatim})
				require.ErrorIs(t, err, media.ErrInvalid)
				var invalid *media.InvalidError
				require.ErrorAs(t, err, &invalid)
				if test.field != "" {
					require.Equal(t, test.field, invalid.Field, "%v", err)
				}
				require.NotEmpty(t, invalid.Reason)
				require.Less(t, len(err.Error()), 600)
				for _, sentinel := range []error{media.ErrType, media.ErrTooLarge} {
					if test.field != "" {
						require.Equal(t, errors.Is(test.is, sentinel), errors.Is(err, sentinel), "%v", err)
					}
				}
			}
			requireEmpty(t, store)
		})
	}
}

func damagedAt(b []byte, at int) string {
	b = bytes.Clone(b)
	b[at] ^= 0x55
	return string(b)
}

// A header that claims many pixels costs no memory for them.
func TestBombsCostNothing(t *testing.T) {
	store := open(t, &media.Options{MaxPixels: -1})
	bombs := map[string][]byte{
		"bomb.png": bombPNG(60000, 60000),
		"bomb.jpg": bytes.Replace(jpegOf(t, gradient(16, 16)), []byte("\xff\xc0\x00\x11\x08\x00\x10\x00\x10"), []byte("\xff\xc0\x00\x11\x08\xff\xff\xff\xff"), 1),
		"bomb.webp": func() []byte { // the frame is larger than the canvas says
			frame := "\x30\x01\x00\x9d\x01\x2a\xff\x3f\xff\x3f"
			return []byte("RIFF\x28\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00VP8 \x0a\x00\x00\x00" + frame)
		}(),
	}
	for name, bomb := range bombs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := store.Save(t.Context(), name, bytes.NewReader(bomb), &media.SaveOptions{Types: media.Images})
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, media.ErrInvalid, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), name)
		if name == "bomb.webp" {
			require.ErrorContains(t, err, "its parts differ in size")
		}
	}
}

func TestGIFBounds(t *testing.T) {
	t.Parallel()
	store := open(t, &media.Options{MaxPixels: 10_000})
	animation := func(frames int) []byte {
		g := &gif.GIF{}
		for range frames {
			g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 50, 50), color.Palette{color.Black, color.White}))
			g.Delay = append(g.Delay, 1)
		}
		var b bytes.Buffer
		require.NoError(t, gif.EncodeAll(&b, g))
		return b.Bytes()
	}
	f := save(t, store, "four.gif", animation(4), &media.SaveOptions{Types: media.Images})
	require.Equal(t, animation(4), read(t, store, f.Name), "an animation stays one")
	_, err := store.Save(t.Context(), "five.gif", bytes.NewReader(animation(5)), &media.SaveOptions{Types: media.Images})
	require.ErrorIs(t, err, media.ErrTooLarge)
	r, err := store.Variant(t.Context(), f.Name, media.Variant{Width: 20})
	require.NoError(t, err)
	defer r.Close()
	require.Equal(t, media.PNG, r.File().Type)
}

// A picture that also is something else is stored as a picture only.
func TestPolyglots(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	picture, drawing := jpegOf(t, gradient(60, 40)), pngOf(t, gradient(60, 40))
	const evil = "<script>alert(document.domain)</script>"
	for name, content := range map[string][]byte{
		"archive.jpg": append(bytes.Clone(picture), "PK\x03\x04evil.jar"+evil...),
		"comment.jpg": insert(picture, 2, segment(0xFE, evil)),
		"app.jpg":     insert(picture, 2, segment(0xED, evil), segment(0xE1, "Exif\x00\x00"+evil)),
		"text.png":    insert(drawing, 33, pngChunk("tEXt", "Comment\x00"+evil)),
		"behind.png":  append(bytes.Clone(drawing), "<?php evil"+evil...),
		"private.png": insert(drawing, 33, pngChunk("evIl", evil)),
	} {
		f := save(t, store, name, content, &media.SaveOptions{Types: media.Images})
		stored := read(t, store, f.Name)
		require.NotContains(t, string(stored), "evil", name)
		require.NotContains(t, string(stored), evil, name)
		if strings.HasSuffix(name, ".jpg") {
			require.Equal(t, picture, stored, "the pixels are as they were, bit for bit")
		} else {
			require.Equal(t, drawing, stored)
		}
		v := save(t, store, "verbatim-"+name, content, &media.SaveOptions{Types: media.Images, Verbatim: true})
		require.Equal(t, content, read(t, store, v.Name))
	}
}

func TestOrientationOnSave(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	// Red grows from left to right in the stored picture; turned clockwise, from top to bottom.
	profile := segment(0xE2, "ICC_PROFILE\x00\x01\x01"+string(media.ICC("RGB ", 0)))
	for name, content := range map[string][]byte{
		"side.jpg": insert(jpegOf(t, gradient(80, 40)), 2, exif(6), profile),
		"side.png": insert(pngOf(t, gradient(80, 40)), 33, pngChunk("iCCP", "of a camera\x00\x00"+deflated(t, media.ICC("RGB ", 0))), pngChunk("eXIf", string(exif(6)[10:]))),
	} {
		f := save(t, store, name, content, &media.SaveOptions{Types: media.Images})
		require.Equal(t, [2]int{40, 80}, [2]int{f.Width, f.Height})
		stored := read(t, store, f.Name)
		require.NotContains(t, string(stored), "GPS")
		require.NotContains(t, string(stored), "Exif")
		if name == "side.jpg" {
			require.Contains(t, string(stored), string(profile), "the colour profile stays")
		}
		require.Equal(t, media.ICC("RGB ", 0), profileOf(t, stored))
		requireTurned(t, decode(t, stored), 40, 80)

		v := save(t, store, "verbatim-"+name, content, &media.SaveOptions{Types: media.Images, Verbatim: true})
		require.Equal(t, [2]int{40, 80}, [2]int{v.Width, v.Height}, "as it is to be seen")
		require.Equal(t, content, read(t, store, v.Name))
		r, err := store.Variant(t.Context(), v.Name, media.Variant{Width: 20, Height: 40})
		require.NoError(t, err)
		defer r.Close()
		requireTurned(t, decodeReader(t, r), 20, 40)
	}
	upright := insert(jpegOf(t, gradient(80, 40)), 2, exif(1), profile)
	f := save(t, store, "upright.jpg", upright, &media.SaveOptions{Types: media.Images})
	require.Equal(t, insert(jpegOf(t, gradient(80, 40)), 2, profile), read(t, store, f.Name), "without a turn nothing is encoded again")
}

func decodeReader(t *testing.T, r *media.Reader) image.Image {
	t.Helper()
	img, _, err := image.Decode(r)
	require.NoError(t, err)
	return img
}

func requireTurned(t *testing.T, img image.Image, width, height int) {
	t.Helper()
	require.Equal(t, image.Pt(width, height), img.Bounds().Size())
	red := func(x, y int) int { r, _, _, _ := img.At(x, y).RGBA(); return int(r >> 8) }
	green := func(x, y int) int { _, g, _, _ := img.At(x, y).RGBA(); return int(g >> 8) }
	require.Less(t, red(width/2, 2), 40)
	require.Greater(t, red(width/2, height-3), 210)
	require.Greater(t, green(2, height/2), 190)
	require.Less(t, green(width-3, height/2), 60)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	store := open(t, &media.Options{MaxBytes: 10, MaxPixels: 100})
	_, err := store.Save(t.Context(), "f", strings.NewReader("12345678901"), nil)
	require.ErrorIs(t, err, media.ErrTooLarge)
	save(t, store, "f", []byte("1234567890"), nil)
	save(t, store, "g", []byte("12345678901"), &media.SaveOptions{MaxBytes: 11})
	save(t, store, "h", []byte("123456789012345"), &media.SaveOptions{MaxBytes: -1})
	_, err = store.Save(t.Context(), "f", strings.NewReader("x"), &media.SaveOptions{MaxBytes: -2})
	require.ErrorIs(t, err, media.ErrInvalid)
	save(t, store, "p.png", pngOf(t, gradient(10, 10)), &media.SaveOptions{MaxBytes: -1})
	_, err = store.Save(t.Context(), "q.png", bytes.NewReader(pngOf(t, gradient(10, 11))), &media.SaveOptions{MaxBytes: -1})
	require.ErrorIs(t, err, media.ErrTooLarge)
}

// An endless upload is stopped at the limit, not read to its end.
func TestEndlessUpload(t *testing.T) {
	t.Parallel()
	store := open(t, &media.Options{MaxBytes: 5 << 20})
	var taken int
	endless := readerFunc(func(p []byte) (int, error) { taken += len(p); return len(p), nil })
	_, err := store.Save(t.Context(), "f", endless, nil)
	require.ErrorIs(t, err, media.ErrTooLarge)
	require.Less(t, taken, 6<<20)
	requireEmpty(t, store)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Decoding waits for memory, and gives up with its caller.
func TestDecodeMemory(t *testing.T) {
	t.Parallel()
	store := open(t, &media.Options{DecodeMemory: 1})
	f := save(t, store, "a.png", pngOf(t, gradient(50, 50)), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Save(ctx, "b.png", bytes.NewReader(pngOf(t, gradient(50, 50))), nil)
	require.ErrorIs(t, err, context.Canceled)
	for range 3 { // one after the other, each over the bound alone
		r, err := store.Variant(t.Context(), f.Name, media.Variant{Width: 10})
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	for name, content := range map[string]string{
		"notes.txt": "plain words", "table.csv": "a,b\n1,2\n", "data.json": `{"a": 1}`, "read.md": "# Title\n<svg/>", "page.html": "<!DOCTYPE html><p>",
		"list.xml": `<?xml version="1.0"?><list/>`, "sheet.pdf": "%PDF-1.7\n", "doc.docx": "PK\x03\x04word", "sound.mp3": "\xff\xfb\x90\x64aaaaaaaaaaaa",
		"unknown.xyz": "\x00\x01\x02\x03", "archive.zip": "PK\x03\x04", "scan.tiff": "II*\x00aaaaaaaaaaa", "photo.heic": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
	} {
		_, err := store.Save(t.Context(), name, strings.NewReader(content), nil)
		require.NoError(t, err, name)
	}
	f := save(t, store, "table.csv", []byte("a,b\n1,2\n"), &media.SaveOptions{Types: []string{"text/csv"}})
	require.Equal(t, "text/csv", f.Type)
	f = save(t, store, "no-extension", jpegOf(t, gradient(8, 8)), &media.SaveOptions{Types: media.Images})
	require.Equal(t, media.JPEG, f.Type)
	f = save(t, store, "UPPER.JPG", jpegOf(t, gradient(8, 8)), &media.SaveOptions{Types: media.Images, ByContent: true})
	require.Equal(t, f.SHA256[:2]+"/"+f.SHA256+".jpg", f.Name)
}

func TestNormalisedNames(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	f := save(t, store, "cafe\u0301.txt", []byte("decomposed"), nil)
	require.Equal(t, "caf\u00e9.txt", f.Name)
	for _, name := range []string{"cafe\u0301.txt", "caf\u00e9.txt"} {
		found, err := store.Stat(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, f, found)
	}
	require.Equal(t, "/caf%C3%A9.txt", store.URL("cafe\u0301.txt"))
}
