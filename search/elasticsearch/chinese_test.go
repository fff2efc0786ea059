package elasticsearch_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/elasticsearch"
	"github.com/seed82d84382/commerce/search/gse"
	"github.com/seed82d84382/commerce/search/pinyin"
)

// dictionary is loaded once: it takes seconds.
var dictionary = sync.OnceValues(func() (*gse.Segmenter, error) { return gse.New(nil) })

// chinese is a shop with all options for Chinese.
func chinese(t testing.TB) search.Schema {
	words, err := dictionary()
	require.NoError(t, err)
	return search.Schema{Simplify: true, Romanizer: pinyin.New(), Segmenter: words, Fields: []search.Field{
		{Name: "title", Kind: search.Text, Language: "und", Store: true, Suggest: true},
	}}
}

func chineseDocuments() []search.Document {
	var docs []search.Document
	for id, title := range map[string]string{
		"case": "iPhone15手机壳 防摔", "case-hk": "蘋果手機殼", "phone": "智能手机", "bridge": "南京市长江大桥模型",
		"mayor": "市长签名照", "speaker": "防水蓝牙音箱", "music": "音乐盒", "cup": "不锈钢保温杯", "bag": "旅行包 big bag",
	} {
		docs = append(docs, search.Document{ID: id, Fields: map[string]any{"title": title}})
	}
	return docs
}

// TestChineseWithDictionaries has the real pinyin and the real words on each server, and asks Bleve the same.
func TestChineseWithDictionaries(t *testing.T) {
	t.Parallel()
	schema := chinese(t)
	bleve, err := blevesearch.OpenMemory(schema, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bleve.Close()) })
	require.NoError(t, bleve.Put(t.Context(), chineseDocuments()...))
	for name, server := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			ix := open(t, server, schema, nil)
			require.NoError(t, ix.Put(ctx, chineseDocuments()...))
			require.NoError(t, ix.Refresh(ctx))

			for typed, want := range map[string]string{
				"shouj": "手机", "sj": "手机", "shou ji k": "手机壳", "南京": "南京市", "手機": "手机", "lany": "蓝牙", "baow": "保温杯", "yinyue": "音乐盒", "bi": "big",
			} {
				s, err := ix.Suggest(ctx, search.SuggestQuery{Text: typed})
				require.NoError(t, err)
				require.Contains(t, texts(s), want, typed)
				for _, q := range s.Queries {
					r, err := ix.Search(ctx, search.Query{Text: q.Text, Match: search.MatchAll, Exact: true})
					require.NoError(t, err)
					require.Equal(t, r.Total, q.Count, "%s: %s", typed, q.Text)
				}
				other, err := bleve.Suggest(ctx, search.SuggestQuery{Text: typed})
				require.NoError(t, err)
				require.Equal(t, other.Queries, s.Queries, typed)
				require.ElementsMatch(t, hitIDs(other.Hits), hitIDs(s.Hits), typed)
			}
			for text, want := range map[string][]string{
				"手机壳": {"case", "case-hk"}, "手機": {"case", "case-hk", "phone"}, "长江大桥": {"bridge"}, "大桥": {"bridge"}, "市长": {"mayor"},
				"保温杯": {"cup"}, "iphone15手机壳": {"case"},
			} {
				r, err := ix.Search(ctx, search.Query{Text: text, Match: search.MatchAll, Exact: true})
				require.NoError(t, err)
				require.ElementsMatch(t, want, hitIDs(r.Hits), text)
				other, err := bleve.Search(ctx, search.Query{Text: text, Match: search.MatchAll, Exact: true})
				require.NoError(t, err)
				require.ElementsMatch(t, hitIDs(other.Hits), hitIDs(r.Hits), text)
			}
		})
	}
}

func texts(s *search.Suggestions) []string {
	var all []string
	for _, q := range s.Queries {
		all = append(all, q.Text)
	}
	return all
}

func hitIDs(hits []search.Hit) []string {
	var all []string
	for _, h := range hits {
		all = append(all, h.ID)
	}
	return all
}

// TestChangedAnalysisIsRefused changes each option that makes other terms of the same text. An index made without it is neither
// searched nor written, unless it can be filled again.
func TestChangedAnalysisIsRefused(t *testing.T) {
	t.Parallel()
	with := chinese(t)
	for name, change := range map[string]func(*search.Schema){
		"Simplify":  func(s *search.Schema) { s.Simplify = with.Simplify },
		"Romanizer": func(s *search.Schema) { s.Romanizer = with.Romanizer },
		"Segmenter": func(s *search.Schema) { s.Segmenter = with.Segmenter },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			url := testenvtest.ElasticsearchURL(t, testenvtest.Elasticsearch(t))
			plain := search.Schema{Fields: with.Fields}
			changed := plain
			change(&changed)
			open := func(schema search.Schema, o elasticsearch.Options) (*search.Index, error) {
				o.Refresh = -1
				ix, err := elasticsearch.Open(ctx, url, schema, &o)
				if err == nil {
					t.Cleanup(func() { require.NoError(t, ix.Close()) })
				}
				return ix, err
			}
			old, err := open(plain, elasticsearch.Options{})
			require.NoError(t, err)
			require.NoError(t, old.Put(ctx, chineseDocuments()...))

			index := behind(t, url)
			_, err = open(changed, elasticsearch.Options{})
			require.ErrorIs(t, err, search.ErrSchema)
			require.Equal(t, index, behind(t, url), "nothing is made or moved by a refusal")

			// Another process fills a new index: the one with the earlier option cannot write a thing into it.
			docs := chineseDocuments()
			ix, err := open(changed, elasticsearch.Options{Source: func(yield func(search.Document, error) bool) {
				for _, d := range docs {
					if !yield(d, nil) {
						return
					}
				}
			}})
			require.NoError(t, err)
			require.NotEqual(t, index, behind(t, url))
			err = old.Put(ctx, search.Document{ID: "late", Fields: map[string]any{"title": "手機"}}, search.Document{ID: "later"})
			batch, ok := errors.AsType[*search.BatchError](err)
			require.True(t, ok, "%v", err)
			require.Len(t, batch.Failed, 2)
			require.ErrorIs(t, batch.Failed[0].Err, search.ErrSchema)
			require.NoError(t, ix.Refresh(ctx))
			n, err := ix.Count(ctx)
			require.NoError(t, err)
			require.Equal(t, len(docs), n)
		})
	}
}
