package memqueue

import (
	"slices"
	"strconv"
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestIndexAgainstAMap adds, finds and removes where most jobs share their hash with others.
func TestIndexAgainstAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		x.hash = func(id string) uint64 { return uint64(len(id)) }
		model := make(map[string]*job)
		ids := rapid.Map(rapid.IntRange(0, 300), strconv.Itoa)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				j := &job{envelope: &notify.Envelope{ID: ids.Draw(t, "id")}}
				_, there := model[j.envelope.ID]
				require.Equal(t, !there, x.add(j))
				if !there {
					model[j.envelope.ID] = j
				}
			},
			"remove": func(t *rapid.T) {
				if j := model[ids.Draw(t, "id")]; j != nil {
					x.remove(j)
					delete(model, j.envelope.ID)
				}
			},
			"": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				require.Same(t, model[id], x.find(id))
				require.Equal(t, len(model), x.n)
				require.Len(t, slices.Collect(x.all()), len(model))
			},
		})
	})
}
