package pinyin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/pinyin"
)

func TestReadings(t *testing.T) {
	t.Parallel()
	r := pinyin.New()
	for character, usual := range map[rune]string{'手': "shou", '机': "ji", '機': "ji", '壳': "ke", '女': "nv", '略': "lve", '重': "zhong", '乐': "le"} {
		require.Equal(t, usual, r.Readings(character)[0])
	}
	require.Contains(t, r.Readings('乐'), "yue")
	require.Contains(t, r.Readings('重'), "chong")
	require.NotContains(t, r.Readings('行'), "", "every reading can be typed")
	for _, none := range []rune{'a', 'ガ', '김', '!', -1, 0x10FFFF} {
		require.Nil(t, r.Readings(none))
	}
	for c := rune(0x4E00); c < 0x9FA6; c++ {
		seen := map[string]bool{}
		for _, s := range r.Readings(c) {
			require.Empty(t, strings.Trim(s, "abcdefghijklmnopqrstuvwxyz"))
			require.False(t, seen[s], "tones are left out, and what is equal then comes once: %c", c)
			seen[s] = true
		}
	}
}

// TestConcurrent reads the same characters in many goroutines, for the race detector.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r := pinyin.New()
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for c := rune(0x4E00); c < 0x4E00+2000; c++ {
				r.Readings(c)
			}
			require.Equal(t, "yi", r.Readings('一')[0])
		})
	}
}

func Example() {
	index, err := blevesearch.OpenMemory(search.Schema{
		Simplify:  true,
		Romanizer: pinyin.New(),
		Fields:    []search.Field{{Name: "title", Kind: search.Text, Language: "und", Store: true}},
	}, nil)
	if err != nil {
		panic(err)
	}
	defer index.Close()
	ctx := context.Background()
	err = index.Put(ctx,
		search.Document{ID: "1", Fields: map[string]any{"title": "手机壳 iPhone 15"}},
		search.Document{ID: "2", Fields: map[string]any{"title": "手機 iPhone 15"}})
	if err != nil {
		panic(err)
	}
	for _, typed := range []string{"shouji", "sjk", "shou ji k", "手机k", "iphone shou"} {
		found, err := index.Suggest(ctx, search.SuggestQuery{Text: typed, Hits: -1})
		if err != nil {
			panic(err)
		}
		for _, s := range found.Queries {
			fmt.Println(typed, "→", s.Text, s.Count)
		}
	}
	// Output:
	// shouji → 手機 2
	// shouji → 手机壳 1
	// sjk → 手机壳 1
	// shou ji k → 手机壳 1
	// 手机k → 手机壳 1
	// iphone shou → iphone 手機 2
	// iphone shou → iphone 手机壳 1
}
