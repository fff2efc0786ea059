package searchtest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

func testDocuments(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.open(t, Schema(), nil)
	released := time.Date(2025, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("CST", 8*3600))
	put(t, ix, search.Document{ID: "a/ä 1", Fields: map[string]any{"title": "Tea", "tags": []string{"x", "y", "x"},
		"price": 12, "stock": true, "released": released, "rating": nil, "sku": "not stored", "category": "Food > Tea"}})

	doc, err := ix.Get(ctx, "a/ä 1")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"title": "Tea", "tags": []string{"x", "y", "x"}, "price": 12.0, "stock": true,
		"released": released.UTC().Truncate(time.Millisecond), "category": "Food > Tea"}, doc.Fields)

	put(t, ix, search.Document{ID: "a/ä 1", Fields: map[string]any{"title": "Coffee"}})
	require.Equal(t, 1, find(t, ix, search.Query{Text: "coffee"}).Total)
	require.Equal(t, 0, find(t, ix, search.Query{Text: "tea"}).Total, "the old text is gone")
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	t.Run("the last change of an ID wins", func(t *testing.T) {
		var b search.Batch
		b.Put(search.Document{ID: "twice", Fields: map[string]any{"title": "first"}})
		b.Put(search.Document{ID: "twice", Fields: map[string]any{"title": "second"}})
		b.Put(search.Document{ID: "gone", Fields: map[string]any{"title": "third"}})
		b.Delete("gone")
		b.Delete("back")
		b.Put(search.Document{ID: "back", Fields: map[string]any{"title": "fourth"}})
		require.NoError(t, ix.Write(ctx, &b, &search.WriteOptions{Visible: true}))
		require.Equal(t, []string{"twice"}, ids(find(t, ix, search.Query{Text: "second"}).Hits))
		require.Zero(t, find(t, ix, search.Query{Text: "first", Exact: true}).Total)
		require.Zero(t, find(t, ix, search.Query{Text: "third", Exact: true}).Total)
		require.Equal(t, 1, find(t, ix, search.Query{Text: "fourth"}).Total)
	})

	remove(t, ix, "a/ä 1", "never there")
	_, err = ix.Get(ctx, "a/ä 1")
	require.ErrorIs(t, err, search.ErrNotFound)
	require.Zero(t, find(t, ix, search.Query{Text: "coffee", Exact: true}).Total)
	require.NoError(t, ix.Delete(ctx))
	require.NoError(t, ix.Put(ctx))
}

func testVersions(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.open(t, Schema(), nil)
	at := func(id string, version int64, title string) search.Document {
		return search.Document{ID: id, Version: version, Fields: map[string]any{"title": title}}
	}
	put(t, ix, at("a", 5, "five"))
	for _, version := range []int64{1, 4, 5} {
		err := ix.Put(ctx, at("a", version, "older"), at(fmt.Sprint("other", version), 1, "new"))
		require.ErrorIs(t, err, search.ErrConflict)
		var batch *search.BatchError
		require.ErrorAs(t, err, &batch)
		require.Len(t, batch.Failed, 1)
		require.Equal(t, "a", batch.Failed[0].ID)
		_, err = ix.Get(ctx, fmt.Sprint("other", version))
		require.NoError(t, err, "the rest of the batch is written")
	}
	put(t, ix, at("a", 7, "seven"))
	doc, err := ix.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, int64(7), doc.Version)
	require.Equal(t, "seven", doc.Fields["title"])

	t.Run("a late write does not bring a deleted document back", func(t *testing.T) {
		var older, newer search.Batch
		older.DeleteVersion("a", 6)
		require.ErrorIs(t, ix.Write(ctx, &older, nil), search.ErrConflict)
		newer.DeleteVersion("a", 9)
		require.NoError(t, ix.Write(ctx, &newer, &search.WriteOptions{Visible: true}))
		_, err := ix.Get(ctx, "a")
		require.ErrorIs(t, err, search.ErrNotFound)
		require.ErrorIs(t, ix.Put(ctx, at("a", 8, "late")), search.ErrConflict)
		require.NotContains(t, ids(find(t, ix, search.Query{Limit: 100}).Hits), "a")
		require.Zero(t, find(t, ix, search.Query{Filters: search.Filters{search.IDs("a")}}).Total)
		n, err := ix.Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		put(t, ix, at("a", 10, "again"))
		require.Equal(t, 1, find(t, ix, search.Query{Text: "again"}).Total)
	})
}

func testStrictSchema(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.open(t, Schema(), nil)
	for _, test := range []struct {
		field string
		value any
	}{
		{"colour", "red"}, {"title", 5}, {"title", []any{"a", 5}}, {"price", "12"}, {"price", true},
		{"price", math.NaN()}, {"price", math.Inf(1)}, {"stock", "true"}, {"released", "yesterday"}, {"released", 5},
		{"released", time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)}, {"brand", ""}, {"brand", "a\x00b"}, {"brand", "\xff"},
		{"brand", strings.Repeat("x", 2000)}, {"category", " > Tea"}, {"category", "Tea > "}, {"category", 5},
		{"tags", make([]string, 2000)}, {"title", strings.Repeat("tea ", 300_000)}, {"brand", map[string]any{}}, {"price", []any{1, "2"}},
	} {
		t.Run(fmt.Sprintf("%s %T", test.field, test.value), func(t *testing.T) {
			err := ix.Put(ctx, search.Document{ID: "good", Fields: map[string]any{"title": "good"}},
				search.Document{ID: "bad-1", Fields: map[string]any{test.field: test.value}})
			requireInvalid(t, err, test.field)
			var invalid *search.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "bad-1", invalid.Document)
		})
	}
	for _, id := range []string{"", strings.Repeat("x", 600), "\xff", "a\nb"} {
		requireInvalid(t, ix.Put(ctx, search.Document{ID: id}), "ID")
		requireInvalid(t, ix.Delete(ctx, id), "ID")
	}
	requireInvalid(t, ix.Put(ctx, search.Document{ID: "v", Version: -1}), "Version")
	requireInvalid(t, ix.Put(ctx, make([]search.Document, 20_000)...), "Batch")
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "one bad document keeps the whole batch out")

	put(t, ix, search.Document{ID: "empty"}, search.Document{ID: "nothing", Fields: map[string]any{"title": nil, "tags": []string{}, "name": ""}})
	require.Equal(t, 2, find(t, ix, search.Query{}).Total, "documents may lack every field")
	put(t, ix, search.Document{ID: "odd", Fields: map[string]any{"title": "bad \xff utf-8 \x00 and controls"}})
	require.Equal(t, []string{"odd"}, ids(find(t, ix, search.Query{Text: "utf controls"}).Hits))
}

func testEmpty(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.open(t, Schema(), nil)
	for _, text := range []string{"", "tea", "手机", "hedphones", "!!!"} {
		r := find(t, ix, search.Query{Text: text, Facets: []search.Facet{{Field: "brand"}, search.Ranges("price", 10), {Field: "price", Name: "p"}}})
		require.Zero(t, r.Total)
		require.NotNil(t, r.Hits)
		require.Empty(t, r.Next)
		require.Empty(t, counts(t, r, "brand"))
		price, _ := r.Facet("price")
		require.Len(t, price.Values, 2, "intervals are listed even when they are empty")
		require.Nil(t, price.Min)
	}
	s, err := ix.Suggest(ctx, search.SuggestQuery{Text: "te"})
	require.NoError(t, err)
	require.Empty(t, s.Queries)
	require.Empty(t, s.Hits)
	_, err = ix.Similar(ctx, "nobody", nil)
	require.ErrorIs(t, err, search.ErrNotFound)
	_, err = ix.Get(ctx, "nobody")
	require.ErrorIs(t, err, search.ErrNotFound)
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
}

func testClosed(t *testing.T, h Harness) {
	ctx := context.Background()
	ix := h.Open(t, Schema(), nil)
	put(t, ix, Corpus()...)
	require.NoError(t, ix.Close())
	require.NoError(t, ix.Close(), "closing twice is fine")
	_, err := ix.Search(ctx, search.Query{})
	require.ErrorIs(t, err, search.ErrClosed)
	_, err = ix.Suggest(ctx, search.SuggestQuery{Text: "t"})
	require.ErrorIs(t, err, search.ErrClosed)
	_, err = ix.Similar(ctx, "tea-01", nil)
	require.ErrorIs(t, err, search.ErrClosed)
	_, err = ix.Get(ctx, "tea-01")
	require.ErrorIs(t, err, search.ErrClosed)
	_, err = ix.Count(ctx)
	require.ErrorIs(t, err, search.ErrClosed)
	require.ErrorIs(t, ix.Put(ctx, Corpus()...), search.ErrClosed)
	require.ErrorIs(t, ix.Delete(ctx, "tea-01"), search.ErrClosed)
	require.ErrorIs(t, ix.Refresh(ctx), search.ErrClosed)
	require.ErrorIs(t, ix.Rebuild(ctx, nil, nil), search.ErrClosed)
	require.ErrorIs(t, ix.Rollback(ctx), search.ErrClosed)
}
