package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/webp"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/webpenc"
)

func webpStore(t testing.TB) *media.Store { return open(t, &media.Options{WebP: webpenc.New()}) }

// badge is a disc with a soft edge on nothing.
func badge(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			dx, dy := x-width/2, y-height/2
			a := min(max(8*(width*width/9-dx*dx-dy*dy)/max(width, 1), 0), 255)
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 255 / width), uint8(y * 255 / height), 80, uint8(a)})
		}
	}
	return img
}

// webpChunks lists the kinds of a file's chunks and the body of one.
func webpChunks(t testing.TB, content []byte, want string) (kinds []string, body []byte) {
	t.Helper()
	for at := 12; at < len(content); {
		kind, size := string(content[at:at+4]), int(binary.LittleEndian.Uint32(content[at+4:]))
		kinds = append(kinds, kind)
		if kind == want {
			body = content[at+8 : at+8+size]
		}
		at += 8 + size + size&1
	}
	return kinds, body
}

// A variant as WebP looks like the one as PNG, is transparent where that is, and has its colour profile. Saved as an original it passes all checks.
func TestWebPVariants(t *testing.T) {
	t.Parallel()
	store := webpStore(t)
	profile := media.ICC("RGB ", 0)
	for name, c := range map[string]struct {
		content []byte
		chunks  []string
	}{
		"opaque.png":      {pngOf(t, gradient(300, 200)), []string{"VP8 "}},
		"opaque.jpg":      {jpegOf(t, gradient(301, 203)), []string{"VP8 "}},
		"transparent.png": {pngOf(t, badge(300, 200)), []string{"VP8X", "ALPH", "VP8 "}},
		"profile.jpg":     {withProfile(t, media.JPEG, gradient(300, 200), profile), []string{"VP8X", "ICCP", "VP8 "}},
		"both.png":        {withProfile(t, media.PNG, badge(301, 203), profile), []string{"VP8X", "ICCP", "ALPH", "VP8 "}},
		"tiny.png":        {pngOf(t, gradient(1, 1)), []string{"VP8 "}},
	} {
		f := save(t, store, name, c.content, nil)
		r, err := store.Variant(t.Context(), f.Name, media.Variant{Width: 150, Format: media.WebP, Quality: 95})
		require.NoError(t, err, name)
		made := r.File()
		require.NoError(t, r.Close())
		require.Equal(t, media.WebP, made.Type)
		content := variantBytes(t, store, f.Name, media.Variant{Width: 150, Format: media.WebP, Quality: 95})
		kinds, carried := webpChunks(t, content, "ICCP")
		require.Equal(t, c.chunks, kinds, name)
		if carried != nil {
			require.Equal(t, profile, carried)
		}
		again := save(t, store, "again.webp", content, &media.SaveOptions{Types: media.Images})
		require.Equal(t, [2]int{made.Width, made.Height}, [2]int{again.Width, again.Height})
		got := decode(t, variantBytes(t, store, again.Name, media.Variant{Width: 150, Format: media.PNG}))
		want := decode(t, variantBytes(t, store, f.Name, media.Variant{Width: 150, Format: media.PNG}))
		require.Equal(t, want.Bounds(), got.Bounds())
		var off, count float64
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				a, b := color.NRGBAModel.Convert(want.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA)
				require.Equal(t, a.A, b.A, "%s at %d,%d", name, x, y)
				if a.A > 0 {
					off += abs(a.R, b.R) + abs(a.G, b.G) + abs(a.B, b.B)
					count += 3
				}
			}
		}
		require.Less(t, off/count, 4.0, name) // what is left is the edge, where colours have half the resolution
	}
}

func abs(a, b uint8) float64 { return max(float64(a)-float64(b), float64(b)-float64(a)) }

// Any transparency comes back exactly out of another decoder, whatever its size.
func TestWebPTransparencyIsExact(t *testing.T) {
	t.Parallel()
	store := webpStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		width, height := rapid.IntRange(1, 90).Draw(rt, "width"), rapid.IntRange(1, 90).Draw(rt, "height")
		few := rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(rt, "values")
		runs := rapid.IntRange(1, 200).Draw(rt, "runs")
		noisy := rapid.Bool().Draw(rt, "noisy")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		img := gradient(width, height)
		value := few[0]
		for i := 3; i < len(img.Pix); i += 4 {
			if r.IntN(runs) == 0 {
				value = few[r.IntN(len(few))]
			}
			img.Pix[i] = value
			if noisy {
				img.Pix[i] = byte(r.Uint32())
			}
		}
		f, err := store.Save(t.Context(), "a.png", bytes.NewReader(pngOf(t, img)), nil)
		require.NoError(rt, err)
		got, err := webp.Decode(bytes.NewReader(variantBytes(t, store, f.Name, media.Variant{Width: 100, Format: media.WebP})))
		require.NoError(rt, err)
		require.Equal(rt, image.Rect(0, 0, width, height), got.Bounds())
		for y := range height {
			for x := range width {
				_, _, _, a := got.At(x, y).RGBA()
				if uint8(a>>8) != img.NRGBAAt(x, y).A {
					rt.Fatalf("%d,%d is %d, was %d", x, y, a>>8, img.NRGBAAt(x, y).A)
				}
			}
		}
	})
}

// Lossy WebP has the colours of television; white must not become gray.
func TestWebPColorsAreRead(t *testing.T) {
	t.Parallel()
	store := webpStore(t)
	for _, c := range []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {30, 120, 200, 255}} {
		img := image.NewNRGBA(image.Rect(0, 0, 40, 40))
		for i := 0; i < len(img.Pix); i += 4 {
			copy(img.Pix[i:], []byte{c.R, c.G, c.B, c.A})
		}
		original := save(t, store, "a.png", pngOf(t, img), nil)
		f := save(t, store, "a.webp", variantBytes(t, store, original.Name, media.Variant{Width: 40, Format: media.WebP, Quality: 100}), nil)
		got := color.NRGBAModel.Convert(decode(t, variantBytes(t, store, f.Name, media.Variant{Width: 20, Format: media.PNG})).At(9, 9)).(color.NRGBA)
		require.InDelta(t, c.R, got.R, 3, "%v is %v", c, got)
		require.InDelta(t, c.G, got.G, 3, "%v is %v", c, got)
		require.InDelta(t, c.B, got.B, 3, "%v is %v", c, got)
	}
}

// Who takes WebP gets it from the same address, and caches are told so; nobody else does.
func TestHandlerNegotiatesWebP(t *testing.T) {
	t.Parallel()
	store := webpStore(t)
	f := save(t, store, "a.jpg", jpegOf(t, gradient(300, 200)), nil)
	sizes := media.Variants{{Name: "card", Width: 100}, {Name: "fixed", Width: 100, Format: media.PNG}, {Name: "always", Width: 90, Format: media.WebP}, {Name: "tall", Width: 8192, Height: 8192}}
	h := media.Handler(store, &media.HandlerOptions{Variants: sizes})
	const chrome = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
	etags := map[string]string{}
	for _, c := range []struct{ target, accept, mediaType, vary string }{
		{"/a.jpg?v=card", chrome, media.WebP, "Accept"},
		{"/a.jpg?v=card", "image/png, IMAGE/WebP;q=0.1", media.WebP, "Accept"},
		{"/a.jpg?v=card", "", media.JPEG, "Accept"},
		{"/a.jpg?v=card", "*/*", media.JPEG, "Accept"},
		{"/a.jpg?v=card", "image/*", media.JPEG, "Accept"},
		{"/a.jpg?v=card", "image/webp;q=0, */*", media.JPEG, "Accept"},
		{"/a.jpg?v=card", "image/webp;q=x", media.JPEG, "Accept"},
		{"/a.jpg?v=card&f=webp", "", media.WebP, ""},
		{"/a.jpg?v=fixed", chrome, media.PNG, ""},
		{"/a.jpg?v=always", "", media.WebP, ""},
		{"/a.jpg?v=always&f=webp", "", media.WebP, ""},
		{"/a.jpg", chrome, media.JPEG, ""},
		{"/a.jpg?f=webp", chrome, media.JPEG, ""}, // an original is what it is
	} {
		r := do(h, "GET", c.target, map[string]string{"Accept": c.accept})
		require.Equal(t, 200, r.StatusCode, c)
		require.Equal(t, c.mediaType, r.Header.Get("Content-Type"), c)
		require.Equal(t, c.vary, r.Header.Get("Vary"), c)
		require.Equal(t, c.mediaType, media.Sniff([]byte(body(t, r))), c)
		etags[c.mediaType+c.target] = r.Header.Get("Etag")
	}
	jpegTag, webpTag := etags[media.JPEG+"/a.jpg?v=card"], etags[media.WebP+"/a.jpg?v=card"]
	require.NotEqual(t, jpegTag, webpTag)
	require.Equal(t, webpTag, etags[media.WebP+"/a.jpg?v=card&f=webp"])
	r := do(h, "GET", "/a.jpg?v=card", map[string]string{"Accept": chrome, "If-None-Match": webpTag})
	require.Equal(t, http.StatusNotModified, r.StatusCode)
	require.Equal(t, "Accept", r.Header.Get("Vary"))
	require.Equal(t, 200, do(h, "GET", "/a.jpg?v=card", map[string]string{"If-None-Match": webpTag}).StatusCode, "the other picture")
	for _, target := range []string{"/a.jpg?v=card&f=png", "/a.jpg?v=fixed&f=webp", "/a.jpg?v=none&f=webp"} {
		require.Equal(t, 404, do(h, "GET", target, nil).StatusCode, target)
	}
	require.NotContains(t, sizes.SrcsetWebP("/a.jpg", f), "fixed")

	plain := open(t, nil)
	save(t, plain, "a.jpg", jpegOf(t, gradient(300, 200)), nil)
	h = media.Handler(plain, &media.HandlerOptions{Variants: media.Shop})
	r = do(h, "GET", "/a.jpg?v=card", map[string]string{"Accept": chrome})
	require.Equal(t, media.JPEG, r.Header.Get("Content-Type"))
	require.Empty(t, r.Header.Get("Vary"), "there is no choice")
	require.Equal(t, 404, do(h, "GET", "/a.jpg?v=card&f=webp", nil).StatusCode)
	require.Panics(t, func() { media.Handler(plain, &media.HandlerOptions{Variants: sizes}) })
	_, err := plain.Variant(t.Context(), "a.jpg", media.Variant{Width: 10, Format: media.WebP})
	require.ErrorIs(t, err, media.ErrInvalid)
}

// What is too large for WebP comes in the other format, and is not made ahead of time.
func TestWebPIsBounded(t *testing.T) {
	t.Parallel()
	store := webpStore(t)
	img := image.NewGray(image.Rect(0, 0, 3000, 3000))
	f := save(t, store, "a.png", pngOf(t, img), nil)
	huge := media.Variant{Name: "huge", Width: 8192, Height: 8192}
	h := media.Handler(store, &media.HandlerOptions{Variants: media.Variants{huge}})
	for _, target := range []string{"/a.png?v=huge", "/a.png?v=huge&f=webp"} {
		r := do(h, "GET", target, map[string]string{"Accept": media.WebP})
		require.Equal(t, media.PNG, r.Header.Get("Content-Type"), target)
	}
	require.Empty(t, media.Variants{huge}.SrcsetWebP("/a.png", f))
	huge.Format = media.WebP
	_, err := store.Variant(t.Context(), f.Name, huge)
	require.ErrorIs(t, err, media.ErrTooLarge)
	require.NoError(t, store.MakeVariants(t.Context(), media.VariantJob{Name: f.Name, Variants: []string{huge.String(), "9x9,webp"}}))

	// Dimensions that the store has not been told are found before anything is decoded.
	unknown, err := media.New(withoutSize{store.Driver()}, &media.Options{WebP: refusing{}, VariantStore: open(t, nil)})
	require.NoError(t, err)
	_, err = unknown.Variant(t.Context(), f.Name, huge)
	require.ErrorIs(t, err, media.ErrTooLarge)
	_, err = unknown.Variant(t.Context(), f.Name, media.Variant{Width: 9, Format: media.WebP})
	require.ErrorIs(t, err, errRefused)
}

type withoutSize struct{ media.Driver }

func (w withoutSize) Stat(ctx context.Context, name string) (media.File, error) {
	f, err := w.Driver.Stat(ctx, name)
	f.Width, f.Height = 0, 0
	return f, err
}

var errRefused = errors.New("refused")

type refusing struct{}

func (refusing) Encode(io.Writer, *image.NRGBA, int) error { return errRefused }
func (refusing) Memory(pixels int64) int64                 { return pixels }

// odd returns of an encoder are found before they are kept.
type odd struct{ content []byte }

func (o odd) Encode(w io.Writer, _ *image.NRGBA, _ int) error {
	_, err := w.Write(o.content)
	return err
}
func (odd) Memory(pixels int64) int64 { return pixels }

func TestWebPOfOddEncoders(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"nothing": nil, "no WebP": []byte("RIFF????WAVE"), "lossless": media.TinyWebP, "JPEG": jpegOf(t, gradient(9, 9))} {
		store := open(t, &media.Options{WebP: odd{content}})
		f := save(t, store, "a.png", pngOf(t, gradient(9, 9)), nil)
		_, err := store.Variant(t.Context(), f.Name, media.Variant{Width: 9, Format: media.WebP})
		require.ErrorContains(t, err, "WebP encoder", name)
	}
}

// Many at a time share the memory that there is, and each gets its picture.
func TestWebPTogether(t *testing.T) {
	t.Parallel()
	store := open(t, &media.Options{WebP: webpenc.New(), DecodeMemory: 1 << 20})
	f := save(t, store, "a.png", pngOf(t, gradient(200, 200)), nil)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			r, err := store.Variant(t.Context(), f.Name, media.Variant{Width: 180 + i, Format: media.WebP})
			if err == nil {
				_, err = webp.Decode(r)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// callCounter counts what an encoder is asked for.
type callCounter struct {
	media.WebPEncoder
	calls *atomic.Int64
}

func (c callCounter) Encode(w io.Writer, img *image.NRGBA, quality int) error {
	c.calls.Add(1)
	return c.WebPEncoder.Encode(w, img, quality)
}

// What was made ahead of time as WebP is what the Handler sends to who takes it.
func TestWebPAheadOfTime(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	ahead := media.Variants{{Name: "card", Width: 100, Height: 100}, {Name: "card-webp", Width: 100, Height: 100, Format: media.WebP}}
	var jobs []media.VariantJob
	store := open(t, &media.Options{WebP: callCounter{webpenc.New(), &calls}, Ahead: ahead, Prepare: func(_ context.Context, job media.VariantJob) error {
		jobs = append(jobs, job)
		return nil
	}})
	save(t, store, "a.jpg", jpegOf(t, gradient(300, 200)), nil)
	require.Len(t, jobs, 1)
	require.NoError(t, store.MakeVariants(t.Context(), jobs[0]))
	require.EqualValues(t, 1, calls.Load())
	h := media.Handler(store, &media.HandlerOptions{Variants: ahead[:1]})
	require.Equal(t, media.WebP, do(h, "GET", "/a.jpg?v=card", map[string]string{"Accept": media.WebP}).Header.Get("Content-Type"))
	require.EqualValues(t, 1, calls.Load(), "it was there")
}
