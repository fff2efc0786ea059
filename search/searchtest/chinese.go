package searchtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

// asian is a shop of titles in Chinese (both scripts), Japanese and Korean.
func asian(change func(*search.Schema)) (search.Schema, []search.Document) {
	schema := search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 4, Language: "und", Store: true, Suggest: true},
		{Name: "brand", Kind: search.Keyword, Weight: 2, Language: "und", Facet: true, Store: true},
	}}
	change(&schema)
	var docs []search.Document
	for _, d := range [][3]string{
		{"case", "iPhone15手机壳", "苹果"}, {"case-hk", "iPhone15手機殼 防摔", "蘋果"}, {"phone", "手机 iPhone 15", "苹果"}, {"hair", "頭髮護理", "髮"},
		{"start", "出发牌旅行包", "出发"}, {"queen", "皇后面膜", "后"}, {"bridge", "南京市长江大桥模型", "长江"}, {"speaker", "防水蓝牙音箱", "华为"},
		{"coffee", "ｺｰﾋｰカップ", "カフェ"}, {"fridge", "김치냉장고", "삼성"}, {"music", "音乐盒", "乐"}, {"cookie", "餅乾 iPhone", "乾"},
	} {
		docs = append(docs, search.Document{ID: d[0], Fields: map[string]any{"title": d[1], "brand": d[2]}})
	}
	return schema, docs
}

func (h Harness) asian(t *testing.T, change func(*search.Schema)) *search.Index {
	schema, docs := asian(change)
	ix := h.open(t, schema, nil)
	put(t, ix, docs...)
	return ix
}

// finds checks which documents have all words of a text.
func finds(t *testing.T, ix *search.Index, text string, want ...string) {
	t.Helper()
	r := find(t, ix, search.Query{Text: text, Match: search.MatchAll, Exact: true})
	require.ElementsMatch(t, want, ids(r.Hits), text)
}

func marked(t *testing.T, ix *search.Index, text, id, want string) {
	t.Helper()
	r := find(t, ix, search.Query{Text: text, Filters: search.Filters{search.IDs(id)}, Highlight: []string{"title"}, Exact: true})
	require.Len(t, r.Hits, 1, text)
	require.Equal(t, want, r.Hits[0].Highlight["title"], text)
}

// testAsian checks what holds without any option.
func testAsian(t *testing.T, h Harness) {
	ix := h.asian(t, func(*search.Schema) {})
	for _, text := range []string{"iphone 15", "ｉＰｈｏｎｅ１５", "iphone15"} {
		finds(t, ix, text, "case", "case-hk", "phone")
	}
	finds(t, ix, "手机壳", "case")
	finds(t, ix, "15手机", "case", "phone")
	finds(t, ix, "iphone手机", "case", "phone")
	finds(t, ix, "iphone15手机壳", "case")
	finds(t, ix, "壳", "case")
	finds(t, ix, "手機", "case-hk")
	finds(t, ix, "コーヒー", "coffee")
	finds(t, ix, "ｺｰﾋｰｶｯﾌﾟ", "coffee")
	finds(t, ix, "カップ", "coffee")
	finds(t, ix, "냉장고", "fridge")
	finds(t, ix, "김치 냉장고", "fridge")
	finds(t, ix, "蓝牙", "speaker")
	marked(t, ix, "15手机", "case", "iPhone<mark>15手机</mark>壳")
	marked(t, ix, "コーヒー", "coffee", "<mark>ｺｰﾋｰ</mark>カップ")
	marked(t, ix, "냉장고", "fridge", "김치<mark>냉장고</mark>")
	marked(t, ix, "音箱 防水", "speaker", "<mark>防水</mark>蓝牙<mark>音箱</mark>")
}

// testSimplify asks for both scripts in either.
func testSimplify(t *testing.T, h Harness) {
	ix := h.asian(t, func(s *search.Schema) { s.Simplify = true })
	for _, text := range []string{"手机壳", "手機殼", "手机殼", "iPhone15手機殼"} {
		finds(t, ix, text, "case", "case-hk")
	}
	finds(t, ix, "殼", "case", "case-hk")
	finds(t, ix, "头发", "hair")
	finds(t, ix, "頭髮", "hair")
	finds(t, ix, "饼干", "cookie")
	finds(t, ix, "出發", "start")
	finds(t, ix, "发", "hair", "start") // 發 and 髮 are one character in the simplified script
	finds(t, ix, "皇後", "queen")
	finds(t, ix, "コーヒー", "coffee")
	marked(t, ix, "手机壳", "case-hk", "iPhone15<mark>手機殼</mark> 防摔")
	marked(t, ix, "手機", "case", "iPhone15<mark>手机</mark>壳")
	got, err := ix.Get(t.Context(), "case-hk")
	require.NoError(t, err)
	require.Equal(t, "iPhone15手機殼 防摔", got.Fields["title"], "texts stay as they were")

	t.Run("filters compare what is written", func(t *testing.T) {
		require.Equal(t, 1, find(t, ix, search.Query{Filters: search.Filters{search.In("brand", "蘋果")}}).Total)
		r := find(t, ix, search.Query{Facets: []search.Facet{{Field: "brand", Contains: "蘋"}}})
		require.Equal(t, map[string]int{"苹果": 2, "蘋果": 1}, counts(t, r, "brand"), "but values are looked for in both scripts")
	})
	t.Run("synonyms and rules", func(t *testing.T) {
		require.NoError(t, ix.SetSynonyms(t.Context(), search.Synonym{Terms: []string{"保護套", "手机壳"}}))
		require.NoError(t, ix.SetRules(t.Context(), search.Rule{Texts: []string{"餅乾"}, Redirect: "/cookies"}))
		finds(t, ix, "保护套", "case", "case-hk")
		require.Equal(t, "/cookies", find(t, ix, search.Query{Text: "饼干"}).Redirect)
	})
	t.Run("suggestions", func(t *testing.T) {
		require.Equal(t, []search.Suggestion{{Text: "頭髮護理", HTML: "頭髮<mark>護理</mark>", Count: 1}}, completions(t, ix, "头发"), "as the shop writes it")
		require.Equal(t, []search.Suggestion{{Text: "頭髮護理", HTML: "頭髮<mark>護理</mark>", Count: 1}}, completions(t, ix, "頭髮"))
		require.ElementsMatch(t, []string{"手机", "手机壳"}, suggested(t, ix, "手機"), "a phrase in two scripts comes once")
	})
	t.Run("corrections", func(t *testing.T) {
		r := find(t, ix, search.Query{Text: "ipohne 餅乾", Match: search.MatchAll})
		require.Equal(t, "iphone 餅乾", r.Corrected, "characters stay as they were typed")
		require.Equal(t, "cookie", r.Hits[0].ID)
	})
}

func completions(t *testing.T, ix *search.Index, text string) []search.Suggestion {
	t.Helper()
	s, err := ix.Suggest(t.Context(), search.SuggestQuery{Text: text, Hits: -1})
	require.NoError(t, err)
	return s.Queries
}

func suggested(t *testing.T, ix *search.Index, text string) (texts []string) {
	t.Helper()
	for _, s := range completions(t, ix, text) {
		texts = append(texts, s.Text)
	}
	return texts
}

func suggestedHits(t *testing.T, ix *search.Index, text string) []string {
	t.Helper()
	s, err := ix.Suggest(t.Context(), search.SuggestQuery{Text: text, Queries: -1, Hits: 50})
	require.NoError(t, err)
	return ids(s.Hits)
}

// spelling reads the characters it knows.
type spelling map[rune][]string

func (spelling) Name() string               { return "searchtest 1" }
func (s spelling) Readings(c rune) []string { return s[c] }

var readings = spelling{'手': {"shou"}, '机': {"ji"}, '壳': {"ke", "qiao"}, '音': {"yin"}, '乐': {"le", "yue"}, '盒': {"he"},
	'防': {"fang"}, '摔': {"shuai"}, '蓝': {"lan"}, '牙': {"ya"}, '水': {"shui"}, '箱': {"xiang"}}

// testRomanizer completes what is typed by its sound.
func testRomanizer(t *testing.T, h Harness) {
	ix := h.asian(t, func(s *search.Schema) { s.Simplify, s.Romanizer = true, readings })
	for text, want := range map[string]string{
		"shouji": "手机", "sj": "手机", "shou j": "手机", "shou ji": "手机", "SHOUJI": "手机", "ｓhou": "手机", "s": "手机",
		"sjk": "手机壳", "shoujiqiao": "手机壳", "shou ji ke": "手机壳", "手机k": "手机壳", "手机 ke": "手机壳", "手机qi": "手机壳",
		"yinyue": "音乐盒", "yinle": "音乐盒", "yyh": "音乐盒", "fangshuilan": "防水蓝牙音箱",
		"iphone shou": "iphone 手机", "iphone sh": "iphone 手机", "iphone shou j": "iphone 手机", "iphone15shouji": "iphone15手机", "iPhone15 sjk": "iphone15 手机壳",
	} {
		require.Contains(t, suggested(t, ix, text), want, text)
	}
	require.NotContains(t, suggested(t, ix, "shoujix"), "手机")
	require.NotContains(t, suggested(t, ix, "机k"), "手机壳", "characters that are typed as such must be there")
	require.Contains(t, suggested(t, ix, "ipho"), "iphone", "words are completed as before")
	require.Contains(t, suggested(t, ix, "手"), "手机")
	for _, s := range completions(t, ix, "iphone shouji") {
		require.Equal(t, "iphone <mark>"+strings.TrimPrefix(s.Text, "iphone ")+"</mark>", s.HTML, "nothing of it is typed yet")
		require.Positive(t, s.Count)
	}
	for _, s := range completions(t, ix, "手机qi") {
		require.Equal(t, "手机<mark>壳</mark>", s.HTML)
	}
	require.ElementsMatch(t, []string{"case", "case-hk", "phone"}, suggestedHits(t, ix, "shouj"))
	require.ElementsMatch(t, []string{"case", "case-hk", "phone"}, suggestedHits(t, ix, "iphone shou j"))
	require.ElementsMatch(t, []string{"case", "case-hk"}, suggestedHits(t, ix, "shou ji ke"))
	finds(t, ix, "shouji") // it is for completions; a search finds what is written
	finds(t, ix, "手機", "case", "case-hk", "phone")

	schema, _ := asian(func(s *search.Schema) { s.Romanizer = unnamed{} })
	requireInvalid(t, schema.Validate(), "Romanizer")
	schema, _ = asian(func(s *search.Schema) { s.Segmenter = unnamed{} })
	requireInvalid(t, schema.Validate(), "Segmenter")
}

type unnamed struct{}

func (unnamed) Name() string            { return "" }
func (unnamed) Readings(rune) []string  { return nil }
func (unnamed) Segment(string) [][2]int { return nil }

// lexicon finds its words wherever they are, the longest first, and those within them.
type lexicon []string

func (lexicon) Name() string { return "searchtest lexicon 1" }

func (l lexicon) Segment(run string) (found [][2]int) {
	for i := range run {
		for _, w := range l {
			if strings.HasPrefix(run[i:], w) {
				found = append(found, [2]int{i, i + len(w)})
			}
		}
	}
	return found
}

// testSegmenter searches words instead of pairs of characters.
func testSegmenter(t *testing.T, h Harness) {
	ix := h.asian(t, func(s *search.Schema) {
		s.Simplify, s.Romanizer = true, readings
		s.Segmenter = lexicon{"南京市", "南京", "市长", "长江大桥", "长江", "大桥", "手机", "防水", "蓝牙", "音箱", "音乐", "模型"}
	})
	finds(t, ix, "市长")
	finds(t, ix, "南京", "bridge")
	finds(t, ix, "南京市", "bridge")
	finds(t, ix, "大桥", "bridge")
	finds(t, ix, "长江大桥", "bridge")
	finds(t, ix, "大桥模型", "bridge")
	finds(t, ix, "大桥 南京", "bridge")
	finds(t, ix, "手机壳", "case", "case-hk")
	finds(t, ix, "手機", "case", "case-hk", "phone")
	finds(t, ix, "15手机", "case", "case-hk", "phone")
	finds(t, ix, "壳", "case", "case-hk")
	finds(t, ix, "音箱防水", "speaker")
	finds(t, ix, "旅行", "start") // unknown words are pairs
	finds(t, ix, "냉장고", "fridge")
	finds(t, ix, "コーヒー", "coffee")
	marked(t, ix, "大桥", "bridge", "南京市长江<mark>大桥</mark>模型")
	marked(t, ix, "南京市", "bridge", "<mark>南京市</mark>长江大桥模型")
	marked(t, ix, "蓝牙", "speaker", "防水<mark>蓝牙</mark>音箱")
	marked(t, ix, "壳", "case-hk", "iPhone15手機<mark>殼</mark> 防摔")
	require.Contains(t, suggested(t, ix, "音"), "音箱", "words within a run are completions")
	require.Contains(t, suggested(t, ix, "lanya"), "蓝牙音箱")
	require.Contains(t, suggested(t, ix, "yx"), "音箱")
	require.NoError(t, ix.SetSynonyms(t.Context(), search.Synonym{Terms: []string{"喇叭", "蓝牙音箱"}}))
	finds(t, ix, "喇叭", "speaker")
	finds(t, ix, "防水喇叭", "speaker")
	similar, err := ix.Similar(t.Context(), "case", nil)
	require.NoError(t, err)
	require.Contains(t, ids(similar), "case-hk")
}
