package elasticsearch_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// wire keeps what passes between a client and its nodes.
type wire struct {
	http.Transport
	mu        sync.Mutex
	exchanges []exchange
}

type exchange struct {
	host, encoding string
	sent, received string // bodies, as they were on the wire
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	response, err := w.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, exchange{r.URL.Host, r.Header.Get("Content-Encoding"), string(sent), string(received)})
	response.Body = io.NopCloser(bytes.NewReader(received))
	return response, nil
}

// taken returns what has passed since the last call.
func (w *wire) taken() []exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.exchanges
	w.exchanges = nil
	return taken
}

// openWired opens an index with a text that is stored but not shown in lists.
func openWired(t *testing.T, o elasticsearch.Options) (*search.Index, *wire) {
	w := &wire{}
	t.Cleanup(w.CloseIdleConnections)
	schema := search.Schema{Fields: append([]search.Field{{Name: "description", Kind: search.Text, Store: true}}, titles.Fields...)}
	o.Client, o.Refresh = &http.Client{Transport: w}, -1
	ix, err := elasticsearch.Open(t.Context(), testenvtest.ElasticsearchURL(t, testenvtest.Elasticsearch(t)), schema, &o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	return ix, w
}

func TestOnlyWhatIsLookedAtIsSent(t *testing.T) {
	t.Parallel()
	ix, w := openWired(t, elasticsearch.Options{})
	require.NoError(t, ix.Put(t.Context(), search.Document{ID: "a", Fields: map[string]any{
		"title": "green tea", "description": "from the hills", "price": 4.5}}))
	require.NoError(t, ix.Refresh(t.Context()))
	for _, test := range []struct {
		query search.Query
		want  map[string]any
		sent  []string // of the stored texts
	}{
		{search.Query{}, map[string]any{"title": "green tea", "description": "from the hills", "price": 4.5}, []string{"green tea", "from the hills"}},
		{search.Query{Return: []string{"title"}}, map[string]any{"title": "green tea"}, []string{"green tea"}},
		{search.Query{Return: []string{"title", "price"}}, map[string]any{"title": "green tea", "price": 4.5}, []string{"green tea"}},
		{search.Query{Return: []string{"price"}, Highlight: []string{"description"}, Text: "hills"}, map[string]any{"price": 4.5}, []string{"from the hills"}},
		{search.Query{Return: []string{}}, map[string]any{}, nil},
	} {
		w.taken()
		r, err := ix.Search(t.Context(), test.query)
		require.NoError(t, err)
		require.Equal(t, test.want, r.Hits[0].Fields)
		if len(test.query.Highlight) > 0 {
			require.Contains(t, r.Hits[0].Highlight["description"], "<mark>hills</mark>")
		}
		var received strings.Builder
		for _, e := range w.taken() {
			received.WriteString(e.received)
		}
		for _, text := range []string{"green tea", "from the hills"} {
			wanted := false
			for _, s := range test.sent {
				wanted = wanted || s == text
			}
			require.Equal(t, wanted, strings.Contains(received.String(), text), "%+v: %q in %s", test.query, text, received.String())
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("tea from the hills ", 500)
	for _, on := range []bool{false, true} {
		ix, w := openWired(t, elasticsearch.Options{Gzip: on})
		w.taken()
		require.NoError(t, ix.Put(t.Context(), search.Document{ID: "a", Fields: map[string]any{"title": long}}))
		bulk := w.taken()[0]
		if on {
			require.Equal(t, "gzip", bulk.encoding)
			require.Less(t, len(bulk.sent), len(long)/10)
		} else {
			require.Empty(t, bulk.encoding)
			require.Greater(t, len(bulk.sent), len(long))
		}
		doc, err := ix.Get(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, long, doc.Fields["title"])
		for _, e := range w.taken() {
			require.Empty(t, e.encoding, "a small body is not worth it")
		}
	}
}

func TestNodesTakeTurns(t *testing.T) {
	t.Parallel()
	proxy := testenvtest.Proxy(t, testenvtest.Elasticsearch(t).Addr)
	ix, w := openWired(t, elasticsearch.Options{Nodes: []string{"http://" + proxy.Addr()}})
	w.taken()
	for range 10 {
		_, err := ix.Count(t.Context())
		require.NoError(t, err)
	}
	asked := map[string]int{}
	for _, e := range w.taken() {
		asked[e.host]++
	}
	require.Equal(t, map[string]int{testenvtest.Elasticsearch(t).Addr: 5, proxy.Addr(): 5}, asked)
}
