package media_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/mediatest"
	"github.com/seed82d84382/commerce/media/memmedia"
)

func mirrored(t testing.TB, first, second media.Driver, options *media.MirrorOptions) *media.Store {
	t.Helper()
	driver, err := media.Mirror(first, second, options)
	require.NoError(t, err)
	store, err := media.New(driver, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func TestMirrorConformance(t *testing.T) {
	t.Parallel()
	mediatest.Run(t, mediatest.Harness{Open: func(t *testing.T, options *media.Options) *media.Store {
		t.Helper()
		driver, err := media.Mirror(open(t, nil).Driver(), open(t, nil).Driver(), nil)
		require.NoError(t, err)
		store, err := media.New(driver, options)
		require.NoError(t, err)
		return store
	}})
}

func TestMirrorHoldsTwoCopies(t *testing.T) {
	t.Parallel()
	first, second := open(t, nil), open(t, nil)
	store := mirrored(t, first.Driver(), second.Driver(), nil)
	f := save(t, store, "a.txt", []byte("content"), &media.SaveOptions{Metadata: map[string]string{"k": "v"}})
	for _, s := range []*media.Store{first, second} {
		there, err := s.Stat(t.Context(), f.Name)
		require.NoError(t, err)
		require.Equal(t, f, there)
	}
	require.NoError(t, first.Delete(t.Context(), f.Name))
	require.Equal(t, "content", string(read(t, store, f.Name)), "second has it")
	require.NoError(t, store.SetMetadata(t.Context(), f.Name, map[string]string{"k": "w"}))
	there, err := second.Stat(t.Context(), f.Name)
	require.NoError(t, err)
	require.Equal(t, "w", there.Metadata["k"])

	// What only one of them has is there, so its name is taken.
	save(t, second, "old.txt", []byte("old"), nil)
	g := save(t, store, "old.txt", []byte("new"), nil)
	require.NotEqual(t, "old.txt", g.Name)
	_, err = store.Save(t.Context(), "old.txt", strings.NewReader("new"), &media.SaveOptions{IfNotExists: true})
	require.ErrorIs(t, err, media.ErrExists)
	require.Equal(t, "old", string(read(t, store, "old.txt")))
	_, err = first.Stat(t.Context(), "old.txt")
	require.ErrorIs(t, err, media.ErrNotFound, "taken back")

	require.NoError(t, store.Delete(t.Context(), f.Name))
	for _, s := range []*media.Store{first, second} {
		_, err := s.Stat(t.Context(), f.Name)
		require.ErrorIs(t, err, media.ErrNotFound)
	}
}

func TestMirrorFailures(t *testing.T) {
	t.Parallel()
	first := open(t, nil)
	full, err := memmedia.Open(&memmedia.Options{Capacity: 4})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, full.Close()) })

	strict := mirrored(t, first.Driver(), full.Driver(), nil)
	_, err = strict.Save(t.Context(), "a.txt", strings.NewReader("content"), nil)
	require.ErrorIs(t, err, media.ErrFull)
	requireEmpty(t, first)

	lenient := mirrored(t, first.Driver(), full.Driver(), &media.MirrorOptions{BestEffort: true, Logger: slog.New(slog.DiscardHandler)})
	f := save(t, lenient, "a.txt", []byte("content"), nil)
	require.Equal(t, "content", string(read(t, lenient, f.Name)))

	// First fails altogether: reads go on, writes do not.
	save(t, full, "b", []byte("b"), nil)
	down := mirrored(t, broken{first.Driver()}, full.Driver(), &media.MirrorOptions{BestEffort: true})
	require.Equal(t, "b", string(read(t, down, "b")))
	_, err = down.Stat(t.Context(), "missing")
	require.ErrorIs(t, err, errTrouble, "nobody knows whether it is there")
	_, err = down.Save(t.Context(), "c", strings.NewReader("c"), nil)
	require.ErrorIs(t, err, errTrouble)
	_, err = full.Stat(t.Context(), "c")
	require.ErrorIs(t, err, media.ErrNotFound)

	_, err = media.Mirror(nil, first.Driver(), nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	derive := func(string, string, string) (string, error) { return "group1/M00/x", nil }
	_, err = media.Mirror(first.Driver(), &ownNames{Driver: first.Driver(), derive: derive}, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// broken fails at everything.
type broken struct{ media.Driver }

func (broken) Put(context.Context, *media.Upload) (media.File, error) {
	return media.File{}, errTrouble
}
func (broken) Stat(context.Context, string) (media.File, error) { return media.File{}, errTrouble }
func (broken) Delete(context.Context, string) error             { return errTrouble }

// A backend that names files itself goes first; the other one then keeps them under these names.
func TestMirrorOwnNames(t *testing.T) {
	t.Parallel()
	inner, second := open(t, nil), open(t, nil)
	derive := func(name, label, ext string) (string, error) { return name + label + "." + ext, nil }
	store := mirrored(t, &ownNames{Driver: inner.Driver(), derive: derive}, second.Driver(), nil)
	f := save(t, store, "a.jpg", jpegOf(t, gradient(300, 300)), nil)
	require.Equal(t, "group1/M00/b", f.Name)
	there, err := second.Stat(t.Context(), f.Name)
	require.NoError(t, err)
	require.Equal(t, f.SHA256, there.SHA256)
	variant(t, store, f.Name, media.Shop[0])
	files, err := second.Driver().(media.Lister).List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Len(t, files, 1, "variants are on first only")
}

func ExampleMirror() {
	old, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer old.Close()
	target, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer target.Close()
	ctx := context.Background()
	if _, err := old.Save(ctx, "before.txt", strings.NewReader("from before the move"), nil); err != nil {
		fmt.Println(err)
		return
	}
	driver, err := media.Mirror(target.Driver(), old.Driver(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := media.New(driver, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := files.Save(ctx, "after.txt", strings.NewReader("in both"), nil); err != nil {
		fmt.Println(err)
		return
	}
	for file, err := range files.List(ctx, nil) {
		fmt.Println(file.Name, err)
	}
	// Output:
	// after.txt <nil>
	// before.txt <nil>
}
