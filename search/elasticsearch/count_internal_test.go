package elasticsearch

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
)

// counter counts the requests that pass.
type counter struct{ requests atomic.Int64 }

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// TestTotalsOfManyAreOneSearch compares totals that are asked for together with those of each search by itself.
func TestTotalsOfManyAreOneSearch(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	schema := search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text, Weight: 2}, {Name: "price", Kind: search.Number, Facet: true}}}
	o, err := (&Options{Refresh: -1}).withDefaults()
	require.NoError(t, err)
	base, name, err := splitAddress(testenvtest.ElasticsearchURL(t, testenvtest.Elasticsearch(t)), &o)
	require.NoError(t, err)
	passing := &counter{}
	o.Client = &http.Client{Transport: passing}
	d := newDriver(name, schema, o)
	d.client = newClient([]*url.URL{base}, &o)
	ix, err := d.open(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	for id, title := range map[string]string{"a": "red tea", "b": "green tea", "c": "red cup", "d": "lid"} {
		require.NoError(t, ix.Put(ctx, search.Document{ID: id, Fields: map[string]any{"title": title, "price": len(title)}}))
	}
	require.NoError(t, ix.Refresh(ctx))

	term := func(word string) search.Node {
		return search.Node{Op: search.OpTerm, Field: search.FieldText, Terms: []string{word}, Boost: 1}
	}
	some := search.Node{Op: search.OpAny, Nodes: []search.Node{term("red"), term("tea")}, Min: 1, Bonus: 0.5, Boost: 2}
	cheap := []search.Filter{{Op: search.FilterRange, Field: "price", Ranges: []search.Bounds{{LT: 8.0}}}}
	requests := []search.Request{
		{Query: term("tea")}, {Query: term("none")}, {Query: some}, {Query: some, Filters: cheap},
		{Query: search.Node{Op: search.OpPrefer, Nodes: []search.Node{term("red"), term("cup")}, Boost: 1}},
		{Query: search.Node{Op: search.OpPhrase, Field: search.FieldText, Terms: []string{"tea", "red"}, Boost: 1}},
		{Query: search.Node{Op: search.OpEverything, Boost: 1}, Filters: cheap}, {Query: search.Node{Op: search.OpEverything, Boost: 1}},
	}
	for i := range requests {
		requests[i].Sort = []search.Sort{search.ByID}
	}
	before := passing.requests.Load()
	together, err := d.Search(ctx, requests)
	require.NoError(t, err)
	require.EqualValues(t, 1, passing.requests.Load()-before)
	var totals []int
	for i, r := range requests {
		alone, err := d.Search(ctx, []search.Request{r})
		require.NoError(t, err)
		require.Equal(t, alone[0].Total, together[i].Total, "request %d", i)
		require.Empty(t, together[i].Hits)
		totals = append(totals, together[i].Total)
	}
	require.Equal(t, []int{2, 0, 3, 2, 2, 0, 3, 4}, totals)
}
