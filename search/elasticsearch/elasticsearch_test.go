package elasticsearch_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engines are the servers that everything is tested on: Elasticsearch 8.14 and OpenSearch 2.19
// always, Elasticsearch 7.17 and 9.4 when they are asked for.
func engines(t testing.TB) map[string]*testenv.Server {
	all := map[string]*testenv.Server{"elasticsearch 8": testenvtest.Elasticsearch(t), "opensearch 2": testenvtest.OpenSearch(t)}
	if testenv.AllSearchEngines() {
		all["elasticsearch 7"], all["elasticsearch 9"] = testenvtest.Elasticsearch7(t), testenvtest.Elasticsearch9(t)
	}
	return all
}

func open(t testing.TB, server *testenv.Server, schema search.Schema, opts *search.Options) *search.Index {
	all := &elasticsearch.Options{Refresh: -1}
	if opts != nil {
		all.Options = *opts
	}
	ix, err := elasticsearch.Open(t.Context(), testenvtest.ElasticsearchURL(t, server), schema, all)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	return ix
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, server := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			searchtest.Run(t, searchtest.Harness{Open: func(t testing.TB, schema search.Schema, opts *search.Options) *search.Index {
				return open(t, server, schema, opts)
			}})
		})
	}
}
