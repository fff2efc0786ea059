package testenv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestElasticsearchKeepsItsDataOverAKill(t *testing.T) {
	if testing.Short() && !Required() {
		t.Skip("needs a server, and -short means none")
	}
	t.Parallel()
	server, err := Elasticsearch(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	dsn, drop, err := server.NewDatabase(t.Context())
	require.NoError(t, err)
	require.NoError(t, elasticsearchPut(t.Context(), dsn+"/_doc/1?refresh=true", `{"title":"tea"}`))

	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
	var doc struct {
		Found bool `json:"found"`
	}
	require.NoError(t, elasticsearchGet(t.Context(), dsn+"/_doc/1", &doc))
	require.True(t, doc.Found)
	require.NoError(t, drop(t.Context()))
	require.Error(t, elasticsearchGet(t.Context(), dsn+"/_doc/1", nil))
}
