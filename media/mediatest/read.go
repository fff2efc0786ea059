package mediatest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

func testReader(t *testing.T, b *bench) {
	store := b.open(t, nil)
	content := text(1, 100_000)
	f := save(t, store, "f", content, nil)
	r, err := store.Open(t.Context(), f.Name)
	require.NoError(t, err)
	require.Equal(t, f, r.File())
	require.NoError(t, iotest.TestReader(r, []byte(content)))
	_, err = r.Seek(-1, io.SeekStart)
	require.Error(t, err)
	_, err = r.Seek(0, 7)
	require.Error(t, err)
	at, err := r.Seek(10, io.SeekEnd)
	require.NoError(t, err)
	require.EqualValues(t, len(content)+10, at)
	n, err := r.Read(make([]byte, 1))
	require.Zero(t, n)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, r.Close())
	require.NoError(t, r.Close(), "idempotent")
	_, err = r.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = r.Seek(0, io.SeekStart)
	require.Error(t, err)
}

func testRangeEdges(t *testing.T, b *bench) {
	store := b.open(t, nil)
	content := text(3, 1000)
	f := save(t, store, "f", content, nil)
	for _, r := range [][2]int64{{0, -1}, {0, 1}, {0, 1000}, {1, 998}, {999, 1}, {999, -1}, {500, 500}, {500, -1}, {123, 456}} {
		stream, err := store.Driver().Open(t.Context(), f, r[0], r[1])
		require.NoError(t, err)
		got, err := io.ReadAll(stream)
		require.NoError(t, err)
		require.NoError(t, stream.Close())
		want := content[r[0]:]
		if r[1] >= 0 {
			want = want[:r[1]]
		}
		require.Equal(t, want, string(got), "offset %d length %d", r[0], r[1])
	}
	// A stream that is not read to its end leaves nothing open and disturbs no other.
	stream, err := store.Driver().Open(t.Context(), f, 0, -1)
	require.NoError(t, err)
	_, err = io.ReadFull(stream, make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	require.Equal(t, content, read(t, store, f.Name))

	changed := f
	changed.SHA256 = sha("what was there before")
	if b.OwnNames { // what never is replaced need not be compared
		return
	}
	_, err = store.Driver().Open(t.Context(), changed, 0, -1)
	require.ErrorIs(t, err, media.ErrChanged)
}

func testList(t *testing.T, b *bench) {
	store := b.open(t, nil)
	if _, ok := names(t, store, nil); !ok {
		return
	}
	given := []string{"a-b", "a/1", "a/2/x", "a/2-", "a0", "b", "b0/c", "z/\u00e9", "z/\U0001F375", "\u8336"}
	all := make([]string, len(given))
	for i, name := range given {
		all[i] = save(t, store, name, text(i, 30), nil).Name
	}
	slices.Sort(all)
	list := func(o media.ListOptions) []string {
		found, _ := names(t, store, &o)
		return found
	}
	require.Equal(t, all, list(media.ListOptions{}))
	for i, after := range all {
		require.Equal(t, all[i+1:], append([]string{}, list(media.ListOptions{After: after})...))
		require.Equal(t, all[:i+1], list(media.ListOptions{Limit: i + 1}))
	}
	for _, prefix := range []string{"a", "a/", "a/2", "a/2/", "b", "z/", "z/\u00e9", "zz", "a/1", "\u8336"} {
		want := []string{}
		for _, name := range all {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		require.Equal(t, want, list(media.ListOptions{Prefix: prefix}), prefix)
		for _, after := range append([]string{"a/\U0010FFFF"}, all...) {
			behind := slices.DeleteFunc(slices.Clone(want), func(name string) bool { return name <= after })
			require.Equal(t, behind, list(media.ListOptions{Prefix: prefix, After: after}), "%s after %s", prefix, after)
		}
	}
	// Pages of every size put together are the whole.
	lister := store.Driver().(media.Lister)
	for size := 1; size <= len(all)+1; size++ {
		var got []string
		for after := ""; ; {
			page, err := lister.List(t.Context(), "", after, size)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), size)
			for _, f := range page {
				got = append(got, f.Name)
			}
			if len(page) < size {
				break
			}
			after = page[len(page)-1].Name
		}
		require.Equal(t, all, got)
	}
	for f, err := range store.List(t.Context(), nil) {
		require.NoError(t, err)
		stat, err := store.Stat(t.Context(), f.Name)
		require.NoError(t, err)
		require.Equal(t, stat, f)
	}
	for _, err := range store.List(t.Context(), &media.ListOptions{Limit: -1}) {
		require.ErrorIs(t, err, media.ErrInvalid)
	}
}

func testListDuringChange(t *testing.T, b *bench) {
	store := b.open(t, nil)
	if _, ok := names(t, store, nil); !ok {
		return
	}
	fixed := []string{}
	for i := range 30 {
		fixed = append(fixed, save(t, store, fmt.Sprintf("f%d/fixed", i), text(i, 20), nil).Name)
	}
	slices.Sort(fixed)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			f, err := store.Save(t.Context(), fmt.Sprintf("f%d/passing", i%35), strings.NewReader("passing"), nil)
			if err == nil {
				err = store.Delete(t.Context(), f.Name)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20 {
		var got []string
		for after := ""; ; {
			found, ok := names(t, store, &media.ListOptions{After: after, Limit: 4})
			require.True(t, ok)
			got = append(got, found...)
			if len(found) < 4 {
				break
			}
			after = found[len(found)-1]
		}
		require.True(t, slices.IsSorted(got))
		got = slices.DeleteFunc(got, func(name string) bool { return !slices.Contains(fixed, name) })
		require.Equal(t, fixed, got, "every file that stays is seen once")
	}
	close(stop)
	wait.Wait()
}

func testFS(t *testing.T, b *bench) {
	store := b.open(t, nil)
	if _, ok := names(t, store, nil); !ok {
		return
	}
	require.NoError(t, fstest.TestFS(store.FS(t.Context())))
	want := []string{}
	for i, name := range []string{"top.txt", "a-b", "a/one", "a/two", "a/deep/er/three", "a0", "z/\u8336"} {
		want = append(want, save(t, store, name, text(i, 50), nil).Name)
	}
	f := save(t, store, "img.png", pngOf(t, 20, 20), nil)
	r, err := store.Variant(t.Context(), f.Name, media.Variant{Width: 10})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, fstest.TestFS(store.FS(t.Context()), append(want, f.Name)...))
	for _, bad := range []string{"../x", "/x", "", "missing", ".variants"} {
		_, err := store.FS(t.Context()).Open(bad)
		require.Error(t, err, bad)
	}
}
