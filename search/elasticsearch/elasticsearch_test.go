package elasticsearch_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	server := testenvtest.Elasticsearch(t)
	searchtest.Run(t, searchtest.Harness{Open: func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
		all := &elasticsearch.Options{Refresh: -1, Replicas: -1}
		if opts != nil {
			all.Options = *opts
		}
		ix, err := elasticsearch.Open(t.Context(), testenvtest.ElasticsearchURL(t, server), schema, all)
		require.NoError(t, err)
		return ix
	}})
}
