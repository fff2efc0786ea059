package fsmedia

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/media"
)

func openDir(t *testing.T, dir string, options *Options) *media.Store {
	t.Helper()
	store, err := Open(dir, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func save(t *testing.T, store *media.Store, name, content string) media.File {
	t.Helper()
	f, err := store.Save(t.Context(), name, strings.NewReader(content), nil)
	require.NoError(t, err)
	return f
}

func read(t *testing.T, store *media.Store, name string) string {
	t.Helper()
	r, err := store.Open(t.Context(), name)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

// onDisk lists the files below dir.
func onDisk(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	}))
	return files
}

func TestSurvivesReopening(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	first := openDir(t, dir, nil) // with sync
	f, err := first.Save(t.Context(), "a/b/tea.txt", strings.NewReader("content"), &media.SaveOptions{Metadata: map[string]string{"k": "v"}})
	require.NoError(t, err)
	require.NoError(t, first.SetMetadata(t.Context(), f.Name, map[string]string{"k": "w"}))
	second := openDir(t, dir, nil) // while the first is open
	f.Metadata["k"] = "w"
	found, err := second.Stat(t.Context(), f.Name)
	require.NoError(t, err)
	require.Equal(t, f, found)
	require.Equal(t, "content", read(t, second, f.Name))
	require.Equal(t, []string{"a/b/tea.txt"}, onDisk(t, dir))
	require.NoError(t, second.Delete(t.Context(), f.Name))
	_, err = first.Stat(t.Context(), f.Name)
	require.ErrorIs(t, err, media.ErrNotFound)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "empty folders are gone, that for temporary files stays")
}

// What a killed process leaves is cleared once it is old, and is never seen as a file.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openDir(t, dir, nil)
	save(t, store, "kept", "content")
	old, young := filepath.Join(dir, tempDir, "OLD"), filepath.Join(dir, tempDir, "YOUNG")
	for _, name := range []string{old, young} {
		require.NoError(t, os.WriteFile(name, []byte("half a fi"), 0o600))
	}
	before := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(old, before, before))
	again := openDir(t, dir, nil)
	require.NoFileExists(t, old)
	require.FileExists(t, young)
	require.Equal(t, "content", read(t, again, "kept"))
	for f, err := range again.List(t.Context(), nil) {
		require.NoError(t, err)
		require.Equal(t, "kept", f.Name)
	}
	openDir(t, dir, &Options{StaleAfter: time.Minute, Options: media.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }}})
	require.NoFileExists(t, young)
	_, err := Open(dir, &Options{StaleAfter: -1})
	require.ErrorIs(t, err, media.ErrInvalid)
}

// A file that something else has put there is served; one with a damaged footer is such a file.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openDir(t, dir, &Options{NoSync: true})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "page.html"), []byte("<!DOCTYPE html>"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "%zz not escaped by us"), nil, 0o600))
	f, err := store.Stat(t.Context(), "page.html")
	require.NoError(t, err)
	require.Equal(t, "text/html", f.Type)
	require.Empty(t, f.SHA256)
	require.EqualValues(t, 15, f.Size)
	require.Equal(t, "<!DOCTYPE html>", read(t, store, "page.html"))
	require.Empty(t, read(t, store, "empty"))

	save(t, store, "ours", "content")
	whole, err := os.ReadFile(filepath.Join(dir, "ours"))
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(whole, []byte("content")))
	for at := len("content"); at < len(whole); at++ {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0xFF
		require.NoError(t, os.WriteFile(filepath.Join(dir, "damaged"), damaged, 0o600))
		f, err := store.Stat(t.Context(), "damaged")
		require.NoError(t, err)
		require.EqualValues(t, len(whole), f.Size, "byte %d", at)
		require.Empty(t, f.SHA256)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "long"), append([]byte("more "), whole...), 0o600))
	f, err = store.Stat(t.Context(), "long")
	require.NoError(t, err)
	require.Empty(t, f.SHA256, "a footer that does not fit its content is none")
}

func FuzzFooterText(f *testing.F) {
	for _, file := range []media.File{
		{Size: 3, Type: "text/plain"},
		{Size: 1 << 40, Type: "image/jpeg", SHA256: strings.Repeat("0a", 32), Width: 4000, Height: 3, ModTime: time.UnixMilli(1700000000123).UTC()},
		{Type: "a\"b", Metadata: map[string]string{"focus": "1,0", "title": "T\u00e9 <b>"}},
	} {
		var b bytes.Buffer
		require.NoError(f, writeFooter(&b, file))
		f.Add(b.Bytes(), uint16(footerGuess))
	}
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"+magic), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, guess uint16) {
		n, text, err := footerText(bytes.NewReader(b), int64(len(b)), make([]byte, guess))
		if err != nil {
			t.Fatal(err)
		}
		require.Equal(t, min(len(b), int(guess)), n)
		if !bytes.Contains(b, text) {
			t.Fatal("text out of nothing")
		}
	})
}

// The short way through a footer finds what encoding/json does, or gives up.
func FuzzFooterScan(f *testing.F) {
	f.Add(`{"size":12,"type":"image/png","sha256":"00ff","width":3,"height":4,"time":"2026-11-26T19:00:00.123Z","metadata":{"a":"b"}}`)
	f.Add(`{"size":0,"type":"","sha256":"","time":"0001-01-01T00:00:00Z"}`)
	f.Add(`{"size":01,"type":"\u00e9","sha256":"","time":"2026-02-30T00:00:00Z","metadata":{},"more":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		var short, whole footer
		if !short.scan(text) {
			return
		}
		if err := json.Unmarshal([]byte(text), &whole); err != nil {
			t.Fatalf("took %q: %v", text, err)
		}
		require.Equal(t, whole, short)
	})
}

// It is taken for all that Save writes.
func TestFooterScan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := media.File{
			Size: rapid.Int64Range(0, 1<<50).Draw(t, "size"), Type: rapid.SampledFrom([]string{"", media.JPEG, media.SVG, "text/plain"}).Draw(t, "type"),
			SHA256: rapid.SampledFrom([]string{"", strings.Repeat("0f", 32)}).Draw(t, "hash"), Width: rapid.IntRange(0, 70_000).Draw(t, "width"), Height: rapid.IntRange(0, 70_000).Draw(t, "height"),
			ModTime:  time.UnixMilli(rapid.Int64Range(-1<<40, 1<<45).Draw(t, "time")).UTC(),
			Metadata: rapid.SampledFrom([]map[string]string{nil, {"focus": "-0.2,0.5"}, {"title": "\u65b0\u8336 \"<&>\\"}}).Draw(t, "metadata"),
		}
		var b bytes.Buffer
		require.NoError(t, writeFooter(&b, f))
		var ft footer
		require.True(t, ft.scan(string(b.Bytes()[:b.Len()-tailSize])))
		require.Equal(t, footer{f.Size, f.Type, f.SHA256, f.Width, f.Height, f.ModTime, f.Metadata}, ft)
	})
}

// No symbolic link leads out, and nothing but plain files is a file.
func TestLinksAndSpecialFiles(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	store := openDir(t, dir, &Options{NoSync: true})
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "file-link")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "folder-link")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	for _, name := range []string{"file-link", "folder-link/secret", "pipe", "folder"} {
		_, err := store.Open(t.Context(), name)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), outside)
	}
	_, err := store.Save(t.Context(), "folder-link/new", strings.NewReader("x"), nil)
	require.Error(t, err)
	_, err = store.Save(t.Context(), "file-link", strings.NewReader("x"), &media.SaveOptions{Replace: true})
	require.NoError(t, err, "the link itself is replaced")
	secret, err := os.ReadFile(filepath.Join(outside, "secret"))
	require.NoError(t, err)
	require.Equal(t, "secret", string(secret))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestFolderConflict(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openDir(t, dir, &Options{NoSync: true})
	save(t, store, "a", "file")
	save(t, store, "b/c", "file in a folder")
	for _, name := range []string{"a/b", "a/b/c", "b"} {
		for _, options := range []media.SaveOptions{{}, {Replace: true}, {IfNotExists: true}} {
			_, err := store.Save(t.Context(), name, strings.NewReader("x"), &options)
			require.ErrorIs(t, err, media.ErrInvalid, "%s %+v", name, options)
			require.NotContains(t, err.Error(), dir)
		}
		_, err := store.Stat(t.Context(), name)
		require.ErrorIs(t, err, media.ErrNotFound)
		require.NoError(t, store.Delete(t.Context(), name))
	}
	require.ElementsMatch(t, []string{"a", "b/c"}, onDisk(t, dir))
}

func TestEscapedTooLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openDir(t, dir, &Options{NoSync: true})
	_, err := store.Save(t.Context(), strings.Repeat("?", 100), strings.NewReader("x"), nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	_, err = store.Stat(t.Context(), strings.Repeat("?", 100))
	require.ErrorIs(t, err, media.ErrNotFound)
	require.Empty(t, onDisk(t, dir))
}

// Where the file system has no hard links, a name still is taken only once.
func TestWithoutHardLinks(t *testing.T) {
	t.Parallel()
	store := openDir(t, t.TempDir(), &Options{NoSync: true})
	store.Driver().(*driver).link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM} }
	var wait sync.WaitGroup
	errs := make(chan error, 8)
	for i := range 8 {
		wait.Go(func() {
			_, err := store.Save(t.Context(), "contested", strings.NewReader(strings.Repeat("x", i+1)), &media.SaveOptions{IfNotExists: true})
			errs <- err
		})
	}
	wait.Wait()
	close(errs)
	won := 0
	for err := range errs {
		if err == nil {
			won++
		} else {
			require.ErrorIs(t, err, media.ErrExists)
		}
	}
	require.Equal(t, 1, won)
}

// Setting metadata never brings back content that has been replaced or deleted meanwhile.
func TestMetadataAgainstReplace(t *testing.T) {
	t.Parallel()
	store := openDir(t, t.TempDir(), &Options{NoSync: true})
	save(t, store, "f", "first")
	d := store.Driver().(*driver)
	f, _, err := d.open(t.Context(), "f")
	require.NoError(t, err)
	defer f.Close()
	_, err = store.Save(t.Context(), "f", strings.NewReader("second"), &media.SaveOptions{Replace: true})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(d.root.Name(), tempDir, "T"), []byte("first, described anew"), 0o600))
	require.ErrorIs(t, d.renameOver(f, tempDir+"/T", "f"), errReplaced)
	require.Equal(t, "second", read(t, store, "f"))
	require.NoError(t, store.Delete(t.Context(), "f"))
	require.ErrorIs(t, d.renameOver(f, tempDir+"/T", "f"), media.ErrNotFound)

	save(t, store, "g", "start")
	var wait sync.WaitGroup
	wait.Go(func() {
		for range 50 {
			if err := store.SetMetadata(t.Context(), "g", map[string]string{"k": "v"}); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 50 {
		content := strings.Repeat("x", i+1)
		_, err := store.Save(t.Context(), "g", strings.NewReader(content), &media.SaveOptions{Replace: true})
		require.NoError(t, err)
		require.Equal(t, content, read(t, store, "g"), "a replacement stays")
	}
	wait.Wait()
}

// Saving into a folder that a delete is just emptying must not fail.
func TestSaveAgainstEmptyFolders(t *testing.T) {
	t.Parallel()
	store := openDir(t, t.TempDir(), &Options{NoSync: true})
	var wait sync.WaitGroup
	for _, name := range []string{"a/b/one", "a/b/two", "a/c/three"} {
		wait.Go(func() {
			for range 100 {
				_, err := store.Save(t.Context(), name, strings.NewReader(name), nil)
				if err == nil {
					err = store.Delete(t.Context(), name)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestBadDirectories(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(file, nil)
	require.Error(t, err)
	_, err = Open(filepath.Join(file, "below"), nil)
	require.Error(t, err)
	_, err = Open(t.TempDir(), &Options{Options: media.Options{MaxBytes: -5}})
	require.ErrorIs(t, err, media.ErrInvalid)
	if os.Geteuid() != 0 { // for whom nothing is read-only
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
		_, err = Open(dir, nil)
		require.ErrorIs(t, err, fs.ErrPermission)
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	const secret = "/srv/secret/place"
	for from, want := range map[error]error{
		&fs.PathError{Op: "open", Path: secret, Err: syscall.ENOENT}:          media.ErrNotFound,
		&fs.PathError{Op: "open", Path: secret, Err: syscall.ENOSPC}:          media.ErrFull,
		&fs.PathError{Op: "open", Path: secret, Err: syscall.EDQUOT}:          media.ErrFull,
		&fs.PathError{Op: "open", Path: secret, Err: syscall.ENOTDIR}:         media.ErrInvalid,
		&fs.PathError{Op: "open", Path: secret, Err: syscall.ENAMETOOLONG}:    media.ErrInvalid,
		&os.LinkError{Op: "link", Old: secret, Err: syscall.EEXIST}:           media.ErrExists,
		&os.LinkError{Op: "link", Old: secret, New: secret, Err: syscall.EIO}: syscall.EIO,
		&fs.PathError{Op: "open", Path: secret, Err: syscall.EACCES}:          syscall.EACCES,
		fs.ErrClosed:     media.ErrClosed,
		context.Canceled: context.Canceled,
	} {
		got := translate(from)
		require.ErrorIs(t, got, want)
		require.NotContains(t, got.Error(), "secret")
	}
	require.NoError(t, translate(nil))
	require.NotErrorIs(t, translate(io.ErrUnexpectedEOF), media.ErrInvalid)
}

// Escaping is one to one, and what it gives is a plain name on every system. Slashes never reach it.
func TestEscape(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"tea.jpg": "tea.jpg", "..": "%2E%2E", ".tmp": "%2Etmp", "a.": "a%2E", "a:b": "a%3Ab", "100%": "100%25", "con": "%63on", "NUL.txt": "%4EUL.txt",
		"com1.a.b": "%63om1.a.b", "comx": "comx", "\u8336": "\u8336",
	} {
		require.Equal(t, want, escape(name))
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		disk := escape(name)
		back, ok := unescape(disk)
		if !ok || back != name || strings.ContainsAny(disk, `<>:"\|?*`) || strings.HasPrefix(disk, ".") || strings.HasSuffix(disk, ".") || isDevice(disk) {
			t.Fatalf("%q is %q on disk and %q again", name, disk, back)
		}
	})
	for _, foreign := range []string{"%", "%2", "%2e", "%41", ".", "a%2Eb", "con"} {
		_, ok := unescape(foreign)
		require.False(t, ok, foreign)
	}
}
