package media_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/media"
)

func variant(t *testing.T, store *media.Store, name string, v media.Variant) (media.File, image.Image) {
	t.Helper()
	r, err := store.Variant(t.Context(), name, v)
	require.NoError(t, err)
	defer r.Close()
	img, format, err := image.Decode(r)
	require.NoError(t, err)
	require.Equal(t, r.File().Type, "image/"+format)
	require.Equal(t, image.Pt(r.File().Width, r.File().Height), img.Bounds().Size())
	return r.File(), img
}

func TestVariantSizes(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	wide := save(t, store, "wide.png", pngOf(t, gradient(400, 200)), nil)
	thin := save(t, store, "thin.png", pngOf(t, gradient(3, 400)), nil)
	for _, test := range []struct {
		file          media.File
		v             media.Variant
		width, height int
	}{
		{wide, media.Variant{Width: 100, Height: 100}, 100, 50},
		{wide, media.Variant{Width: 100}, 100, 50},
		{wide, media.Variant{Height: 100}, 200, 100},
		{wide, media.Variant{Width: 800, Height: 800}, 400, 200},
		{wide, media.Variant{Width: 100, Height: 100, Fit: media.Cover}, 100, 100},
		{wide, media.Variant{Width: 300, Height: 100, Fit: media.Cover}, 300, 100},
		{wide, media.Variant{Width: 800, Height: 800, Fit: media.Cover}, 200, 200},
		{wide, media.Variant{Width: 1, Height: 1}, 1, 1},
		{thin, media.Variant{Width: 100, Height: 100}, 1, 100},
		{thin, media.Variant{Width: 8192, Height: 8192}, 3, 400},
		{thin, media.Variant{Width: 100, Height: 1, Fit: media.Cover}, 3, 1},
	} {
		f, _ := variant(t, store, test.file.Name, test.v)
		require.Equal(t, [2]int{test.width, test.height}, [2]int{f.Width, f.Height}, "%s of %s", test.v, test.file.Name)
	}
}

func TestVariantFormats(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	clear := gradient(60, 60)
	clear.SetNRGBA(0, 0, color.NRGBA{})
	for y := range 30 {
		for x := range 30 {
			clear.SetNRGBA(x, y, color.NRGBA{})
		}
	}
	jpg := save(t, store, "a.jpg", jpegOf(t, gradient(60, 60)), nil)
	png := save(t, store, "a.png", pngOf(t, clear), nil)
	webp := save(t, store, "a.webp", media.TinyWebP, nil)

	f, _ := variant(t, store, jpg.Name, media.Variant{Width: 30})
	require.Equal(t, media.JPEG, f.Type)
	f, img := variant(t, store, png.Name, media.Variant{Width: 30})
	require.Equal(t, media.PNG, f.Type)
	_, _, _, alpha := img.At(2, 2).RGBA()
	require.Zero(t, alpha, "transparency stays")
	f, img = variant(t, store, png.Name, media.Variant{Width: 30, Format: media.JPEG})
	require.Equal(t, media.JPEG, f.Type)
	r, g, b, _ := img.At(2, 2).RGBA()
	require.Greater(t, min(r, g, b), uint32(0xF000), "transparency becomes white")
	f, _ = variant(t, store, jpg.Name, media.Variant{Width: 30, Format: media.PNG})
	require.Equal(t, media.PNG, f.Type)
	f, _ = variant(t, store, webp.Name, media.Variant{Width: 30})
	require.Contains(t, []string{media.PNG, media.JPEG}, f.Type)

	low, _ := variant(t, store, jpg.Name, media.Variant{Width: 50, Quality: 5})
	high, _ := variant(t, store, jpg.Name, media.Variant{Width: 50, Quality: 95})
	require.Less(t, low.Size, high.Size)
}

func TestVariantFocus(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	// Red grows from left to right.
	content := pngOf(t, gradient(400, 100))
	plain := save(t, store, "plain.png", content, nil)
	right := save(t, store, "right.png", content, &media.SaveOptions{Metadata: map[string]string{media.FocusKey: "1,0"}})
	broken := save(t, store, "broken.png", content, &media.SaveOptions{Metadata: map[string]string{media.FocusKey: "somewhere"}})
	square := media.Variant{Width: 50, Height: 50, Fit: media.Cover}
	middle := func(f media.File, focus media.Focus) int {
		v := square
		v.Focus = focus
		_, img := variant(t, store, f.Name, v)
		r, _, _, _ := img.At(25, 25).RGBA()
		return int(r >> 8)
	}
	require.InDelta(t, 127, middle(plain, media.Focus{}), 4)
	require.InDelta(t, 32, middle(plain, media.Focus{X: -1}), 4)
	require.InDelta(t, 223, middle(plain, media.Focus{X: 1}), 4)
	require.InDelta(t, 159, middle(plain, media.Focus{X: 0.25}), 4)
	require.InDelta(t, 223, middle(right, media.Focus{}), 4, "the image has a focus of its own")
	require.InDelta(t, 32, middle(right, media.Focus{X: -1}), 4, "that of the variant goes before it")
	require.InDelta(t, 127, middle(broken, media.Focus{}), 4)
}

// counting counts what reaches the driver.
type counting struct {
	media.Driver
	opens, puts atomic.Int32
	putError    error
}

func (c *counting) Open(ctx context.Context, f media.File, offset, length int64) (io.ReadCloser, error) {
	if !strings.HasPrefix(f.Name, ".variants/") {
		c.opens.Add(1)
	}
	return c.Driver.Open(ctx, f, offset, length)
}

func (c *counting) Put(ctx context.Context, u *media.Upload) (media.File, error) {
	c.puts.Add(1)
	if c.putError != nil {
		return media.File{}, c.putError
	}
	return c.Driver.Put(ctx, u)
}

func TestVariantIsMadeOnce(t *testing.T) {
	t.Parallel()
	c := &counting{Driver: open(t, nil).Driver()}
	store, err := media.New(c, nil)
	require.NoError(t, err)
	f := save(t, store, "a.jpg", jpegOf(t, gradient(500, 500)), nil)
	same := save(t, store, "b.jpg", jpegOf(t, gradient(500, 500)), nil)
	c.puts.Store(0)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			r, err := store.Variant(t.Context(), f.Name, media.Shop[0])
			if err == nil {
				err = r.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	require.EqualValues(t, 1, c.opens.Load(), "the original is read once")
	require.EqualValues(t, 1, c.puts.Load())
	variant(t, store, same.Name, media.Shop[0])
	require.EqualValues(t, 1, c.puts.Load(), "the same content has the same variants")

	renamed := media.Shop[0]
	renamed.Name = "another-name"
	variant(t, store, f.Name, renamed)
	require.EqualValues(t, 1, c.puts.Load(), "the name of a variant is no part of it")
	replaced := save(t, store, f.Name, jpegOf(t, gradient(500, 250)), &media.SaveOptions{Replace: true})
	v, _ := variant(t, store, replaced.Name, media.Shop[0])
	require.Equal(t, 80, v.Height, "a replaced image has new variants")
}

// replacing replaces a file right after it has been looked at.
type replacing struct {
	media.Driver
	once func()
}

func (r *replacing) Stat(ctx context.Context, name string) (media.File, error) {
	f, err := r.Driver.Stat(ctx, name)
	if replace := r.once; replace != nil {
		r.once = nil
		replace()
	}
	return f, err
}

// OpenFile implements media.Opener, the way that does not compare hashes by itself.
func (r *replacing) OpenFile(ctx context.Context, name string) (media.File, io.ReadSeekCloser, error) {
	return r.Driver.(media.Opener).OpenFile(ctx, name)
}

// A variant of the new content is never kept, nor shown, as one of the old.
func TestVariantOfReplacedOriginal(t *testing.T) {
	t.Parallel()
	inner := open(t, nil)
	f := save(t, inner, "a.jpg", jpegOf(t, gradient(400, 400)), nil)
	driver := &replacing{Driver: inner.Driver(), once: func() {
		save(t, inner, "a.jpg", jpegOf(t, gradient(400, 200)), &media.SaveOptions{Replace: true})
	}}
	store, err := media.New(driver, nil)
	require.NoError(t, err)
	v, _ := variant(t, store, f.Name, media.Shop[0])
	require.Equal(t, [2]int{160, 80}, [2]int{v.Width, v.Height})
	old := save(t, store, "old.jpg", jpegOf(t, gradient(400, 400)), nil)
	v, _ = variant(t, store, old.Name, media.Shop[0])
	require.Equal(t, [2]int{160, 160}, [2]int{v.Width, v.Height})
}

func TestVariantThatCannotBeKept(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := &counting{Driver: open(t, nil).Driver()}
	store, err := media.New(c, &media.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	f := save(t, store, "a.jpg", jpegOf(t, gradient(500, 500)), nil)
	c.putError = media.ErrFull
	v, _ := variant(t, store, f.Name, media.Shop[0])
	require.Equal(t, 160, v.Width)
	require.Contains(t, log.String(), "no room left")
}

func TestVariantStore(t *testing.T) {
	t.Parallel()
	side := open(t, nil)
	store := open(t, &media.Options{VariantStore: side})
	f := save(t, store, "a.jpg", jpegOf(t, gradient(500, 500)), nil)
	variant(t, store, f.Name, media.Shop[0])
	kept, err := side.Driver().(media.Lister).List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.NoError(t, store.Delete(t.Context(), f.Name))
	requireEmpty(t, store)
	requireEmpty(t, side)
}

// ownNames names files itself, as FastDFS does.
type ownNames struct {
	media.Driver
	derive func(name, label, ext string) (string, error)
	next   atomic.Int32
}

func (o *ownNames) Put(ctx context.Context, u *media.Upload) (media.File, error) {
	inner := *u
	if u.From == "" {
		inner.Name = "group1/M00/" + string('a'+o.next.Add(1))
	}
	return o.Driver.Put(ctx, &inner)
}

func (o *ownNames) Derive(name, label, ext string) (string, error) { return o.derive(name, label, ext) }

func TestVariantOfDriverWithOwnNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		derive func(name, label, ext string) (string, error)
		kept   int
	}{
		"slave files":    {func(name, label, ext string) (string, error) { return name + label + "." + ext, nil }, 2},
		"no such names":  {func(string, string, string) (string, error) { return "", errors.ErrUnsupported }, 1},
		"names as given": {func(string, string, string) (string, error) { return "", nil }, 2},
	} {
		inner := open(t, nil)
		store, err := media.New(&ownNames{Driver: inner.Driver(), derive: test.derive}, nil)
		require.NoError(t, err)
		f := save(t, store, "a.jpg", jpegOf(t, gradient(300, 300)), nil)
		require.Equal(t, "group1/M00/b", f.Name)
		for range 2 {
			v, _ := variant(t, store, f.Name, media.Shop[0])
			require.Equal(t, 160, v.Width)
		}
		files, err := inner.Driver().(media.Lister).List(t.Context(), "", "", 10)
		require.NoError(t, err)
		require.Len(t, files, test.kept, name)
	}
	store, err := media.New(&ownNames{Driver: open(t, nil).Driver(), derive: func(string, string, string) (string, error) { return "", errTrouble }}, nil)
	require.NoError(t, err)
	f := save(t, store, "a.jpg", jpegOf(t, gradient(300, 300)), nil)
	_, err = store.Variant(t.Context(), f.Name, media.Shop[0])
	require.ErrorIs(t, err, errTrouble)
}

func TestVariantOfDamagedOriginal(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	content := bombPNG(65535, 65535) // as another program may have put it there
	_, err := store.Driver().Put(t.Context(), &media.Upload{Name: "bomb.png", Size: int64(len(content)), Type: media.PNG, SHA256: strings.Repeat("0", 64), Content: bytes.NewReader(content)})
	require.NoError(t, err)
	_, err = store.Variant(t.Context(), "bomb.png", media.Shop[0])
	require.ErrorIs(t, err, media.ErrTooLarge)
}

func TestVariantCallerLeaves(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	f := save(t, store, "a.jpg", jpegOf(t, gradient(300, 300)), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Variant(ctx, f.Name, media.Shop[0])
	require.ErrorIs(t, err, context.Canceled)
	v, _ := variant(t, store, f.Name, media.Shop[0])
	require.Equal(t, 160, v.Width)
}

func TestSrcset(t *testing.T) {
	t.Parallel()
	f := media.File{Width: 1000, Height: 500, SHA256: strings.Repeat("ab", 32)}
	const h = "h=abababababababab&v="
	require.Equal(t, "/i/a.jpg?"+h+"thumb 160w, /i/a.jpg?"+h+"card 400w, /i/a.jpg?"+h+"product 800w, /i/a.jpg?"+h+"zoom 1000w", media.Shop.Srcset("/i/a.jpg", f))
	f.Width, f.Height = 300, 600
	require.Equal(t, "/i/a.jpg?"+h+"thumb 80w, /i/a.jpg?"+h+"card 200w, /i/a.jpg?"+h+"product 300w", media.Shop.Srcset("/i/a.jpg", f))
	require.Empty(t, media.Shop.Srcset("/i/a.jpg", media.File{}), "not of an image")
	require.Empty(t, media.Variants{{Name: "c", Width: 10, Height: 10, Fit: media.Cover}}.Srcset("/a", f))
}

// Properties of sizes: never larger than box or image, touching one of them, and in proportion.
func TestVariantSizeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := media.File{Width: rapid.IntRange(1, 70_000).Draw(t, "width"), Height: rapid.IntRange(1, 70_000).Draw(t, "height")}
		v := media.Variant{Width: rapid.IntRange(0, 8192).Draw(t, "box width"), Height: rapid.IntRange(1, 8192).Draw(t, "box height")}
		if rapid.Bool().Draw(t, "cover") && v.Width > 0 {
			v.Fit = media.Cover
		}
		w, h := v.Size(f.Width, f.Height)
		switch {
		case w < 1 || h < 1 || w > f.Width || h > f.Height || v.Width > 0 && w > v.Width || h > v.Height:
			t.Fatalf("%s of %d×%d is %d×%d", v, f.Width, f.Height, w, h)
		case w != f.Width && h != f.Height && w != v.Width && h != v.Height:
			t.Fatalf("%s of %d×%d is %d×%d: smaller than it must be", v, f.Width, f.Height, w, h)
		case v.Fit == media.Contain:
			// Off by at most half a pixel from the exact proportion, or held up at one pixel.
			exact := float64(w) * float64(f.Height) / float64(f.Width)
			other := float64(h) * float64(f.Width) / float64(f.Height)
			if w > 1 && h > 1 && max(exact-float64(h), float64(h)-exact) > 0.51 && max(other-float64(w), float64(w)-other) > 0.51 {
				t.Fatalf("%s of %d×%d is %d×%d: out of proportion", v, f.Width, f.Height, w, h)
			}
		}
	})
}

func TestParseVariant(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]media.Variant{
		"400x300":      {Width: 400, Height: 300},
		"card=400x0":   {Name: "card", Width: 400},
		"0x80,contain": {Height: 80},
		"hero=1200x400,cover,focus:0.25:-0.5,jpeg,q80": {Name: "hero", Width: 1200, Height: 400, Fit: media.Cover, Focus: media.Focus{X: 0.25, Y: -0.5}, Format: media.JPEG, Quality: 80},
		"1x1,png": {Width: 1, Height: 1, Format: media.PNG},
	} {
		v, err := media.ParseVariant(spec)
		require.NoError(t, err, spec)
		require.Equal(t, want, v)
	}
	for _, spec := range []string{
		"", "x", "0x0", "400", "-1x5", "9999x1", "100000x1", "4 00x300", "400x300,", "400x300,,png", "400x300,q0", "400x300,q101", "400x300,q",
		"400x0,cover", "400x300,focus:2:0", "400x300,focus:NaN:0", "400x300,focus:1", "Card=1x1", "a/b=1x1", strings.Repeat("a", 33) + "=1x1", strings.Repeat("9", 1000),
	} {
		_, err := media.ParseVariant(spec)
		require.ErrorIs(t, err, media.ErrInvalid, spec)
	}
}

func FuzzParseVariant(f *testing.F) {
	f.Add("card=400x300,cover,focus:0.25:-0.5,jpeg,q80")
	f.Add("0x1,focus:-0:1e-3")
	f.Fuzz(func(t *testing.T, spec string) {
		v, err := media.ParseVariant(spec)
		if err != nil {
			if !errors.Is(err, media.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := media.ParseVariant(v.String())
		if err != nil || again != v {
			t.Fatalf("%q: %+v, written %q: %+v, %v", spec, v, v.String(), again, err)
		}
	})
}
