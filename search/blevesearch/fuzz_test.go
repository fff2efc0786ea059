package blevesearch_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

func fuzzed(f *testing.F) *search.Index {
	ix, err := blevesearch.OpenMemory(searchtest.Schema(), &blevesearch.Options{Options: search.Options{Synonyms: []search.Synonym{
		{Terms: []string{"手机", "mobile phone", "smart-phone"}}, {From: []string{"茶"}, Terms: []string{"tea"}}}}})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, ix.Close()) })
	require.NoError(f, ix.Put(f.Context(), searchtest.Corpus()...))
	return ix
}

// FuzzText searches, completes and highlights any text.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "tea", "iPhone15手机壳", "hedphones", "smart phone 手机 case", "\"tea\" AND title:*", "wh-1000\x00", "\xff", "a\u0301 ﾞ", "茶茶茶茶茶"} {
		f.Add(seed)
	}
	ix := fuzzed(f)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ix.Search(t.Context(), search.Query{Text: text, Highlight: []string{"title", "name", "description"}, Limit: 3, Facets: []search.Facet{{Field: "brand", Contains: text}}})
		if len(text) > 4096 {
			require.ErrorIs(t, err, search.ErrInvalid)
			return
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(r.Hits), r.Total)
		for _, hit := range r.Hits {
			for _, marked := range hit.Highlight {
				plain := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(marked)
				require.NotContains(t, plain, "<")
				require.Equal(t, strings.Count(marked, "<mark>"), strings.Count(marked, "</mark>"))
			}
		}
		if r.Next != "" {
			next, err := ix.Search(t.Context(), search.Query{Text: text, Limit: 3, Cursor: r.Next})
			require.NoError(t, err)
			require.Equal(t, r.Total, next.Total)
		}
		_, err = ix.Suggest(t.Context(), search.SuggestQuery{Text: text})
		require.NoError(t, err)
	})
}

// FuzzCursor continues with a cursor whose state is anything: a page of the query, or bad input.
func FuzzCursor(f *testing.F) {
	ix := fuzzed(f)
	q := search.Query{Limit: 2, Sort: []search.Sort{{Field: "price"}, {Field: "brand"}, search.Relevance}}
	first, err := ix.Search(f.Context(), q)
	require.NoError(f, err)
	raw, err := base64.RawURLEncoding.DecodeString(first.Next)
	require.NoError(f, err)
	state := bytes.IndexByte(raw, '{') // before it stand the version and the query's hash
	f.Add(raw[state:])
	for _, seed := range []string{"", "{}", `{"s":"typed","a":["=1","=Nova","0","tea-01"]}`, `{"s":"corrected","t":"tea","a":["","","NaN",""]}`,
		`{"s":"relaxed","a":["=x","=y","z","\u0000"]}`, `{"s":"none","a":["","","1","a"]}`, `{"s":"typed","a":null}`, "[", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		q := q
		q.Cursor = base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw[:state]), body...))
		r, err := ix.Search(t.Context(), q)
		if err != nil {
			require.ErrorIs(t, err, search.ErrInvalid)
			return
		}
		require.LessOrEqual(t, len(r.Hits), 2)
		require.Equal(t, len(searchtest.Corpus()), r.Total)
	})
}
