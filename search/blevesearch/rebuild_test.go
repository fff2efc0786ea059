package blevesearch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

// What was written into an index in memory just before a rebuild is there again after a rollback.
func TestRollbackInMemoryLosesNothing(t *testing.T) {
	t.Parallel()
	nothing := func(func(search.Document, error) bool) {}
	for range 50 {
		ix, err := blevesearch.OpenMemory(schema, nil)
		require.NoError(t, err)
		require.NoError(t, ix.Put(t.Context(), search.Document{ID: "tea", Fields: map[string]any{"title": "Tea"}}))
		require.NoError(t, ix.Rebuild(t.Context(), nothing, &search.RebuildOptions{Keep: true, AllowEmpty: true}))
		require.NoError(t, ix.Rollback(t.Context()))
		n, err := ix.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, ix.Close())
	}
}
