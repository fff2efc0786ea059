package relevance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest/relevance"
)

func TestRead(t *testing.T) {
	t.Parallel()
	j, err := relevance.Read(strings.NewReader("query\tproduct_id\tgrade\ntea\ta\t3\r\ntea\tb\t0\n\nsofa\tc\t0\n"))
	require.NoError(t, err)
	require.Equal(t, relevance.Judgements{"tea": {"a": 3, "b": 0}, "sofa": {"c": 0}}, j)
	require.True(t, j.Scored("tea"))
	require.False(t, j.Scored("sofa"))
	for _, bad := range []string{"tea\ta", "q\tp\tg\ntea\ta\tx", "tea\ta\t-1", "tea\ta\tNaN", "tea\ta\t1\ntea\ta\t2", "\ta\t1", strings.Repeat("x", 1<<20)} {
		_, err := relevance.Read(strings.NewReader(bad))
		require.ErrorContains(t, err, "relevance: ")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("query\tproduct_id\tgrade\ntea\ta\t3\n")
	f.Fuzz(func(t *testing.T, text string) {
		j, err := relevance.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for query, grades := range j {
			require.NotEmpty(t, query)
			for _, g := range grades {
				require.GreaterOrEqual(t, g, 0.0)
			}
		}
	})
}

func fixed(rankings map[string][]string) relevance.Searcher {
	return func(_ context.Context, query string, limit int) ([]string, error) {
		return rankings[query][:min(limit, len(rankings[query]))], nil
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	j := relevance.Judgements{"tea": {"a": 3, "b": 1, "c": 0}, "sofa": {"x": 0}, "lamp": {"l": 2}}
	r, err := relevance.Measure(t.Context(), "one", j, fixed(map[string][]string{"tea": {"?", "c", "b", "a"}, "sofa": {"x"}}))
	require.NoError(t, err)
	tea := r.Queries[2]
	require.Equal(t, "tea", tea.Query)
	ideal := 3 + 1/math.Log2(3)
	require.InDelta(t, (1/math.Log2(4)+3/math.Log2(5))/ideal, tea.NDCG10, 1e-12)
	require.InDelta(t, (1/math.Log2(3)+3/math.Log2(4))/ideal, tea.Judged10, 1e-12, "without what nobody judged")
	require.InDelta(t, 1.0/3, tea.MRR, 1e-12)
	require.InDelta(t, 1, tea.Recall100, 1e-12)
	require.Equal(t, 3, tea.Judged)
	require.Nil(t, tea.Ranking[0].Grade)
	require.InDelta(t, tea.NDCG10/2, r.Mean.NDCG10, 1e-12, "lamp finds nothing, sofa does not count")
	require.Equal(t, "lamp", r.Worst(5)[0].Query)
	require.Len(t, r.Worst(5), 2)

	perfect, err := relevance.Measure(t.Context(), "two", j, fixed(map[string][]string{"tea": {"a", "b"}, "lamp": {"l"}}))
	require.NoError(t, err)
	require.InDelta(t, 1, perfect.Mean.NDCG10, 1e-12)
	c := relevance.Compare(r, perfect)
	require.Equal(t, 2, c.Better)
	require.Zero(t, c.Worse)
	require.InDelta(t, 0.5, c.Chance, 1e-9, "two coins")
	require.InDelta(t, 1, c.Queries[1].Change(), 1e-12)
	require.InDelta(t, 1, relevance.Compare(r, r).Chance, 1e-12)

	_, err = relevance.Measure(t.Context(), "", j, func(context.Context, string, int) ([]string, error) { return nil, errors.New("down") })
	require.ErrorContains(t, err, `relevance: "lamp": down`)
}

func TestPage(t *testing.T) {
	t.Parallel()
	j := relevance.Judgements{"<tea>": {"a": 3, "b": 1}, "sofa": {"x": 0}}
	before, err := relevance.Measure(t.Context(), "before & after", j, fixed(map[string][]string{"<tea>": {"b", "?"}}))
	require.NoError(t, err)
	after, err := relevance.Measure(t.Context(), "after", j, fixed(map[string][]string{"<tea>": {"a", "b"}}))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, relevance.WriteHTML(&out, &relevance.Page{Reports: []*relevance.Report{before, after}, Label: func(id string) string { return "<product " + id }}))
	text := out.String()
	for _, want := range []string{"Search relevance", "before &amp; after", "&lt;tea&gt;", "&lt;product a", "not scored", "1 queries are better", "1.0000"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "<tea>")
	require.NoError(t, relevance.WriteHTML(&out, &relevance.Page{}))
}

// A search measured with a shop's own judgements.
func ExampleMeasure() {
	ctx := context.Background()
	index, err := blevesearch.OpenMemory(search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text}}}, nil)
	if err != nil {
		panic(err)
	}
	defer index.Close()
	err = index.Put(ctx, search.Document{ID: "1", Fields: map[string]any{"title": "tea pot"}}, search.Document{ID: "2", Fields: map[string]any{"title": "tea"}})
	if err != nil {
		panic(err)
	}
	report, err := relevance.Measure(ctx, "default", relevance.Judgements{"tea": {"1": 1, "2": 3}}, relevance.Of(index, search.Query{}))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.2f\n", report.Mean.NDCG10)
	// Output: 1.00
}
