package blevesearch_test

import (
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
	for name, dir := range map[string]func(testing.TB) string{
		"disk":   func(t testing.TB) string { return t.TempDir() },
		"memory": func(testing.TB) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			searchtest.Run(t, searchtest.Harness{Open: func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
				all := &blevesearch.Options{}
				if opts != nil {
					all.Options = *opts
				}
				ix, err := blevesearch.Open(dir(t), schema, all)
				require.NoError(t, err)
				return ix
			}})
		})
	}
}
