package elasticsearch_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// leastRole is what an API key needs for all that the package does, as docs/search.md has it.
const leastRole = `{"cluster":["monitor"],"indices":[{"names":["products","products-*"],"privileges":["manage","read","write"]}]}`

// readRole is what is enough to open an index that is there and to search it.
const readRole = `{"cluster":["monitor"],"indices":[{"names":["products","products-*"],"privileges":["read","view_index_metadata"]}]}`

func TestASecuredServer(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateSecureElasticsearch(t)
	trusting := &tls.Config{RootCAs: server.Authority, MinVersion: tls.VersionTLS12}
	ctx := t.Context()
	address := server.DSN + "/products"
	open := func(t *testing.T, address string, o elasticsearch.Options) (*search.Index, error) {
		o.Patience, o.Refresh = -1, -1
		ix, err := elasticsearch.Open(ctx, address, titles, &o)
		if err == nil {
			t.Cleanup(func() { require.NoError(t, ix.Close()) })
		}
		return ix, err
	}

	t.Run("password", func(t *testing.T) {
		ix, err := open(t, address, elasticsearch.Options{Username: server.Username, Password: server.Password, TLS: trusting})
		require.NoError(t, err)
		requireEverythingWorks(t, ix)
		in, err := url.Parse(address)
		require.NoError(t, err)
		in.User = url.UserPassword(server.Username, server.Password)
		ix, err = open(t, in.String(), elasticsearch.Options{TLS: trusting})
		require.NoError(t, err, "in the address")
		requireEverythingWorks(t, ix)
	})
	t.Run("wrong password", func(t *testing.T) {
		_, err := open(t, address, elasticsearch.Options{Username: server.Username, Password: "not-the-secret", TLS: trusting})
		requireRefused(t, err, http.StatusUnauthorized, "not-the-secret")
		_, err = open(t, address, elasticsearch.Options{TLS: trusting})
		requireRefused(t, err, http.StatusUnauthorized, server.Password)
	})
	t.Run("key", func(t *testing.T) {
		key := apiKey(t, server, trusting, leastRole)
		ix, err := open(t, address, elasticsearch.Options{APIKey: key, TLS: trusting, Gzip: true})
		require.NoError(t, err)
		requireEverythingWorks(t, ix)
		_, err = open(t, server.DSN+"/orders", elasticsearch.Options{APIKey: key, TLS: trusting})
		requireRefused(t, err, http.StatusForbidden, key)

		wrong := base64.StdEncoding.EncodeToString([]byte("made:up"))
		_, err = open(t, address, elasticsearch.Options{APIKey: wrong, TLS: trusting})
		requireRefused(t, err, http.StatusUnauthorized, wrong)
	})
	t.Run("key that may only read", func(t *testing.T) {
		key := apiKey(t, server, trusting, readRole)
		ix, err := open(t, address, elasticsearch.Options{APIKey: key, TLS: trusting})
		require.NoError(t, err)
		r, err := ix.Search(ctx, search.Query{Text: "tea"})
		require.NoError(t, err)
		require.Equal(t, 1, r.Total)
		requireRefused(t, ix.Put(ctx, titled("b", "cup")), http.StatusForbidden, key)
		requireRefused(t, ix.Rebuild(ctx, func(func(search.Document, error) bool) {}, nil), http.StatusForbidden, key)
	})
	t.Run("unknown authority", func(t *testing.T) {
		for _, config := range []*tls.Config{nil, {RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}} {
			_, err := open(t, address, elasticsearch.Options{Username: server.Username, Password: server.Password, TLS: config})
			require.ErrorIs(t, err, search.ErrUnavailable)
			var unknown x509.UnknownAuthorityError
			require.ErrorAs(t, err, &unknown)
			require.NotContains(t, err.Error(), server.Password)
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		_, err := open(t, strings.Replace(address, "https:", "http:", 1), elasticsearch.Options{Username: server.Username, Password: server.Password})
		require.ErrorIs(t, err, search.ErrUnavailable)
		require.NotContains(t, err.Error(), server.Password)
	})
}

// requireEverythingWorks uses each part of the server's interface that the package needs.
func requireEverythingWorks(t *testing.T, ix *search.Index) {
	ctx := t.Context()
	require.NoError(t, ix.Put(ctx, titled("a", "tea"), search.Document{ID: "v", Version: 1, Fields: map[string]any{"title": "cup"}}))
	require.NoError(t, ix.Rebuild(ctx, func(yield func(search.Document, error) bool) { yield(titled("a", "green tea"), nil) }, &search.RebuildOptions{Keep: true}))
	require.NoError(t, ix.Rollback(ctx))
	require.NoError(t, ix.Delete(ctx, "v"))
	require.NoError(t, ix.SetSynonyms(ctx, search.Synonym{Terms: []string{"tea", "chai"}}))
	require.NoError(t, ix.Refresh(ctx))
	r, err := ix.Search(ctx, search.Query{Text: "chai", Sort: []search.Sort{{Field: "price"}}})
	require.NoError(t, err)
	require.Equal(t, 1, r.Total)
	_, err = ix.Suggest(ctx, search.SuggestQuery{Text: "te"})
	require.NoError(t, err)
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// requireRefused wants a refusal of the server that does not tell a secret, and that is
// not taken for one that passes.
func requireRefused(t *testing.T, err error, status int, secret string) {
	t.Helper()
	if batch, ok := errors.AsType[*search.BatchError](err); ok {
		err = batch.Failed[0].Err
	}
	refusal, ok := errors.AsType[*elasticsearch.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, status, refusal.Status, err)
	require.NotErrorIs(t, err, search.ErrUnavailable)
	require.NotContains(t, err.Error(), secret)
}

// apiKey makes a key with one role.
func apiKey(t *testing.T, server *testenv.SecureElasticsearch, config *tls.Config, role string) string {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.DSN+"/_security/api_key?refresh=true",
		strings.NewReader(`{"name":"shop","role_descriptors":{"shop":`+role+`}}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(server.Username, server.Password)
	r.Close = true
	response, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config}}).Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", text)
	var answer struct {
		Encoded string `json:"encoded"`
	}
	require.NoError(t, json.Unmarshal(text, &answer))
	return answer.Encoded
}
