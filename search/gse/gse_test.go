package gse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/gse"
)

// embedded is loaded once: it takes seconds.
var embedded = sync.OnceValues(func() (*gse.Segmenter, error) { return gse.New(nil) })

func cut(s *gse.Segmenter, run string) string {
	var words []string
	for _, r := range s.Segment(run) {
		words = append(words, run[r[0]:r[1]])
	}
	return strings.Join(words, " ")
}

func TestEmbeddedDictionary(t *testing.T) {
	t.Parallel()
	s, err := embedded()
	require.NoError(t, err)
	for run, want := range map[string]string{
		"手机壳":     "手机 壳",
		"南京市长江大桥": "南京市 南京 京市 长江大桥 长江 大桥",
		"防水蓝牙音箱":  "防水 蓝牙 音箱",
		"不锈钢保温杯":  "不锈钢 不锈 保温杯 保温",
		"":        "",
	} {
		require.Equal(t, want, cut(s, run))
	}
	require.Equal(t, "gse 0.80.3 zh_s", s.Name())

	var group sync.WaitGroup
	for range 8 { // for the race detector
		group.Go(func() {
			for range 200 {
				if cut(s, "南京市长江大桥") != "南京市 南京 京市 长江大桥 长江 大桥" {
					t.Error("another answer")
				}
			}
		})
	}
	group.Wait()
}

const small = "手机 900\n手机壳 300\n壳 100\n防水 400\n蓝牙 200\n音箱 200\n长江 100\n大桥 100\n长江大桥 50\n"

func TestOwnDictionary(t *testing.T) {
	t.Parallel()
	s, err := gse.NewFromDictionary(strings.NewReader(small), nil)
	require.NoError(t, err)
	require.Equal(t, "手机壳 手机", cut(s, "手机壳"))
	require.Equal(t, "华 为 手机", cut(s, "华为手机"))

	named, err := gse.NewFromDictionary(strings.NewReader(small), &gse.Options{Words: []string{"华为手机", "华为", "手机"}})
	require.NoError(t, err)
	require.Equal(t, "华为手机 华为 手机", cut(named, "华为手机"))
	again, err := gse.NewFromDictionary(strings.NewReader(small), &gse.Options{Words: []string{"手机", "华为", "华为手机", "华为"}})
	require.NoError(t, err)
	require.Equal(t, named.Name(), again.Name(), "the order of words does not matter")
	require.NotEqual(t, s.Name(), named.Name(), "what is cut otherwise has another name")
	other, err := gse.NewFromDictionary(strings.NewReader(small+"华为 5\n"), nil)
	require.NoError(t, err)
	require.NotEqual(t, s.Name(), other.Name())
	require.LessOrEqual(t, len(named.Name()), 64)
}

func TestBadDictionaries(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{{"手"}, {""}, {"手机 壳"}, {"手机", "\xff\xff"}, {strings.Repeat("手", 17)}, make([]string, 100_001)} {
		_, err := gse.NewFromDictionary(strings.NewReader(small), &gse.Options{Words: words})
		require.ErrorIs(t, err, search.ErrInvalid)
		var invalid *search.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Contains(t, invalid.Field, "Words")
	}
	for _, text := range []string{"", "\xff", "\n\n", "手机\n"} {
		_, err := gse.NewFromDictionary(strings.NewReader(text), nil)
		require.ErrorIs(t, err, search.ErrInvalid, "%q", text)
	}
	broken := errors.New("broken")
	_, err := gse.NewFromDictionary(iotest.ErrReader(broken), nil)
	require.ErrorIs(t, err, broken)
}

func FuzzSegment(f *testing.F) {
	s, err := gse.NewFromDictionary(strings.NewReader(small), nil)
	require.NoError(f, err)
	for _, seed := range []string{"", "手机壳", "南京市长江大桥", "abc手机", "\xff手", "コーヒー", "İ手机"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, run string) {
		for _, r := range s.Segment(run) {
			require.True(t, 0 <= r[0] && r[0] < r[1] && r[1] <= len(run), "%q %v", run, r)
		}
	})
}

// TestAgainstPairs compares words with the pairs of characters that are used without them.
func TestAgainstPairs(t *testing.T) {
	t.Parallel()
	words, err := embedded()
	require.NoError(t, err)
	open := func(segmenter search.Segmenter) *search.Index {
		index, err := blevesearch.OpenMemory(search.Schema{Segmenter: segmenter, Fields: []search.Field{{Name: "title", Kind: search.Text, Language: "und", Store: true}}}, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, index.Close()) })
		for i, title := range []string{"iPhone15手机壳", "南京市长江大桥", "防水蓝牙音箱", "市长的茶杯"} {
			require.NoError(t, index.Put(t.Context(), search.Document{ID: fmt.Sprint(i), Fields: map[string]any{"title": title}}))
		}
		return index
	}
	cutInWords, inPairs := open(words), open(nil)
	for _, test := range []struct {
		text         string
		words, pairs int
	}{
		{"iphone 15", 1, 1}, {"手机壳", 1, 1}, {"15手机", 1, 1}, {"长江大桥", 1, 1}, {"大桥", 1, 1}, {"蓝牙音箱", 1, 1}, {"防水音箱", 1, 1},
		{"市长", 1, 2}, // only the mayor's cup; pairs find the bridge too
		{"机壳", 0, 1}, // not a word
	} {
		for index, want := range map[*search.Index]int{cutInWords: test.words, inPairs: test.pairs} {
			r, err := index.Search(t.Context(), search.Query{Text: test.text, Exact: true, Match: search.MatchAll})
			require.NoError(t, err)
			require.Equal(t, want, r.Total, "%s, words: %v", test.text, index == cutInWords)
		}
	}
	s, err := cutInWords.Suggest(t.Context(), search.SuggestQuery{Text: "蓝", Hits: -1})
	require.NoError(t, err)
	require.NotEmpty(t, s.Queries, "a word within a title is a completion")
}

func ExampleNewFromDictionary() {
	words, err := gse.NewFromDictionary(strings.NewReader("手机 900\n壳 100\n防水 400\n"), &gse.Options{Words: []string{"华为"}})
	if err != nil {
		panic(err)
	}
	index, err := blevesearch.OpenMemory(search.Schema{Segmenter: words, Fields: []search.Field{{Name: "title", Kind: search.Text, Language: "und", Store: true}}}, nil)
	if err != nil {
		panic(err)
	}
	defer index.Close()
	ctx := context.Background()
	if err := index.Put(ctx, search.Document{ID: "case", Fields: map[string]any{"title": "华为防水手机壳"}}); err != nil {
		panic(err)
	}
	found, err := index.Search(ctx, search.Query{Text: "手机", Highlight: []string{"title"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(found.Hits[0].Highlight["title"])
	// Output: 华为防水<mark>手机</mark>壳
}
