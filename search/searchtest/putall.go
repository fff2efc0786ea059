package searchtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// kettles yields documents with the IDs p0, p1 and so on, whose rating is their number.
func kettles(n int) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for i := range n {
			if !yield(search.Document{ID: fmt.Sprint("p", i), Fields: map[string]any{"title": "kettle", "rating": i}}, nil) {
				return
			}
		}
	}
}

func testPutAll(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.open(t, Schema(), nil)
	count := func() int {
		require.NoError(t, ix.Refresh(ctx))
		n, err := ix.Count(ctx)
		require.NoError(t, err)
		return n
	}
	n, err := ix.PutAll(ctx, kettles(0), nil)
	require.NoError(t, err)
	require.Zero(t, n)

	var steps []search.Progress
	n, err = ix.PutAll(ctx, kettles(95), &search.PutAllOptions{BatchSize: 10, Progress: func(p search.Progress) { steps = append(steps, p) }})
	require.NoError(t, err)
	require.Equal(t, 95, n)
	require.Equal(t, 95, count())
	require.Len(t, steps, 10)
	for i, p := range steps {
		require.Equal(t, min(10*(i+1), 95), p.Documents)
		require.Equal(t, fmt.Sprint("p", p.Documents-1), p.Last)
		require.Positive(t, p.Rate)
	}

	t.Run("the last document of an ID wins", func(t *testing.T) {
		// Whatever batches are written at once, each is later than the one before.
		n, err := ix.PutAll(ctx, func(yield func(search.Document, error) bool) {
			for i := range 60 {
				if !yield(search.Document{ID: fmt.Sprint("p", i%5), Fields: map[string]any{"title": "lamp", "rating": 1000 + i}}, nil) {
					return
				}
			}
		}, &search.PutAllOptions{BatchSize: 3})
		require.NoError(t, err)
		require.Equal(t, 60, n)
		require.Equal(t, 95, count())
		for i := range 5 {
			doc, err := ix.Get(ctx, fmt.Sprint("p", i))
			require.NoError(t, err)
			require.EqualValues(t, 1055+i, doc.Fields["rating"])
		}
	})

	t.Run("older versions are left out", func(t *testing.T) {
		put(t, ix, search.Document{ID: "v", Version: 7, Fields: map[string]any{"title": "newer"}})
		n, err := ix.PutAll(ctx, func(yield func(search.Document, error) bool) {
			_ = yield(search.Document{ID: "v", Version: 6, Fields: map[string]any{"title": "older"}}, nil) &&
				yield(search.Document{ID: "w", Version: 6, Fields: map[string]any{"title": "other"}}, nil)
		}, nil)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		doc, err := ix.Get(ctx, "v")
		require.NoError(t, err)
		require.Equal(t, "newer", doc.Fields["title"])
		_, err = ix.Get(ctx, "w")
		require.NoError(t, err)
	})

	t.Run("a source that fails", func(t *testing.T) {
		failure := errors.New("the database is away")
		n, err := ix.PutAll(ctx, func(yield func(search.Document, error) bool) {
			for d, err := range kettles(25) {
				d.ID = "f" + d.ID
				if !yield(d, err) {
					return
				}
			}
			yield(search.Document{}, failure)
		}, &search.PutAllOptions{BatchSize: 10})
		require.ErrorIs(t, err, failure)
		require.Equal(t, 20, n, "whole batches are there")
		_, err = ix.Get(ctx, "fp19")
		require.NoError(t, err)
		_, err = ix.Get(ctx, "fp20")
		require.ErrorIs(t, err, search.ErrNotFound)
	})

	t.Run("a document that does not fit", func(t *testing.T) {
		n, err := ix.PutAll(ctx, func(yield func(search.Document, error) bool) {
			for d, err := range kettles(25) {
				if d.ID == "p15" {
					d.Fields = map[string]any{"nowhere": 1}
				}
				if !yield(d, err) {
					return
				}
			}
		}, &search.PutAllOptions{BatchSize: 10})
		require.ErrorIs(t, err, search.ErrInvalid)
		require.Equal(t, 10, n)
	})

	t.Run("ended by its context", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(ctx)
		enough := errors.New("enough")
		n, err := ix.PutAll(ctx, func(yield func(search.Document, error) bool) {
			for d, err := range kettles(1000) {
				if d.ID == "p50" {
					cancel(enough)
				}
				if !yield(d, err) {
					return
				}
			}
		}, &search.PutAllOptions{BatchSize: 10})
		require.ErrorIs(t, err, enough)
		require.LessOrEqual(t, n, 50)
	})

	_, err = ix.PutAll(ctx, kettles(1), &search.PutAllOptions{BatchSize: 1 << 30})
	require.ErrorIs(t, err, search.ErrInvalid)
}
