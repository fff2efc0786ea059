package searchtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// testResumeRebuild interrupts rebuilds, changes documents meanwhile, and goes on, also after a restart.
func testResumeRebuild(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.Open(t, Schema(), nil)
	defer func() { require.NoError(t, ix.Close()) }()
	docs := numbered(0, 100)
	put(t, ix, docs...)
	put(t, ix, search.Document{ID: "stale", Fields: map[string]any{"title": "stale"}})
	broken := errors.New("the database is gone")
	var asked []string
	from := func(fail int) func(string) iter.Seq2[search.Document, error] {
		return func(after string) iter.Seq2[search.Document, error] {
			asked = append(asked, after)
			return func(yield func(search.Document, error) bool) {
				for i, d := range docs {
					if after != "" && d.ID <= after {
						continue
					}
					if i == fail {
						yield(search.Document{}, broken)
						return
					}
					if !yield(d, nil) {
						return
					}
				}
			}
		}
	}
	opts := &search.RebuildOptions{BatchSize: 10}
	err := ix.RebuildFrom(ctx, from(35), opts)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the engine cannot keep a half-filled index")
	}
	require.ErrorIs(t, err, broken)
	require.Equal(t, 101, find(t, ix, search.Query{}).Total, "the old index is live")
	change := func(id, title string) {
		put(t, ix, search.Document{ID: id, Fields: map[string]any{"title": title}})
	}
	change(docs[5].ID, "changed")  // in the new index already
	change(docs[80].ID, "changed") // not yet
	remove(t, ix, docs[6].ID, docs[81].ID)
	if h.Reopen != nil {
		ix = h.Reopen(t, ix, Schema(), nil)
	}
	change(docs[7].ID, "changed again") // writes reach both indexes after a restart too
	remove(t, ix, docs[82].ID)
	require.ErrorIs(t, ix.RebuildFrom(ctx, from(60), opts), broken)
	if h.Reopen != nil {
		ix = h.Reopen(t, ix, Schema(), nil)
	}
	var last search.Progress
	require.NoError(t, ix.RebuildFrom(ctx, from(-1), &search.RebuildOptions{BatchSize: 10, Progress: func(p search.Progress) { last = p }}))
	require.Equal(t, []string{"", docs[29].ID, docs[59].ID}, asked, "it goes on after what is written")
	require.Equal(t, 100, last.Documents)
	require.Equal(t, docs[99].ID, last.Last)

	require.NoError(t, ix.Refresh(ctx))
	r := find(t, ix, search.Query{Limit: 200})
	titles := map[string]string{}
	for _, hit := range r.Hits {
		titles[hit.ID] = hit.String("title")
	}
	require.Len(t, titles, 97)
	require.NotContains(t, titles, "stale")
	for _, i := range []int{6, 81, 82} {
		require.NotContains(t, titles, docs[i].ID)
	}
	require.Equal(t, "changed", titles[docs[5].ID])
	require.Equal(t, "changed", titles[docs[80].ID])
	require.Equal(t, "changed again", titles[docs[7].ID])
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 97, n, "the marks of deletes are no documents")

	t.Run("given up", func(t *testing.T) {
		require.ErrorIs(t, ix.RebuildFrom(ctx, from(35), opts), broken)
		require.NoError(t, ix.AbandonRebuild(ctx))
		require.NoError(t, ix.AbandonRebuild(ctx), "there is none")
		require.ErrorIs(t, ix.RebuildFrom(ctx, from(35), opts), broken)
		require.Empty(t, asked[len(asked)-1])
		require.NoError(t, ix.Rebuild(ctx, source(numbered(0, 3)), nil), "a plain one begins anew")
		require.Equal(t, 3, find(t, ix, search.Query{}).Total)
	})
}

// outbox is a feed of numbered changes.
type outbox struct {
	changes []search.Change
	asked   []string
	fail    error // after so many changes of a call
	failAt  int
}

func (o *outbox) add(changes ...search.Change) {
	for _, c := range changes {
		c.Position = strconv.Itoa(len(o.changes) + 1)
		o.changes = append(o.changes, c)
	}
}

func (o *outbox) feed(_ context.Context, after string) iter.Seq2[search.Change, error] {
	o.asked = append(o.asked, after)
	begin, _ := strconv.Atoi(after)
	return func(yield func(search.Change, error) bool) {
		for i := begin; i < len(o.changes); i++ {
			if o.fail != nil && i-begin == o.failAt {
				yield(search.Change{}, o.fail)
				return
			}
			if !yield(o.changes[i], nil) {
				return
			}
		}
	}
}

func titled(id, title string, version int64) search.Change {
	return search.Change{Document: search.Document{ID: id, Version: version, Fields: map[string]any{"title": title}}}
}

func testSync(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.Open(t, Schema(), nil)
	defer func() { require.NoError(t, ix.Close()) }()
	box := &outbox{}
	for i := range 25 {
		box.add(titled(fmt.Sprint("d", i), "first", 1))
	}
	box.add(search.Change{Document: search.Document{ID: "d3", Version: 2}, Delete: true}, titled("d4", "second", 2), titled("d4", "late", 1))
	var written []string
	opts := &search.SyncOptions{Once: true, BatchSize: 10, Written: func(_ context.Context, position string) error {
		written = append(written, position)
		return nil
	}}
	err := ix.Sync(ctx, box.feed, opts)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the engine cannot keep positions")
	}
	require.NoError(t, err)
	require.Equal(t, []string{"10", "20", "28"}, written)
	require.NoError(t, ix.Refresh(ctx))
	require.Equal(t, 24, find(t, ix, search.Query{}).Total)
	doc, err := ix.Get(ctx, "d4")
	require.NoError(t, err)
	require.Equal(t, "second", doc.Fields["title"], "an older version changes nothing, in one batch neither")

	box.add(titled("d4", "older", 1), titled("d5", "newer", 3))
	if h.Reopen != nil {
		ix = h.Reopen(t, ix, Schema(), nil)
	}
	require.NoError(t, ix.Sync(ctx, box.feed, opts))
	require.Equal(t, "28", box.asked[len(box.asked)-2], "it goes on where it stopped")
	doc, err = ix.Get(ctx, "d5")
	require.NoError(t, err)
	require.Equal(t, "newer", doc.Fields["title"])

	t.Run("failures", func(t *testing.T) {
		box.add(titled("e1", "before", 1), titled("e2", "after", 1))
		box.fail, box.failAt = errors.New("feed gone"), 1
		require.ErrorIs(t, ix.Sync(ctx, box.feed, opts), box.fail)
		_, err := ix.Get(ctx, "e1")
		require.NoError(t, err, "what came before the failure is applied")
		box.fail = nil
		box.add(search.Change{Document: search.Document{ID: "bad", Fields: map[string]any{"nonsense": 1}}}, titled("e3", "after", 1))
		err = ix.Sync(ctx, box.feed, opts)
		require.ErrorIs(t, err, search.ErrInvalid)
		var skipped []string
		tolerant := *opts
		tolerant.Invalid = func(_ context.Context, c search.Change, err error) error {
			require.ErrorIs(t, err, search.ErrInvalid)
			skipped = append(skipped, c.Document.ID)
			return nil
		}
		require.NoError(t, ix.Sync(ctx, box.feed, &tolerant))
		require.Equal(t, []string{"bad"}, skipped)
		_, err = ix.Get(ctx, "e3")
		require.NoError(t, err)
	})
	t.Run("another name begins anew, and ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		other := search.SyncOptions{Name: "other", Invalid: func(context.Context, search.Change, error) error { return nil },
			Written: func(context.Context, string) error { cancel(); return nil }}
		require.ErrorIs(t, ix.Sync(ctx, box.feed, &other), context.Canceled)
	})
	requireInvalid(t, ix.Sync(ctx, nil, nil), "feed")
	requireInvalid(t, ix.Sync(ctx, box.feed, &search.SyncOptions{Name: "A b"}), "Name")
	requireInvalid(t, ix.Sync(ctx, box.feed, &search.SyncOptions{BatchSize: 1e6}), "BatchSize")
}
