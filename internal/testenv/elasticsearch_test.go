package testenv_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestElasticsearchKeepsItsDataOverAKill(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateElasticsearch(t, nil)
	dsn, drop, err := server.NewDatabase(t.Context())
	require.NoError(t, err)
	ask := func(method, path, body string) (status int, answer string) {
		request, err := http.NewRequestWithContext(t.Context(), method, dsn+path, strings.NewReader(body))
		require.NoError(t, err)
		request.Close = true // an idle connection would look like a leak
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(text)
	}
	status, answer := ask(http.MethodPut, "/_doc/1?refresh=true", `{"title":"tea"}`)
	require.Equal(t, http.StatusCreated, status, answer)

	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
	status, answer = ask(http.MethodGet, "/_doc/1", "")
	require.Equal(t, http.StatusOK, status, answer)
	require.Contains(t, answer, `"found":true`)
	require.NoError(t, drop(t.Context()))
	status, _ = ask(http.MethodGet, "/_doc/1", "")
	require.Equal(t, http.StatusNotFound, status)
}
