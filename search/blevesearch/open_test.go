package blevesearch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

func open(t testing.TB, dir string, opts *blevesearch.Options) *search.Index {
	t.Helper()
	ix, err := blevesearch.Open(dir, searchtest.Schema(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	return ix
}

func total(t testing.TB, ix *search.Index, text string) int {
	t.Helper()
	r, err := ix.Search(context.Background(), search.Query{Text: text, Exact: true})
	require.NoError(t, err)
	return r.Total
}

func generations(t testing.TB, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "generation-*"))
	require.NoError(t, err)
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

func all(docs []search.Document) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "new", "index")
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(ctx, searchtest.Corpus()...))
	require.NoError(t, ix.Delete(ctx, "tea-01"))
	require.NoError(t, ix.Put(ctx, search.Document{ID: "v", Version: 3, Fields: map[string]any{"title": "versioned"}}))
	require.NoError(t, ix.Close())

	again := open(t, dir, nil)
	n, err := again.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, len(searchtest.Corpus()), n)
	require.Equal(t, 1, total(t, again, "jasmine"))
	require.Zero(t, total(t, again, "longjing"))
	require.ErrorIs(t, again.Put(ctx, search.Document{ID: "v", Version: 3}), search.ErrConflict, "versions are kept")
}

func TestMemoryLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ix, err := blevesearch.OpenMemory(searchtest.Schema(), nil)
	require.NoError(t, err)
	require.NoError(t, ix.Put(t.Context(), searchtest.Corpus()...))
	require.NoError(t, ix.Rebuild(t.Context(), all(searchtest.Corpus()), nil))
	require.NoError(t, ix.Close())
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestHolder is not a test: TestInUse runs it in a process of its own, which holds an index until its input ends.
func TestHolder(t *testing.T) {
	dir := os.Getenv("SEARCH_TEST_HOLD")
	if dir == "" {
		return
	}
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(t.Context(), searchtest.Corpus()...))
	fmt.Println("held")
	var line string
	_, _ = fmt.Scanln(&line)
}

func TestInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	holder := exec.Command(os.Args[0], "-test.run=^TestHolder$")
	holder.Env = append(os.Environ(), "SEARCH_TEST_HOLD="+dir)
	input, err := holder.StdinPipe()
	require.NoError(t, err)
	output, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	defer holder.Wait() //nolint:errcheck // it is killed
	heard := make([]byte, 5)
	_, err = output.Read(heard)
	require.NoError(t, err)
	require.Equal(t, "held\n", string(heard))

	_, err = blevesearch.Open(dir, searchtest.Schema(), nil)
	require.ErrorIs(t, err, search.ErrInUse)

	require.NoError(t, holder.Process.Kill(), "killed without a warning")
	require.NoError(t, input.Close())
	_ = holder.Wait()
	ix := open(t, dir, nil)
	require.Equal(t, 1, total(t, ix, "longjing"), "what was acknowledged is there")
	_, err = blevesearch.Open(dir, searchtest.Schema(), nil)
	require.ErrorIs(t, err, search.ErrInUse, "by this process too")
}

func TestSchemaChange(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(ctx, searchtest.Corpus()...))
	require.NoError(t, ix.Close())

	other := search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text, Store: true}}}
	_, err := blevesearch.Open(dir, other, nil)
	require.ErrorIs(t, err, search.ErrSchema)
	require.ErrorContains(t, err, "rebuild")

	broken := errors.New("no database")
	_, err = blevesearch.Open(dir, other, &blevesearch.Options{Source: func(yield func(search.Document, error) bool) {
		yield(search.Document{}, broken)
	}})
	require.ErrorIs(t, err, broken)
	old := open(t, dir, nil)
	require.Equal(t, 1, total(t, old, "longjing"), "the old index is as it was")
	require.NoError(t, old.Close())

	source := all([]search.Document{{ID: "1", Fields: map[string]any{"title": "new schema"}}})
	renewed, err := blevesearch.Open(dir, other, &blevesearch.Options{Source: source})
	require.NoError(t, err)
	require.Equal(t, 1, total(t, renewed, "schema"))
	require.NoError(t, renewed.Close())
	renewed, err = blevesearch.Open(dir, other, nil)
	require.NoError(t, err)
	require.Equal(t, 1, total(t, renewed, "schema"))
	require.NoError(t, renewed.Close())
}

func TestOlderFormatIsFilledAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(t.Context(), searchtest.Corpus()...))
	require.NoError(t, ix.Close())
	current := filepath.Join(dir, "CURRENT")
	text, err := os.ReadFile(current)
	require.NoError(t, err)
	older := strings.Replace(string(text), `"format":4`, `"format":3`, 1)
	require.NotEqual(t, string(text), older)
	require.NoError(t, os.WriteFile(current, []byte(older), 0o600))

	_, err = blevesearch.Open(dir, searchtest.Schema(), nil)
	require.ErrorIs(t, err, search.ErrSchema)
	again := open(t, dir, &blevesearch.Options{Source: all(searchtest.Corpus())})
	require.Equal(t, 1, total(t, again, "longjing"))
	require.ErrorIs(t, again.Rollback(t.Context()), search.ErrNotFound)
	require.NoError(t, again.Close())
	require.Equal(t, 1, total(t, open(t, dir, nil), "longjing"), "it has the new format now")
}

func TestRollbackAcrossRestarts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(ctx, searchtest.Corpus()...))
	require.NoError(t, ix.Rebuild(ctx, all(searchtest.Corpus()[:3]), &search.RebuildOptions{Keep: true}))
	require.NoError(t, ix.Close())
	require.Len(t, generations(t, dir), 2)

	ix = open(t, dir, nil)
	require.Zero(t, total(t, ix, "jogging lamp mouse"))
	require.NoError(t, ix.Rollback(ctx))
	require.Equal(t, 1, total(t, ix, "silent mouse"))
	require.Len(t, generations(t, dir), 1)
	require.NoError(t, ix.Close())
	require.Equal(t, 1, total(t, open(t, dir, nil), "silent mouse"))
}

// TestCrash stops a rebuild at each of its stages, as a crash would leave the directory.
func TestCrash(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(ctx, searchtest.Corpus()...))

	crashed := filepath.Join(t.TempDir(), "crashed")
	require.NoError(t, ix.Rebuild(ctx, func(yield func(search.Document, error) bool) {
		for i, d := range searchtest.Corpus()[:10] {
			if i == 5 {
				require.Len(t, generations(t, dir), 2)
				require.NoError(t, os.CopyFS(crashed, os.DirFS(dir))) // with half a generation
			}
			yield(d, nil)
		}
	}, &search.RebuildOptions{BatchSize: 2}))
	require.Len(t, generations(t, dir), 1, "the old one is removed")

	require.NoError(t, os.WriteFile(filepath.Join(crashed, "CURRENT.new"), []byte("{half"), 0o600)) // and half a turn
	old := open(t, crashed, nil)
	require.Equal(t, 1, total(t, old, "keyboard"), "the old index is live")
	require.Len(t, generations(t, crashed), 1, "the half generation is removed")
	require.NoError(t, old.Rebuild(ctx, all(searchtest.Corpus()[:10]), nil))
	require.Zero(t, total(t, old, "keyboard"))
}

func TestBadDirectories(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := blevesearch.Open(file, searchtest.Schema(), nil)
	require.ErrorContains(t, err, "search: make directory")

	for name, text := range map[string]string{
		"not JSON":      "generation-000001",
		"a path":        `{"format":1,"generation":"../generation-000001"}`,
		"empty":         "",
		"large":         strings.Repeat(" ", 1<<20) + "{}",
		"a new format":  `{"format":5,"generation":"generation-000001"}`,
		"no generation": `{"format":1}`,
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "CURRENT"), []byte(text), 0o600))
		_, err := blevesearch.Open(dir, searchtest.Schema(), nil)
		require.ErrorContains(t, err, "search: open index", name)
	}
	_, err = blevesearch.Open(t.TempDir(), search.Schema{}, nil)
	require.ErrorIs(t, err, search.ErrInvalid)
	dir := t.TempDir()
	_, err = blevesearch.Open(dir, searchtest.Schema(), &blevesearch.Options{Options: search.Options{Rules: []search.Rule{{Pin: make([]string, 1000)}}}})
	require.ErrorIs(t, err, search.ErrInvalid)
	open(t, dir, nil) // what failed holds no lock
}

func TestCurrentNamesTheSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, nil)
	text, err := os.ReadFile(filepath.Join(dir, "CURRENT"))
	require.NoError(t, err)
	var current map[string]any
	require.NoError(t, json.Unmarshal(text, &current))
	require.Equal(t, searchtest.Schema().Fingerprint(), current["schema"])
	require.Equal(t, "generation-000001", current["generation"])
	require.True(t, slices.Equal([]string{"generation-000001"}, generations(t, dir)))
}

func ids(r *search.Result) []string {
	var all []string
	if r != nil {
		for _, hit := range r.Hits {
			all = append(all, hit.ID)
		}
	}
	return all
}

// Readers of IDs alone and of whole documents share what they read with.
func TestParallelReadersFindTheirOwn(t *testing.T) {
	t.Parallel()
	ix := open(t, "", nil)
	docs := make([]search.Document, 50)
	for i := range docs {
		docs[i] = search.Document{ID: fmt.Sprint("p", i), Fields: map[string]any{"title": "tea"}}
	}
	require.NoError(t, ix.Put(t.Context(), docs...))
	q := search.Query{Limit: len(docs), Sort: []search.Sort{search.ByID}}
	want, err := ix.Search(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, want.Hits, len(docs))
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			for range 100 {
				q := q
				if i%2 == 0 {
					q.Return = []string{}
				}
				got, err := ix.Search(t.Context(), q)
				if err != nil || !slices.Equal(ids(want), ids(got)) {
					t.Errorf("found %v: %v", ids(got), err)
				}
			}
		})
	}
	readers.Wait()
}
