package search_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// shelf is a driver that only keeps which documents there are, and fails as told.
type shelf struct {
	faulty
	docs map[string]bool

	write   error  // of the live index
	onWrite func() // after it
	next    *shelfGeneration
}

type shelfGeneration struct {
	shelf          *shelf
	docs           map[string]bool
	conflicts      map[string]bool
	write, promote error
	missing        int
	sources        map[string][]byte
	corrupt        bool // gives back other documents than it was given
	discarded      bool
}

func apply(docs map[string]bool, ops []search.Op) {
	for _, op := range ops {
		delete(docs, op.ID)
		if op.Entry != nil {
			docs[op.ID] = true
		}
	}
}

func (s *shelf) Write(_ context.Context, ops []search.Op, _ bool) error {
	if s.write == nil {
		apply(s.docs, ops)
	}
	if s.onWrite != nil {
		s.onWrite()
	}
	return s.write
}

func (s *shelf) Count(context.Context) (int, error) { return len(s.docs), nil }

func (s *shelf) Begin(context.Context, bool) (search.Generation, error) {
	s.next.shelf, s.next.docs, s.next.sources, s.next.discarded = s, map[string]bool{}, map[string][]byte{}, false
	return s.next, nil
}

func (g *shelfGeneration) Write(ctx context.Context, ops []search.Op, _ bool) error {
	if g.write != nil {
		return g.write
	}
	apply(g.docs, ops)
	for _, op := range ops {
		if delete(g.sources, op.ID); op.Entry != nil {
			g.sources[op.ID] = op.Entry.Source
			if g.corrupt {
				g.sources[op.ID] = []byte("{}x")
			}
		}
	}
	var failed []search.DocumentError
	for _, op := range ops {
		if g.conflicts[op.ID] {
			failed = append(failed, search.DocumentError{ID: op.ID, Err: search.ErrConflict})
		}
	}
	if failed != nil {
		return &search.BatchError{Failed: failed}
	}
	return ctx.Err()
}

func (g *shelfGeneration) Count(context.Context) (int, error) { return len(g.docs) - g.missing, nil }

func (g *shelfGeneration) Get(_ context.Context, ids []string) ([]search.Stored, error) {
	var found []search.Stored
	for _, id := range ids {
		if source, there := g.sources[id]; there {
			found = append(found, search.Stored{ID: id, Source: source})
		}
	}
	return found, nil
}

func (g *shelfGeneration) Promote(context.Context, bool) error {
	if g.promote == nil {
		g.shelf.docs = g.docs
	}
	return g.promote
}

func (g *shelfGeneration) Discard(context.Context) error {
	g.discarded = true
	return nil
}

func TestRebuildFailures(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	source := func(yield func(search.Document, error) bool) {
		_ = yield(search.Document{ID: "a"}, nil) && yield(search.Document{ID: "b"}, nil)
	}
	for name, test := range map[string]struct {
		generation shelfGeneration
		change     func(*testing.T, *search.Index, *shelf) // between the source's documents
		want       error
		message    string
	}{
		"nothing goes wrong":          {},
		"the source is older":         {generation: shelfGeneration{conflicts: map[string]bool{"a": true}}},
		"the new index fails":         {generation: shelfGeneration{write: full}, want: full},
		"the turn fails":              {generation: shelfGeneration{promote: full}, want: full},
		"documents are missing":       {generation: shelfGeneration{missing: 1}, message: "holds 1 documents, not 2"},
		"documents are damaged":       {generation: shelfGeneration{corrupt: true}, message: "does not hold document"},
		"a live write fails":          {change: func(t *testing.T, ix *search.Index, s *shelf) { liveWriteFails(t, ix, s, full) }, want: full},
		"a write reaches only one":    {change: func(t *testing.T, ix *search.Index, s *shelf) { newWriteFails(t, ix, s, full) }, want: full},
		"a document is refused":       {change: refused},
		"a caller ends in the middle": {change: callerEnds},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{docs: map[string]bool{"old": true}, next: &test.generation}
			ix, err := search.New(s, search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text}}}, nil)
			require.NoError(t, err)
			err = ix.Rebuild(t.Context(), func(yield func(search.Document, error) bool) {
				if test.change != nil {
					test.change(t, ix, s)
				}
				source(yield)
			}, &search.RebuildOptions{BatchSize: 1})
			if test.want == nil && test.message == "" {
				require.NoError(t, err)
				require.True(t, s.docs["a"] && s.docs["b"])
				require.False(t, s.next.discarded)
				return
			}
			require.ErrorContains(t, err, "search: rebuild: ")
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			}
			require.ErrorContains(t, err, test.message)
			require.True(t, s.docs["old"], "the old index stays live")
			require.True(t, s.next.discarded, "the new one is thrown away")
			s.write = nil
			require.NoError(t, ix.Put(t.Context(), search.Document{ID: "later"}), "and writes go on")
			require.True(t, s.docs["later"])
		})
	}
}

// liveWriteFails: whether the document reached the live index is not known, so the new one cannot be right.
func liveWriteFails(t *testing.T, ix *search.Index, s *shelf, fault error) {
	s.write = fault
	require.ErrorIs(t, ix.Put(t.Context(), search.Document{ID: "c"}), fault)
}

// newWriteFails: the caller's write is acknowledged, and the rebuild is what fails.
func newWriteFails(t *testing.T, ix *search.Index, s *shelf, fault error) {
	s.next.write = fault
	require.NoError(t, ix.Put(t.Context(), search.Document{ID: "c"}))
	require.True(t, s.docs["c"])
	s.next.write = nil
}

// refused: what the live index refuses must not be in the new one either.
func refused(t *testing.T, ix *search.Index, s *shelf) {
	s.write = &search.BatchError{Failed: []search.DocumentError{{ID: "c", Err: search.ErrConflict}}}
	require.ErrorIs(t, ix.Put(t.Context(), search.Document{ID: "c"}, search.Document{ID: "d"}), search.ErrConflict)
	require.False(t, s.next.docs["c"])
	require.True(t, s.next.docs["d"])
}

// callerEnds: a write that the live index took reaches the new one although its caller has gone.
func callerEnds(t *testing.T, ix *search.Index, s *shelf) {
	ctx, cancel := context.WithCancel(t.Context())
	s.onWrite = cancel
	require.NoError(t, ix.Put(ctx, search.Document{ID: "e"}))
	require.Error(t, ctx.Err())
	require.True(t, s.next.docs["e"])
	s.onWrite = nil
}
