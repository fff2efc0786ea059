package mediatest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

// testMigrate copies files from one store of the backend to another, in two runs.
func testMigrate(t *testing.T, b *bench) {
	source, target := b.open(t, nil), b.open(t, nil)
	var files []media.File
	for i, name := range []string{"a/one.txt", "two.txt", "z/\u8336.txt"} {
		files = append(files, save(t, source, name, text(i, 2000+i), &media.SaveOptions{Metadata: map[string]string{"n": name}}))
	}
	files = append(files, save(t, source, "tea.png", pngOf(t, 60, 30), nil))

	var mu sync.Mutex
	moved := map[string]string{}
	options := &media.MigrateOptions{
		Journal: filepath.Join(t.TempDir(), "journal"),
		Names: func(yield func(string, error) bool) {
			for _, f := range files {
				if !yield(f.Name, nil) {
					return
				}
			}
		},
		Copied: func(_ context.Context, from, to media.File) error {
			mu.Lock()
			defer mu.Unlock()
			moved[from.Name] = to.Name
			return nil
		},
	}
	done, err := media.Migrate(t.Context(), source, target, options)
	require.NoError(t, err)
	require.Equal(t, len(files), done.Copied)
	for _, f := range files {
		want := f
		want.Name = moved[f.Name]
		if !b.OwnNames {
			require.Equal(t, want.Name, f.Name)
		}
		got, err := target.Stat(t.Context(), want.Name)
		require.NoError(t, err)
		require.Equal(t, want, got, "with its metadata and time")
		require.Equal(t, read(t, source, f.Name), read(t, target, want.Name))
	}
	done, err = media.Migrate(t.Context(), source, target, options)
	require.NoError(t, err)
	require.Equal(t, media.Migration{Skipped: len(files)}, done)
	for from, to := range moved {
		require.NoError(t, source.Delete(t.Context(), from))
		require.NoError(t, target.Delete(t.Context(), to))
	}
	requireEmpty(t, target)
}
