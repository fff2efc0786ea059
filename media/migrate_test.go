package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	source, target := open(t, nil), open(t, nil)
	want := []media.File{
		save(t, source, "a/tea.jpg", jpegOf(t, gradient(300, 200)), &media.SaveOptions{Metadata: map[string]string{"focus": "0,1"}}),
		save(t, source, "b.txt", []byte("text"), nil),
	}
	variant(t, source, "a/tea.jpg", media.Shop[0])
	var progress []media.Migration
	done, err := media.Migrate(t.Context(), source, target, &media.MigrateOptions{Progress: func(m media.Migration) { progress = append(progress, m) }})
	require.NoError(t, err)
	require.Equal(t, media.Migration{Copied: 2, Bytes: want[0].Size + want[1].Size}, done)
	require.Len(t, progress, 2)
	require.Equal(t, done, progress[1])
	for _, f := range want {
		there, err := target.Stat(t.Context(), f.Name)
		require.NoError(t, err)
		require.Equal(t, f, there, "metadata, time and all")
		require.Equal(t, read(t, source, f.Name), read(t, target, f.Name))
	}
	done, err = media.Migrate(t.Context(), source, target, nil)
	require.NoError(t, err)
	require.Equal(t, media.Migration{Skipped: 2}, done)

	// The name is taken by something else.
	save(t, target, "b.txt", []byte("other text"), &media.SaveOptions{Replace: true})
	done, err = media.Migrate(t.Context(), source, target, &media.MigrateOptions{Prefix: "b"})
	require.ErrorIs(t, err, media.ErrExists)
	require.Equal(t, media.Migration{Failed: 1}, done)
	require.Equal(t, "other text", string(read(t, target, "b.txt")))
	_, err = media.Migrate(t.Context(), source, target, &media.MigrateOptions{Replace: true})
	require.NoError(t, err)
	require.Equal(t, "text", string(read(t, target, "b.txt")))

	_, err = media.Migrate(t.Context(), source, target, &media.MigrateOptions{Concurrency: 65})
	require.ErrorIs(t, err, media.ErrInvalid)
	named := func(yield func(string, error) bool) { _ = yield("gone", nil) && yield("", errTrouble) }
	done, err = media.Migrate(t.Context(), source, target, &media.MigrateOptions{Names: named})
	require.ErrorIs(t, err, errTrouble)
	require.Equal(t, media.Migration{Gone: 1}, done)
}

// fails at some operation, once.
type fails struct {
	media.Driver
	puts, opens atomic.Int32
	failPut     int32
	corrupt     bool
}

func (f *fails) Put(ctx context.Context, u *media.Upload) (media.File, error) {
	if f.puts.Add(1) == f.failPut {
		return media.File{}, errTrouble
	}
	return f.Driver.Put(ctx, u)
}

func (f *fails) Open(ctx context.Context, file media.File, offset, length int64) (io.ReadCloser, error) {
	f.opens.Add(1)
	if f.corrupt {
		return io.NopCloser(bytes.NewReader(make([]byte, file.Size))), nil
	}
	return f.Driver.Open(ctx, file, offset, length)
}

func TestMigrateVerifies(t *testing.T) {
	t.Parallel()
	source, inner := open(t, nil), open(t, nil)
	save(t, source, "a.txt", []byte("content"), nil)
	target, err := media.New(&fails{Driver: inner.Driver(), corrupt: true}, nil)
	require.NoError(t, err)
	done, err := media.Migrate(t.Context(), source, target, nil)
	require.ErrorContains(t, err, "not what was sent")
	require.Equal(t, media.Migration{Failed: 1}, done)
	requireEmpty(t, inner)

	rotten, err := media.New(&fails{Driver: source.Driver(), corrupt: true}, nil)
	require.NoError(t, err)
	_, err = media.Migrate(t.Context(), rotten, inner, &media.MigrateOptions{Names: func(yield func(string, error) bool) { yield("a.txt", nil) }})
	require.ErrorContains(t, err, "not what its hash says")
	requireEmpty(t, inner)
}

// To a backend that names files itself, a run goes on where the one before ended, and no file is stored twice.
func TestMigrateResumes(t *testing.T) {
	t.Parallel()
	const files = 24
	source, inner := open(t, nil), open(t, nil)
	for i := range files {
		save(t, source, fmt.Sprintf("f/%02d", i), fmt.Appendf(nil, "content %d", i), nil)
	}
	derive := func(name, label, ext string) (string, error) { return name + label + "." + ext, nil }
	driver := &fails{Driver: &ownNames{Driver: inner.Driver(), derive: derive}, failPut: 20}
	target, err := media.New(struct {
		media.Driver
		media.Deriver
	}{driver, &ownNames{derive: derive}}, nil)
	require.NoError(t, err)

	_, err = media.Migrate(t.Context(), source, target, nil)
	require.ErrorIs(t, err, media.ErrInvalid, "without a journal")

	names := map[string]string{}
	ctx, cancel := context.WithCancel(t.Context())
	options := &media.MigrateOptions{Journal: filepath.Join(t.TempDir(), "journal"), Concurrency: 1, Copied: func(_ context.Context, from, to media.File) error {
		names[from.Name] = to.Name
		if len(names) == 10 {
			cancel()
		}
		return nil
	}}
	done, err := media.Migrate(ctx, source, target, options)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 10, done.Copied)

	// A crash in the middle of a line.
	journal, err := os.OpenFile(options.Journal, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = journal.WriteString(`{"from":"f/1`)
	require.NoError(t, err)
	require.NoError(t, journal.Close())

	done, err = media.Migrate(t.Context(), source, target, options)
	require.ErrorIs(t, err, errTrouble)
	require.Equal(t, 1, done.Failed)
	require.Equal(t, 10, done.Skipped)
	done, err = media.Migrate(t.Context(), source, target, options)
	require.NoError(t, err)
	require.Equal(t, media.Migration{Copied: 1, Bytes: done.Bytes, Skipped: files - 1}, done)
	require.Len(t, names, files)
	for from, to := range names {
		require.Equal(t, read(t, source, from), read(t, inner, to))
	}
	stored, err := inner.Driver().(media.Lister).List(t.Context(), "", "", 100)
	require.NoError(t, err)
	require.Len(t, stored, files)

	require.NoError(t, os.WriteFile(options.Journal, []byte("not a journal\n"), 0o600))
	_, err = media.Migrate(t.Context(), source, target, options)
	require.ErrorContains(t, err, "journal")
}

func TestMigrateCopiedFails(t *testing.T) {
	t.Parallel()
	source, target := open(t, nil), open(t, nil)
	save(t, source, "a", []byte("a"), nil)
	calls := 0
	options := &media.MigrateOptions{Journal: filepath.Join(t.TempDir(), "j"), Copied: func(context.Context, media.File, media.File) error {
		if calls++; calls == 1 {
			return errors.New("database is away")
		}
		return nil
	}}
	_, err := media.Migrate(t.Context(), source, target, options)
	require.ErrorContains(t, err, "database is away")
	done, err := media.Migrate(t.Context(), source, target, options)
	require.NoError(t, err)
	require.Equal(t, 1, done.Skipped)
	require.Equal(t, 2, calls, "it is told again")
}

// A prefix narrows the files that are listed, and those that are named.
func TestMigratePrefix(t *testing.T) {
	t.Parallel()
	source := open(t, nil)
	all := []string{"products/a", "products/b/c", "productsx", "invoices/1"}
	for _, name := range all {
		save(t, source, name, []byte(name), nil)
	}
	named := func(yield func(string, error) bool) {
		for _, name := range all {
			if !yield(name, nil) {
				return
			}
		}
	}
	for how, names := range map[string]iter.Seq2[string, error]{"listed": nil, "named": named} {
		target := open(t, nil)
		done, err := media.Migrate(t.Context(), source, target, &media.MigrateOptions{Prefix: "products/", Names: names})
		require.NoError(t, err, how)
		require.Equal(t, 2, done.Copied, how)
		var copied []string
		for f, err := range target.List(t.Context(), nil) {
			require.NoError(t, err)
			copied = append(copied, f.Name)
		}
		require.Equal(t, all[:2], copied, how)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"from":"a","to":"b","sha256":"` + strings.Repeat("ab", 32) + `","size":1}` + "\n"))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "j")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		source, target := open(t, nil), open(t, nil)
		save(t, source, "a", []byte("a"), nil)
		_, err := media.Migrate(t.Context(), source, target, &media.MigrateOptions{Journal: path})
		if err == nil {
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.HasSuffix(after, []byte("\n")))
		}
	})
}

func ExampleMigrate() {
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
	for _, name := range []string{"tea.txt", "cup.txt"} {
		if _, err := old.Save(ctx, name, strings.NewReader(name), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	done, err := media.Migrate(ctx, old, target, nil)
	fmt.Println(done.Copied, done.Skipped, err)
	done, err = media.Migrate(ctx, old, target, nil) // once more, for what came meanwhile
	fmt.Println(done.Copied, done.Skipped, err)
	// Output:
	// 2 0 <nil>
	// 0 2 <nil>
}
