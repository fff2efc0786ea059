package blevesearch_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

// perBatch is how many documents the killed writer puts at once.
const perBatch = 20

// TestWriter is not a test: TestKill runs it in a process of its own, which writes
// batches, says so when each is acknowledged, and is killed.
func TestWriter(t *testing.T) {
	dir := os.Getenv("SEARCH_TEST_WRITE")
	if dir == "" {
		return
	}
	ix := open(t, dir, nil)
	first, err := strconv.Atoi(os.Getenv("SEARCH_TEST_FROM"))
	require.NoError(t, err)
	for n := first; ; n++ {
		var b search.Batch
		for i := range perBatch {
			b.Put(search.Document{ID: fmt.Sprintf("%d-%d", n, i), Fields: map[string]any{"title": "batch", "price": n}})
		}
		b.Delete(fmt.Sprintf("%d-0", n-1))
		require.NoError(t, ix.Write(t.Context(), &b, nil))
		fmt.Println(n)
	}
}

// TestKill kills a writer in the middle of batches, again and again in one directory: what was
// acknowledged is there each time, and of a batch all or nothing. With COMMERCE_CHAOS=long 20 times.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 4
	if os.Getenv("COMMERCE_CHAOS") == "long" {
		rounds = 20
	}
	dir := t.TempDir()
	batches := 0 // that the index holds
	for round := range rounds {
		acknowledged := killWriter(t, dir, batches, 3+round%7)
		ix := open(t, dir, nil)
		r, err := ix.Search(t.Context(), search.Query{Limit: -1, Facets: []search.Facet{{Field: "price", Size: 1000}}})
		require.NoError(t, err)
		price, _ := r.Facet("price")
		count := map[string]int{}
		for _, v := range price.Values {
			count[v.Value] = v.Count
		}
		require.GreaterOrEqual(t, len(count), acknowledged, "what was acknowledged is there")
		require.LessOrEqual(t, len(count), acknowledged+1, "and perhaps the batch that was on its way")
		batches = len(count)
		for n := range batches {
			want := perBatch - 1 // the next batch deleted one
			if n == batches-1 {
				want = perBatch
			}
			require.Equal(t, want, count[strconv.Itoa(n)], "batch %d of %d is whole", n, batches)
		}
		n, err := ix.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, batches*(perBatch-1)+1, n)
		require.NoError(t, ix.Close())
	}
}

// killWriter returns the number of batches that are acknowledged in all.
func killWriter(t *testing.T, dir string, from, batches int) int {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriter$")
	writer.Env = append(os.Environ(), "SEARCH_TEST_WRITE="+dir, fmt.Sprint("SEARCH_TEST_FROM=", from))
	output, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())
	last := from - 1
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		n, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			continue
		}
		if last = n; n == from+batches-1 {
			require.NoError(t, writer.Process.Kill())
		}
	}
	_ = writer.Wait() // it was killed
	require.GreaterOrEqual(t, last, from+batches-1)
	return last + 1
}

func TestBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir, backup, restored := t.TempDir(), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	ix := open(t, dir, nil)
	require.NoError(t, ix.Put(ctx, searchtest.Corpus()...))
	require.NoError(t, ix.SetSynonyms(ctx, search.Synonym{Terms: []string{"brew", "tea"}}))

	// While others write, and rebuild.
	stop, stopped := make(chan struct{}), make(chan error, 2)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
				err = ix.Put(ctx, search.Document{ID: fmt.Sprint("w", i), Fields: map[string]any{"title": "written"}})
			}
		}
		stopped <- err
	}()
	go func() { stopped <- ix.Rebuild(ctx, all(searchtest.Corpus()), nil) }()
	require.NoError(t, ix.Backup(ctx, backup))
	close(stop)
	require.NoError(t, <-stopped)
	require.NoError(t, <-stopped)
	require.NoError(t, ix.Close())

	require.ErrorIs(t, ix.Backup(ctx, filepath.Join(t.TempDir(), "more")), search.ErrClosed)
	require.NoError(t, blevesearch.Restore(ctx, backup, restored))
	again := open(t, restored, nil)
	require.Equal(t, 1, total(t, again, "longjing"))
	require.Equal(t, total(t, again, "tea"), total(t, again, "brew"), "settings come along")
	require.NoError(t, again.Put(ctx, search.Document{ID: "more", Fields: map[string]any{"title": "writable"}}))
	require.NoError(t, again.Backup(ctx, filepath.Join(t.TempDir(), "second")))

	require.ErrorIs(t, again.Backup(ctx, backup), search.ErrInvalid, "it is not empty")
	require.ErrorIs(t, blevesearch.Restore(ctx, backup, restored), search.ErrInvalid)
	require.ErrorIs(t, blevesearch.Restore(ctx, t.TempDir(), filepath.Join(t.TempDir(), "x")), search.ErrInvalid, "no backup")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, again.Backup(ended, filepath.Join(t.TempDir(), "late")), context.Canceled)
}
