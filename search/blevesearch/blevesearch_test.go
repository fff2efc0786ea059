package blevesearch_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		searchtest.Run(t, searchtest.Harness{Open: func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
			return openWith(t, "", schema, opts)
		}})
	})
	t.Run("disk", func(t *testing.T) {
		t.Parallel()
		var dirs sync.Map // of each index
		searchtest.Run(t, searchtest.Harness{
			Open: func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
				dir := t.TempDir()
				ix := openWith(t, dir, schema, opts)
				dirs.Store(ix, dir)
				return ix
			},
			Reopen: func(t testing.TB, ix *search.Index, schema search.Schema, opts *search.Options) *search.Index {
				dir, _ := dirs.Load(ix)
				require.NoError(t, ix.Close())
				again := openWith(t, dir.(string), schema, opts)
				dirs.Store(again, dir)
				return again
			},
		})
	})
}

func openWith(t testing.TB, dir string, schema search.Schema, opts *search.Options) *search.Index {
	t.Helper()
	all := &blevesearch.Options{}
	if opts != nil {
		all.Options = *opts
	}
	ix, err := blevesearch.Open(dir, schema, all)
	require.NoError(t, err)
	return ix
}
