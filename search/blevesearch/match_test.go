package blevesearch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// Few hits are the first ones of many, with the same scores, though most documents are not scored to the end for them; and
// the parts of a score, which are computed one by one, make up the score.
func TestFirstHitsAreThoseOfAll(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	ix, err := OpenMemory(weighted(6, 5, 1), nil)
	require.NoError(t, err)
	defer ix.Close()
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"red", "blue", "cup", "tea", "the", "lid", "pot", "in"}
	text := func(most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteString(words[min(random.IntN(len(words)), random.IntN(len(words)))] + " ")
		}
		return b.String()
	}
	const documents = 900
	for range 12 {
		batch := make([]search.Document, documents/12)
		for i := range batch {
			batch[i] = search.Document{ID: fmt.Sprint(random.IntN(documents)), Fields: map[string]any{"f0": text(6), "f1": text(12), "f2": text(60)}}
		}
		require.NoError(t, ix.Put(ctx, batch...))
	}
	for range 20 {
		query := search.Query{Text: text(6) + words[random.IntN(len(words))], Match: search.MatchAny, Limit: documents, Explain: true}
		all, err := ix.Search(ctx, query)
		require.NoError(t, err)
		for _, hit := range all.Hits {
			require.InDelta(t, hit.Score, hit.Explain.Value, 0)
		}
		query.Limit, query.Explain = 1+random.IntN(10), false
		few, err := ix.Search(ctx, query)
		require.NoError(t, err)
		require.Equal(t, all.Total, few.Total)
		for i, hit := range few.Hits {
			require.Equal(t, all.Hits[i].ID, hit.ID, "hit %d for %q", i, query.Text)
			require.InDelta(t, all.Hits[i].Score, hit.Score, 0)
		}
	}
}
