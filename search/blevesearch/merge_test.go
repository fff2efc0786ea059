package blevesearch

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

func TestRebuildEndsInOneSegment(t *testing.T) {
	ctx := t.Context()
	schema := weighted(1)
	d, _, err := openDriver(t.TempDir(), schema, false, false)
	require.NoError(t, err)
	ix, err := search.New(d, schema, nil)
	require.NoError(t, err)
	defer ix.Close()
	source := func(yield func(search.Document, error) bool) {
		for i := range 5000 {
			if !yield(search.Document{ID: fmt.Sprint(i), Fields: map[string]any{"f0": fmt.Sprintf("cup %d", i)}}, nil) {
				return
			}
		}
	}
	require.NoError(t, ix.Rebuild(ctx, source, &search.RebuildOptions{BatchSize: 500}))
	sn, err := d.live.snapshot(ctx)
	require.NoError(t, err)
	defer sn.close()
	with := 0
	for _, p := range sn.parts {
		if p.end > p.offset {
			with++
		}
	}
	require.Equal(t, 1, with)
	require.EqualValues(t, 5000, sn.documents)
	files, err := filepath.Glob(filepath.Join(d.dir, d.current.Generation, "*.zap"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
}
