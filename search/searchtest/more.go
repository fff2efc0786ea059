package searchtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

func testSuggest(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	suggest := func(q search.SuggestQuery) *search.Suggestions {
		s, err := ix.Suggest(ctx, q)
		require.NoError(t, err)
		return s
	}
	texts := func(s *search.Suggestions) []string {
		var list []string
		for _, q := range s.Queries {
			list = append(list, q.Text)
		}
		return list
	}
	s := suggest(search.SuggestQuery{Text: "head"})
	require.Equal(t, search.Suggestion{Text: "headphones", HTML: "head<mark>phones</mark>", Count: 2}, s.Queries[0])
	require.ElementsMatch(t, []string{"audio-01", "audio-02"}, ids(s.Hits))
	require.Contains(t, texts(suggest(search.SuggestQuery{Text: "wireless h"})), "wireless headphones")
	require.Equal(t, "audio-01", suggest(search.SuggestQuery{Text: "Wireless H"}).Hits[0].ID)
	require.Equal(t, "silicone case", texts(suggest(search.SuggestQuery{Text: "silicone c"}))[0])
	require.Contains(t, texts(suggest(search.SuggestQuery{Text: "手"})), "手机壳", "runs of characters")
	require.ElementsMatch(t, []string{"case-01", "case-02"}, ids(suggest(search.SuggestQuery{Text: "手机壳"}).Hits))
	require.Contains(t, texts(suggest(search.SuggestQuery{Text: "caf"})), "cafe")
	require.NotContains(t, texts(suggest(search.SuggestQuery{Text: "ferment"})), "fermented", "a field without Suggest")
	require.Equal(t, []string{"kimchi-01"}, ids(suggest(search.SuggestQuery{Text: "ferment"}).Hits), "its documents are found")
	require.Empty(t, suggest(search.SuggestQuery{Text: "qzx"}).Queries)
	require.Empty(t, suggest(search.SuggestQuery{Text: " "}).Queries)
	require.Len(t, suggest(search.SuggestQuery{Text: "t", Queries: 2, Hits: 1}).Queries, 2)
	none := suggest(search.SuggestQuery{Text: "t", Queries: -1, Hits: -1})
	require.Empty(t, none.Queries)
	require.Empty(t, none.Hits)
	in := suggest(search.SuggestQuery{Text: "tea", Filters: search.Filters{search.Under("category", "Books")}, Return: []string{"title"}})
	require.Equal(t, []string{"book-01"}, ids(in.Hits))
	require.Equal(t, map[string]any{"title": "The Book of Tea"}, in.Hits[0].Fields)

	for _, q := range suggest(search.SuggestQuery{Text: "te", Queries: 50}).Queries {
		require.Equal(t, find(t, ix, search.Query{Text: q.Text, Exact: true, Match: search.MatchAll}).Total, q.Count, "the count is what the text finds: %s", q.Text)
	}
	remove(t, ix, "audio-01", "audio-02")
	require.Empty(t, suggest(search.SuggestQuery{Text: "headp"}).Queries, "what is deleted is no longer suggested")

	put(t, ix, search.Document{ID: "html", Fields: map[string]any{"title": "R&B <b>"}})
	require.Equal(t, "R<mark>&amp;b</mark>", "R"+suggest(search.SuggestQuery{Text: "r"}).Queries[0].HTML[1:])
}

func testSimilar(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	similar := func(id string, q *search.SimilarQuery) []string {
		hits, err := ix.Similar(ctx, id, q)
		require.NoError(t, err)
		return ids(hits)
	}
	require.Equal(t, "phone-02", similar("phone-01", nil)[0])
	require.Equal(t, "tea-02", similar("tea-01", nil)[0])
	require.NotContains(t, similar("phone-01", nil), "phone-01")
	require.Len(t, similar("phone-01", &search.SimilarQuery{Limit: 1}), 1)
	require.NotContains(t, similar("phone-01", &search.SimilarQuery{Filters: search.Filters{search.In("stock", true)}}), "phone-02")
	require.NotNil(t, similar("plain-01", nil))
	_, err := ix.Similar(ctx, "nobody", nil)
	require.ErrorIs(t, err, search.ErrNotFound)
}

func source(docs []search.Document) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// rebuild rebuilds, or ends the test when the engine cannot.
func rebuild(t *testing.T, ix *search.Index, docs iter.Seq2[search.Document, error], opts *search.RebuildOptions) error {
	t.Helper()
	err := ix.Rebuild(t.Context(), docs, opts)
	require.NotErrorIs(t, err, errors.ErrUnsupported, "an engine of this module can rebuild")
	return err
}

func testRebuild(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	var told []search.Progress
	require.NoError(t, rebuild(t, ix, source(numbered(0, 100)), &search.RebuildOptions{BatchSize: 30, Keep: true, Rate: 1e6,
		Progress: func(p search.Progress) { told = append(told, p) }}))
	require.Equal(t, 100, find(t, ix, search.Query{}).Total)
	require.Zero(t, find(t, ix, search.Query{Text: "longjing", Exact: true}).Total)
	require.Len(t, told, 4)
	require.Equal(t, 100, told[3].Documents)
	require.Positive(t, told[3].Rate)

	t.Run("rollback", func(t *testing.T) {
		require.NoError(t, ix.Rollback(ctx))
		require.Equal(t, len(Corpus()), find(t, ix, search.Query{}).Total)
		require.ErrorIs(t, ix.Rollback(ctx), search.ErrNotFound)
		put(t, ix, search.Document{ID: "after", Fields: map[string]any{"title": "after"}})
		require.Equal(t, 1, find(t, ix, search.Query{Text: "after"}).Total)
		remove(t, ix, "after")
	})
	t.Run("a failure leaves the old index", func(t *testing.T) {
		broken := errors.New("the database is gone")
		for name, docs := range map[string]iter.Seq2[search.Document, error]{
			"source": func(yield func(search.Document, error) bool) {
				_ = yield(search.Document{ID: "a"}, nil) && yield(search.Document{}, broken)
			},
			"document": source([]search.Document{{ID: "a"}, {ID: "b", Fields: map[string]any{"colour": "red"}}}),
			"empty":    source(nil),
		} {
			err := rebuild(t, ix, docs, nil)
			require.Error(t, err, name)
			if name == "source" {
				require.ErrorIs(t, err, broken)
			} else {
				require.ErrorIs(t, err, search.ErrInvalid)
			}
			require.Equal(t, len(Corpus()), find(t, ix, search.Query{}).Total, name)
		}
		cancelled, cancel := context.WithCancel(ctx)
		err := ix.Rebuild(cancelled, func(yield func(search.Document, error) bool) {
			_ = yield(search.Document{ID: "a"}, nil)
			cancel()
		}, nil)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, len(Corpus()), find(t, ix, search.Query{}).Total)
		put(t, ix, search.Document{ID: "still", Fields: map[string]any{"title": "writable"}})
		require.Equal(t, 1, find(t, ix, search.Query{Text: "writable"}).Total)
	})
	t.Run("one at a time", func(t *testing.T) {
		var second, rollback error
		require.NoError(t, rebuild(t, ix, func(yield func(search.Document, error) bool) {
			second = ix.Rebuild(ctx, source(nil), nil)
			rollback = ix.Rollback(ctx)
			yield(search.Document{ID: "x"}, nil)
		}, nil))
		require.ErrorIs(t, second, search.ErrRebuilding)
		require.ErrorIs(t, rollback, search.ErrRebuilding)
	})
	t.Run("the same ID twice in the source", func(t *testing.T) {
		docs := append(numbered(0, 10), numbered(0, 5)...)
		require.NoError(t, rebuild(t, ix, source(docs), &search.RebuildOptions{BatchSize: 4}))
		require.Equal(t, 10, find(t, ix, search.Query{}).Total)
	})
	require.NoError(t, rebuild(t, ix, source(nil), &search.RebuildOptions{AllowEmpty: true}))
	require.Zero(t, find(t, ix, search.Query{}).Total)
	requireInvalid(t, rebuild(t, ix, source(nil), &search.RebuildOptions{BatchSize: 1e6}), "BatchSize")
}

// testCloseDuringRebuild closes the index from within a rebuild's source.
func testCloseDuringRebuild(t *testing.T, h Harness) {
	ix := h.Open(t, Schema(), nil)
	put(t, ix, Corpus()...)
	closed := make(chan error, 1)
	err := ix.Rebuild(t.Context(), func(yield func(search.Document, error) bool) {
		go func() { closed <- ix.Close() }()
		for i := 0; ; i++ { // until it is told to stop
			if !yield(search.Document{ID: fmt.Sprint(i % 100)}, nil) {
				return
			}
		}
	}, &search.RebuildOptions{BatchSize: 10})
	require.ErrorIs(t, err, search.ErrClosed)
	require.NoError(t, <-closed)
	require.ErrorIs(t, ix.Put(t.Context(), Corpus()...), search.ErrClosed)
}

// testRebuildWithWrites changes documents at every moment of a rebuild whose
// source knows nothing of the changes.
func testRebuildWithWrites(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.open(t, Schema(), nil)
	const n = 240
	docs := numbered(0, n)
	put(t, ix, docs...)

	want := map[string]string{}
	for _, d := range docs {
		want[d.ID] = "number"
	}
	var mu sync.Mutex
	change := func(i int) {
		mu.Lock()
		defer mu.Unlock()
		id := docs[i%n].ID
		if i%3 == 0 {
			require.NoError(t, ix.Delete(ctx, id))
			delete(want, id)
			return
		}
		title := fmt.Sprintf("changed %d", i)
		require.NoError(t, ix.Put(ctx, search.Document{ID: id, Fields: map[string]any{"title": title}}))
		want[id] = title
	}
	started := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			<-started
			for i := range 6 {
				change(w*71 + i*13)
			}
		})
	}
	require.NoError(t, rebuild(t, ix, func(yield func(search.Document, error) bool) {
		close(started)
		for i, d := range docs {
			if i%40 == 0 {
				change(i) // read already, or not yet
				change(n - 1 - i)
			}
			if !yield(d, nil) {
				return
			}
			if i%40 == 5 {
				change(i)
				require.Equal(t, docs[i].ID, d.ID)
			}
		}
	}, &search.RebuildOptions{BatchSize: 24}))
	writers.Wait()
	require.NoError(t, ix.Refresh(ctx))

	got := map[string]string{}
	for _, hit := range find(t, ix, search.Query{Limit: 1000}).Hits {
		got[hit.ID] = hit.String("title")
	}
	require.Equal(t, want, got)
}

func testConcurrent(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	var work sync.WaitGroup
	failures := make(chan error, 100)
	for w := range 4 {
		work.Go(func() {
			for i := range 6 {
				id := fmt.Sprintf("w%d-%d", w, i)
				if err := ix.Put(ctx, search.Document{ID: id, Fields: map[string]any{"title": "fresh bread", "price": i}}); err != nil {
					failures <- err
				}
				r, err := ix.Search(ctx, search.Query{Text: "fresh bread", Exact: true, Facets: []search.Facet{search.Ranges("price", 5)}, Sort: []search.Sort{{Field: "price"}}})
				if err != nil {
					failures <- err
					continue
				}
				price, _ := r.Facet("price")
				if sum := price.Values[0].Count + price.Values[1].Count; sum != r.Total {
					failures <- fmt.Errorf("a facet counts %d of %d hits", sum, r.Total)
				}
				if i%2 == 1 {
					if err := ix.Delete(ctx, id); err != nil {
						failures <- err
					}
				}
			}
		})
	}
	work.Go(func() {
		for range 10 {
			if err := ix.SetSynonyms(t.Context(), search.Synonym{Terms: []string{"bread", "loaf"}}); err != nil {
				failures <- err
			}
			if err := ix.SetRules(t.Context(), search.Rule{Pin: []string{"tea-01"}}, search.Rule{}); err != nil {
				failures <- err
			}
			if err := ix.SetRules(t.Context()); err != nil {
				failures <- err
			}
		}
	})
	work.Wait()
	close(failures)
	require.NoError(t, <-failures)
	require.NoError(t, ix.Refresh(ctx))
	require.Equal(t, 12, find(t, ix, search.Query{Text: "fresh bread", Exact: true}).Total)
}
