package media_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	driver := open(t, nil).Driver()
	for name, bad := range map[string]media.Options{
		"bytes": {MaxBytes: -2}, "pixels": {MaxPixels: -2}, "memory": {DecodeMemory: -7}, "short key": {SigningKeys: [][]byte{[]byte("0123456789abcde")}},
		"query": {BaseURL: "/img?x=1"}, "scheme": {BaseURL: "javascript:alert(1)"}, "not a URL": {BaseURL: "http://[::1"},
	} {
		_, err := media.New(driver, &bad)
		require.ErrorIs(t, err, media.ErrInvalid, name)
		require.NotContains(t, err.Error(), "0123456789abcde", "a key in a message")
	}
	_, err := media.New(nil, nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	for base, want := range map[string]string{"": "/a%20b", "/img": "/img/a%20b", "/img/": "/img/a%20b", "https://cdn.example.com/x": "https://cdn.example.com/x/a%20b"} {
		store, err := media.New(driver, &media.Options{BaseURL: base})
		require.NoError(t, err)
		require.Equal(t, want, store.URL("a b"))
	}
}

// Addresses survive the way through a browser, whatever is in the name.
func TestURLEscapes(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	for _, name := range []string{"a?b#c", "100%", "a&b;c=d", "\u8336/\u00e9", "a:b", "'\"<>"} {
		u, err := url.Parse(store.URL(name))
		require.NoError(t, err)
		require.Equal(t, "/"+name, u.Path)
		require.Empty(t, u.RawQuery+u.Fragment+u.Host+u.Scheme)
	}
}

type span struct {
	operation string
	err       error
	ends      int
}

type tracer struct{ spans []*span }

func (r *tracer) Start(ctx context.Context, operation string, _ ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	s := &span{operation: operation}
	r.spans = append(r.spans, s)
	return ctx, func(err error, _ ...slog.Attr) { s.err, s.ends = err, s.ends+1 }
}

func TestTracer(t *testing.T) {
	t.Parallel()
	trace := &tracer{}
	store := open(t, &media.Options{Tracer: trace, SigningKeys: [][]byte{[]byte("0123456789abcdef")}})
	f := save(t, store, "a.png", pngOf(t, gradient(20, 20)), nil)
	read(t, store, f.Name)
	_, err := store.Stat(t.Context(), "missing")
	require.EqualError(t, err, `media: stat "missing": file not found`)
	_, err = store.Copy(t.Context(), f.Name, "b.png", nil)
	require.NoError(t, err)
	_, err = store.SignedURL(t.Context(), f.Name, nil)
	require.NoError(t, err)
	variant(t, store, f.Name, media.Shop[0])
	require.NoError(t, store.SetMetadata(t.Context(), f.Name, nil))
	for _, err := range store.List(t.Context(), nil) {
		require.NoError(t, err)
		break
	}
	require.NoError(t, store.Delete(t.Context(), f.Name))
	operations := []string{}
	for _, s := range trace.spans {
		operations = append(operations, s.operation)
		require.Equal(t, 1, s.ends, s.operation)
		require.Equal(t, s.operation == "media.stat", errors.Is(s.err, media.ErrNotFound))
	}
	require.Equal(t, []string{"media.save", "media.open", "media.stat", "media.copy", "media.sign", "media.variant", "media.set metadata", "media.list", "media.delete"}, operations)
}

// Trouble with the spool is told without its path, and leaves nothing.
func TestSpoolTrouble(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "missing")
	store := open(t, &media.Options{SpoolDir: dir})
	save(t, store, "small", []byte("stays in memory"), nil)
	_, err := store.Save(t.Context(), "large", strings.NewReader(strings.Repeat("x", 2<<20)), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotContains(t, err.Error(), dir)
	_, err = store.Stat(t.Context(), "large")
	require.ErrorIs(t, err, media.ErrNotFound)
}

func TestSpoolIsEmptied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, &media.Options{SpoolDir: dir, MaxBytes: 3 << 20})
	save(t, store, "large", bytes.Repeat([]byte("x"), 2<<20), nil)
	_, err := store.Save(t.Context(), "larger", bytes.NewReader(bytes.Repeat([]byte("x"), 4<<20)), nil)
	require.ErrorIs(t, err, media.ErrTooLarge)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// bare has none of the optional abilities.
type bare struct{ media.Driver }

// A wrapper has all abilities, by forwarding; that must not hide what the driver below lacks.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	inner := open(t, nil)
	prefix, err := media.WithPrefix(bare{inner.Driver()}, "p/")
	require.NoError(t, err)
	for name, driver := range map[string]media.Driver{"without": bare{inner.Driver()}, "forwarded": prefix} {
		store, err := media.New(driver, nil)
		require.NoError(t, err)
		f := save(t, store, name+".txt", []byte("content"), nil)
		require.Equal(t, "content", string(read(t, store, f.Name)))
		c, err := store.Copy(t.Context(), f.Name, "copy-"+name+".txt", nil)
		require.NoError(t, err)
		require.Equal(t, "content", string(read(t, store, c.Name)))
		require.Equal(t, "/"+f.Name, store.URL(f.Name))
		require.ErrorIs(t, store.SetMetadata(t.Context(), f.Name, nil), errors.ErrUnsupported)
		_, err = store.SignedURL(t.Context(), f.Name, nil)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		for _, err := range store.List(t.Context(), nil) {
			require.ErrorIs(t, err, errors.ErrUnsupported)
		}
	}
}

// addresses is a backend with a server of its own.
type addresses struct{ media.Driver }

func (addresses) URL(name string) string { return "https://img.example.com/group1/" + name }
func (addresses) SignURL(_ context.Context, name string, expires time.Time) (string, error) {
	return "https://img.example.com/group1/" + name + "?until=" + expires.UTC().Format("2006"), nil
}

func TestAddressesOfBackend(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	wrapped, err := media.WithPrefix(addresses{open(t, nil).Driver()}, "p/q/")
	require.NoError(t, err)
	for prefix, driver := range map[string]media.Driver{"": addresses{open(t, nil).Driver()}, "p/q/": wrapped} {
		store, err := media.New(driver, &media.Options{BaseURL: "/img/", Now: now, SigningKeys: [][]byte{[]byte("0123456789abcdef")}})
		require.NoError(t, err)
		require.Equal(t, "https://img.example.com/group1/"+prefix+"a.jpg", store.URL("a.jpg"))
		u, err := store.SignedURL(t.Context(), "a.jpg", nil)
		require.NoError(t, err)
		require.Equal(t, "https://img.example.com/group1/"+prefix+"a.jpg?until=2026", u)
		u, err = store.SignedURL(t.Context(), "a.jpg", &media.SignOptions{Variant: "thumb"})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(u, "/img/a.jpg?"), "variants are served by the Handler")
	}
}

func TestWithPrefixRefuses(t *testing.T) {
	t.Parallel()
	driver := open(t, nil).Driver()
	for _, prefix := range []string{"", "/", "a", "../", "a//", "/a/", ".variants/"} {
		_, err := media.WithPrefix(driver, prefix)
		require.ErrorIs(t, err, media.ErrInvalid, prefix)
	}
	_, err := media.WithPrefix(&ownNames{derive: func(name, label, ext string) (string, error) { return name + label, nil }, Driver: driver}, "a/")
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// The first frame of an animation may cover only a part of it.
func TestGIFWithPartialFrame(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	palette := color.Palette{color.Transparent, color.NRGBA{255, 0, 0, 255}}
	frame := image.NewPaletted(image.Rect(10, 10, 20, 20), palette)
	for i := range frame.Pix {
		frame.Pix[i] = 1
	}
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 40, Height: 40, ColorModel: palette}}))
	f := save(t, store, "a.gif", b.Bytes(), &media.SaveOptions{Types: media.Images})
	require.Equal(t, [2]int{40, 40}, [2]int{f.Width, f.Height})
	_, img := variant(t, store, f.Name, media.Variant{Width: 40})
	r, _, _, alpha := img.At(15, 15).RGBA()
	require.Equal(t, [2]uint32{0xFFFF, 0xFFFF}, [2]uint32{r, alpha})
	_, _, _, alpha = img.At(5, 5).RGBA()
	require.Zero(t, alpha)
}

func TestFolderIsNoFile(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	f := save(t, store, "folder/a.txt", []byte("content"), nil)
	folder, err := store.FS(t.Context()).Open("folder")
	require.NoError(t, err)
	defer folder.Close()
	_, err = folder.Read(make([]byte, 1))
	require.Error(t, err)
	info, err := fs.Stat(store.FS(t.Context()), f.Name)
	require.NoError(t, err)
	require.Equal(t, f, info.Sys())
}
