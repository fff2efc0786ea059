package mediatest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

func testRoundTrip(t *testing.T, b *bench) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 8_000_000, time.UTC)
	store := b.open(t, &media.Options{Now: func() time.Time { return now }})
	content := text(1, 3<<20) // larger than what a spool holds in memory
	metadata := map[string]string{"title": "Gr\u00fcner Tee \u7eff\u8336", "empty": "", "a.b-c_d1": "x=y&z"}
	saved := save(t, store, "folder/tea.txt", content, &media.SaveOptions{Metadata: metadata})
	require.Equal(t, media.File{
		Name: saved.Name, Size: int64(len(content)), Type: "text/plain", SHA256: sha(content), ModTime: now, Metadata: metadata,
	}, saved)
	found, err := store.Stat(t.Context(), saved.Name)
	require.NoError(t, err)
	require.Equal(t, saved, found)
	require.Equal(t, content, read(t, store, saved.Name))

	picture := save(t, store, "tea.png", pngOf(t, 30, 20), &media.SaveOptions{Types: media.Images})
	found, err = store.Stat(t.Context(), picture.Name)
	require.NoError(t, err)
	require.Equal(t, media.PNG, found.Type)
	require.Equal(t, [2]int{30, 20}, [2]int{found.Width, found.Height})

	// What the caller does to the maps afterwards is not the store's business.
	metadata["title"], found.Metadata = "changed", map[string]string{"x": "y"}
	again, err := store.Stat(t.Context(), saved.Name)
	require.NoError(t, err)
	require.Equal(t, "Gr\u00fcner Tee \u7eff\u8336", again.Metadata["title"])
	again.Metadata["title"] = "changed"
	again, err = store.Stat(t.Context(), saved.Name)
	require.NoError(t, err)
	require.Equal(t, "Gr\u00fcner Tee \u7eff\u8336", again.Metadata["title"])
}

func testMissing(t *testing.T, b *bench) {
	store := b.open(t, nil)
	save(t, store, "there/file", "content", nil)
	ctx := t.Context()
	for _, name := range []string{"missing", "there", "there/file2", "there/file/below", "no/such/folder"} {
		_, err := store.Stat(ctx, name)
		require.ErrorIs(t, err, media.ErrNotFound)
		_, err = store.Open(ctx, name)
		require.ErrorIs(t, err, media.ErrNotFound)
		_, err = store.Copy(ctx, name, "copy", nil)
		require.ErrorIs(t, err, media.ErrNotFound)
		_, err = store.Variant(ctx, name, media.Shop[0])
		require.ErrorIs(t, err, media.ErrNotFound)
		require.NoError(t, store.Delete(ctx, name))
		if err = store.SetMetadata(ctx, name, map[string]string{"a": "b"}); supported(t, "set metadata", err) {
			require.ErrorIs(t, err, media.ErrNotFound)
		}
		require.ErrorIs(t, store.Driver().Delete(ctx, name), media.ErrNotFound)
		_, err = store.Driver().Open(ctx, media.File{Name: name}, 0, -1)
		require.ErrorIs(t, err, media.ErrNotFound)
	}
}

func testNameTaken(t *testing.T, b *bench) {
	store := b.open(t, nil)
	first := save(t, store, "a/name.txt", "first", nil)
	other := save(t, store, "a/name.txt", "second", nil)
	require.NotEqual(t, first.Name, other.Name)
	require.Equal(t, "first", read(t, store, first.Name))
	require.Equal(t, "second", read(t, store, other.Name))
	require.Equal(t, ".txt", path.Ext(other.Name))
	if b.OwnNames {
		return
	}
	require.Equal(t, "a/name.txt", first.Name)
	require.Equal(t, "a/name-"+sha("second")[:8]+".txt", other.Name)
	again := save(t, store, "a/name.txt", "second", nil)
	require.Equal(t, other, again, "the same content is kept once")

	_, err := store.Save(t.Context(), "a/name.txt", strings.NewReader("first"), &media.SaveOptions{IfNotExists: true})
	require.ErrorIs(t, err, media.ErrExists)
	_, err = store.Save(t.Context(), "a/name.txt", strings.NewReader("x"), &media.SaveOptions{IfNotExists: true, Replace: true})
	require.ErrorIs(t, err, media.ErrInvalid)
	require.Equal(t, "first", read(t, store, first.Name))

	replaced := save(t, store, "a/name.txt", "third, longer", &media.SaveOptions{Replace: true, Metadata: map[string]string{"n": "3"}})
	require.Equal(t, "a/name.txt", replaced.Name)
	require.Equal(t, "third, longer", read(t, store, "a/name.txt"))
	found, err := store.Stat(t.Context(), "a/name.txt")
	require.NoError(t, err)
	require.Equal(t, replaced, found)
}

func testIfNotExistsOnce(t *testing.T, b *bench) {
	if b.OwnNames {
		return
	}
	store := b.open(t, nil)
	const callers = 8
	var won atomic.Int32
	var wait sync.WaitGroup
	contents := make([]string, callers)
	for i := range callers {
		wait.Go(func() {
			content := text(i, 2000)
			_, err := store.Save(t.Context(), "x/contested", strings.NewReader(content), &media.SaveOptions{IfNotExists: true})
			if err == nil {
				won.Add(1)
				contents[i] = content
			} else if !errors.Is(err, media.ErrExists) {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wait.Wait()
	require.EqualValues(t, 1, won.Load())
	require.Equal(t, strings.Join(contents, ""), read(t, store, "x/contested"))
}

func testByContent(t *testing.T, b *bench) {
	store := b.open(t, nil)
	options := &media.SaveOptions{ByContent: true}
	one := save(t, store, "docs/one.txt", "the same", options)
	two := save(t, store, "docs/two.txt", "the same", options)
	require.Equal(t, one.SHA256, two.SHA256)
	require.Equal(t, "the same", read(t, store, two.Name))
	if b.OwnNames {
		return
	}
	require.Equal(t, "docs/"+sha("the same")[:2]+"/"+sha("the same")+".txt", one.Name)
	require.Equal(t, one, two)
	other := save(t, store, "docs/one.txt", "another", options)
	require.NotEqual(t, one.Name, other.Name)
}

// A save can fail for every reason before the driver is asked; nothing may be there then.
func testFailedSave(t *testing.T, b *bench) {
	store := b.open(t, &media.Options{MaxBytes: 4 << 20})
	broken := errors.New("line is broken")
	_, err := store.Save(t.Context(), "f", io.MultiReader(strings.NewReader(text(1, 2<<20)), iotest.ErrReader(broken)), nil)
	require.ErrorIs(t, err, broken)

	ctx, cancel := context.WithCancel(t.Context())
	half := io.MultiReader(strings.NewReader(text(1, 2<<20)), readerFunc(func(p []byte) (int, error) { cancel(); return copy(p, "more"), nil }))
	_, err = store.Save(ctx, "f", half, nil)
	require.ErrorIs(t, err, context.Canceled)

	_, err = store.Save(t.Context(), "f", strings.NewReader(text(1, 4<<20+1)), nil)
	require.ErrorIs(t, err, media.ErrTooLarge)
	_, err = store.Save(t.Context(), "f", strings.NewReader("12345"), &media.SaveOptions{MaxBytes: 4})
	require.ErrorIs(t, err, media.ErrTooLarge)
	_, err = store.Save(t.Context(), "f", strings.NewReader(""), nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	_, err = store.Save(t.Context(), "f.jpg", strings.NewReader("no picture"), nil)
	require.ErrorIs(t, err, media.ErrType)
	_, err = store.Save(t.Context(), "f.png", strings.NewReader(pngOf(t, 50, 50)[:100]), nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	_, err = store.Stat(t.Context(), "f")
	require.ErrorIs(t, err, media.ErrNotFound)
	requireEmpty(t, store)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A driver whose transfer breaks off must leave nothing, and above all must leave what was there.
func testFailedPut(t *testing.T, b *bench) {
	store := b.open(t, nil)
	kept := save(t, store, "kept.txt", "as it was", nil)
	content := text(2, 1<<20)
	for _, name := range []string{"kept.txt", "new/one.txt"} {
		for _, how := range []string{"error", "cancel", "short"} {
			ctx, cancel := context.WithCancel(t.Context())
			r := &breaking{Reader: strings.NewReader(content), at: 300_000, how: how, cancel: cancel}
			_, err := store.Driver().Put(ctx, &media.Upload{
				Name: name, Size: int64(len(content)), Type: "text/plain", SHA256: sha(content), Content: r, ModTime: time.Now(), Replace: true,
			})
			cancel()
			require.Error(t, err, how)
			if how == "cancel" {
				require.ErrorIs(t, err, context.Canceled)
			}
		}
	}
	require.Equal(t, "as it was", read(t, store, kept.Name))
	found, err := store.Stat(t.Context(), kept.Name)
	require.NoError(t, err)
	require.Equal(t, kept, found)
	require.NoError(t, store.Delete(t.Context(), kept.Name))
	requireEmpty(t, store)
}

// breaking is content that breaks off.
type breaking struct {
	*strings.Reader
	at     int64
	how    string
	cancel func()
}

// WriteTo hides that of the strings.Reader, which would deliver all.
func (b *breaking) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{b})
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.Size()-int64(b.Len()) < b.at {
		return b.Reader.Read(p[:min(len(p), 10_000)])
	}
	switch b.how {
	case "error":
		return 0, errors.New("disk of the caller is broken")
	case "short":
		return 0, io.EOF
	}
	b.cancel()
	return b.Reader.Read(p)
}

// Readers see one version or the other, never a mixture, and content and description belong together.
func testConcurrentReplace(t *testing.T, b *bench) {
	if b.OwnNames {
		return
	}
	store := b.open(t, nil)
	versions := make([]string, 4)
	for i := range versions {
		versions[i] = text(i, 100_000+i*1000)
	}
	save(t, store, "file", versions[0], nil)
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := readWhole(t.Context(), store, "file"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 40 {
		save(t, store, "file", versions[i%len(versions)], &media.SaveOptions{Replace: true})
	}
	close(stop)
	wait.Wait()
}

func readWhole(ctx context.Context, store *media.Store, name string) error {
	r, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	defer r.Close()
	var content bytes.Buffer
	if _, err := content.ReadFrom(r); errors.Is(err, media.ErrChanged) {
		return nil
	} else if err != nil {
		return err
	}
	if f := r.File(); int64(content.Len()) != f.Size || sha(content.String()) != f.SHA256 {
		return errors.New("content and description do not belong together")
	}
	return nil
}

func testDelete(t *testing.T, b *bench) {
	store := b.open(t, nil)
	f := save(t, store, "folder/file", "content", nil)
	stays := save(t, store, "folder/stays", "stays", nil)
	require.NoError(t, store.Delete(t.Context(), f.Name))
	_, err := store.Stat(t.Context(), f.Name)
	require.ErrorIs(t, err, media.ErrNotFound)
	require.NoError(t, store.Delete(t.Context(), f.Name), "idempotent")
	require.Equal(t, "stays", read(t, store, stays.Name))
	again := save(t, store, "folder/file", "new", nil)
	require.Equal(t, "new", read(t, store, again.Name))
	require.NoError(t, store.Delete(t.Context(), again.Name))
	require.NoError(t, store.Delete(t.Context(), stays.Name))
	requireEmpty(t, store)
}

func testCopy(t *testing.T, b *bench) {
	store := b.open(t, nil)
	f := save(t, store, "from.txt", "content", &media.SaveOptions{Metadata: map[string]string{"k": "v"}})
	c, err := store.Copy(t.Context(), f.Name, "to/copy.txt", nil)
	require.NoError(t, err)
	require.NotEqual(t, f.Name, c.Name)
	require.Equal(t, f.SHA256, c.SHA256)
	require.Equal(t, f.Metadata, c.Metadata)
	require.NoError(t, store.Delete(t.Context(), f.Name))
	require.Equal(t, "content", read(t, store, c.Name))
	_, err = store.Copy(t.Context(), c.Name, "lie.jpg", nil)
	require.ErrorIs(t, err, media.ErrType)
	if b.OwnNames {
		return
	}
	require.Equal(t, "to/copy.txt", c.Name)
	save(t, store, "taken.txt", "other", nil)
	_, err = store.Copy(t.Context(), c.Name, "taken.txt", &media.CopyOptions{IfNotExists: true})
	require.ErrorIs(t, err, media.ErrExists)
	beside, err := store.Copy(t.Context(), c.Name, "taken.txt", nil)
	require.NoError(t, err)
	require.Equal(t, "taken-"+sha("content")[:8]+".txt", beside.Name)
	require.Equal(t, "other", read(t, store, "taken.txt"))
	over, err := store.Copy(t.Context(), c.Name, "taken.txt", &media.CopyOptions{Replace: true})
	require.NoError(t, err)
	require.Equal(t, "taken.txt", over.Name)
	require.Equal(t, "content", read(t, store, "taken.txt"))
}

func testMetadata(t *testing.T, b *bench) {
	store := b.open(t, nil)
	f := save(t, store, "f.txt", "content", &media.SaveOptions{Metadata: map[string]string{"a": "1"}})
	for name, bad := range map[string]map[string]string{
		"empty key": {"": "x"}, "capital": {"Key": "x"}, "space": {"a b": "x"}, "dot first": {".sha256": "x"}, "digit first": {"1": "x"},
		"separator": {"a": "x\x01y"}, "newline": {"a": "x\r\ny"}, "not utf-8": {"a": "\xff"},
		"long key": {strings.Repeat("k", 65): "x"}, "long value": {"a": strings.Repeat("v", 257)}, "many": many(33),
	} {
		_, err := store.Save(t.Context(), "g.txt", strings.NewReader("x"), &media.SaveOptions{Metadata: bad})
		require.ErrorIs(t, err, media.ErrInvalid, name)
		require.ErrorIs(t, store.SetMetadata(t.Context(), f.Name, bad), media.ErrInvalid, name)
	}
	full := many(32)
	full[strings.Repeat("k", 64)] = strings.Repeat("\u00e9", 128)
	delete(full, "k0")
	g := save(t, store, "full.txt", "full", &media.SaveOptions{Metadata: full})
	found, err := store.Stat(t.Context(), g.Name)
	require.NoError(t, err)
	require.Equal(t, full, found.Metadata)

	err = store.SetMetadata(t.Context(), f.Name, map[string]string{"b": "2"})
	if !supported(t, "set metadata", err) {
		return
	}
	require.NoError(t, err)
	found, err = store.Stat(t.Context(), f.Name)
	require.NoError(t, err)
	f.Metadata = map[string]string{"b": "2"}
	require.Equal(t, f, found)
	require.Equal(t, "content", read(t, store, f.Name))
	require.NoError(t, store.SetMetadata(t.Context(), f.Name, nil))
	found, err = store.Stat(t.Context(), f.Name)
	require.NoError(t, err)
	require.Empty(t, found.Metadata)
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m["k"+string(rune('0'+i/10))+string(rune('0'+i%10))] = "v"
	}
	if _, ok := m["k00"]; ok { // the first has a name of its own, so that a test can take it away
		delete(m, "k00")
		m["k0"] = "v"
	}
	return m
}

func testClose(t *testing.T, b *bench) {
	store := b.Open(t, nil)
	f := save(t, store, "f", "content", nil)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close(), "idempotent")
	ctx := t.Context()
	_, err := store.Save(ctx, "g", strings.NewReader("x"), nil)
	require.ErrorIs(t, err, media.ErrClosed)
	_, err = store.Open(ctx, f.Name)
	require.ErrorIs(t, err, media.ErrClosed)
	_, err = store.Stat(ctx, f.Name)
	require.ErrorIs(t, err, media.ErrClosed)
	_, err = store.Copy(ctx, f.Name, "g", nil)
	require.ErrorIs(t, err, media.ErrClosed)
	require.ErrorIs(t, store.Delete(ctx, f.Name), media.ErrClosed)
	require.ErrorIs(t, store.SetMetadata(ctx, f.Name, nil), media.ErrClosed)
	for _, err := range store.List(ctx, nil) {
		require.ErrorIs(t, err, media.ErrClosed)
	}
}
