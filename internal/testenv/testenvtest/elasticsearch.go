package testenvtest

import (
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
)

var (
	sharedElasticsearch  = shared{env: testenv.ElasticsearchEnv, start: testenv.Elasticsearch, at: testenv.ElasticsearchAt}
	sharedElasticsearch7 = shared{env: "COMMERCE_ELASTICSEARCH7_ADDR", start: testenv.Elasticsearch7, at: testenv.ElasticsearchAt}
	sharedElasticsearch9 = shared{env: "COMMERCE_ELASTICSEARCH9_ADDR", start: testenv.Elasticsearch9, at: testenv.ElasticsearchAt}
	sharedOpenSearch     = shared{env: "COMMERCE_OPENSEARCH_ADDR", start: testenv.OpenSearch, at: testenv.ElasticsearchAt}
)

// Elasticsearch returns the shared Elasticsearch 8.14 of the run.
func Elasticsearch(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedElasticsearch.get(t)
}

// Elasticsearch7 returns an Elasticsearch 7.17 that all tests of the binary share.
func Elasticsearch7(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedElasticsearch7.get(t)
}

// Elasticsearch9 returns an Elasticsearch 9.4 that all tests of the binary share.
func Elasticsearch9(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedElasticsearch9.get(t)
}

// OpenSearch returns an OpenSearch 2.19 that all tests of the binary share.
func OpenSearch(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedOpenSearch.get(t)
}

// PrivateElasticsearch starts an Elasticsearch 8.14 for this test alone, to pause,
// kill and restart. It is closed at the end of the test.
func PrivateElasticsearch(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.Elasticsearch, opts)
}

// ElasticsearchURL returns the URL of an index, which is not there yet, that no
// other test uses. All indexes whose names begin with its are removed at the end of the test.
func ElasticsearchURL(t testing.TB, server *testenv.Server) string {
	t.Helper()
	return database(t, server)
}

// PrivateElasticsearchCluster starts three nodes of Elasticsearch that the test may hurt.
func PrivateElasticsearchCluster(t testing.TB) *testenv.ElasticsearchCluster {
	t.Helper()
	return privateGroup(t, testenv.NewElasticsearchCluster)
}

// PrivateSecureElasticsearch starts an Elasticsearch with TLS and users for this test alone.
func PrivateSecureElasticsearch(t testing.TB) *testenv.SecureElasticsearch {
	t.Helper()
	return privateGroup(t, testenv.NewSecureElasticsearch)
}
