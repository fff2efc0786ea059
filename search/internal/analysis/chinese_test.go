package analysis

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestSimplify(t *testing.T) {
	t.Parallel()
	a := &Analyzer{Simplify: true}
	for traditional, simple := range map[string]string{
		"手機殼": "手机壳", "皇后後面": "皇后后面", "出發 理髮": "出发 理发", "裏裡里": "里里里", "爲為": "为为", "乾幹干": "干干干",
		"iPhone15手機殼": "iPhone15手机壳", "餅乾": "饼干", "ガンダム": "ガンダム", "김치": "김치", "": "", "tea": "tea", "線綫": "线线", "鐘鍾": "钟钟",
	} {
		require.Equal(t, simple, a.Simple(traditional))
		require.Equal(t, simple, a.Simple(simple), "twice is as once")
		require.Equal(t, traditional, plain.Simple(traditional))
		require.Equal(t, plain.Index(simple, "en"), a.Index(traditional, "en"))
	}
}

func TestSimplifiedTable(t *testing.T) {
	t.Parallel()
	table := simplified()
	require.Greater(t, len(table), 2700)
	for from, to := range table {
		require.Equal(t, 3, utf8.RuneLen(from), "both have as many bytes: %c%c", from, to)
		require.Equal(t, 3, utf8.RuneLen(to), "%c%c", from, to)
		require.Zero(t, table[to], "what it gives is final: %c%c", from, to)
		require.Equal(t, string(from), Fold(string(from)), "it is what folding gives")
		require.Equal(t, string(to), Fold(string(to)))
		require.True(t, isCJK(from) && isCJK(to))
	}
}

// dictionary cuts at its words, wherever they are.
func dictionary(words ...string) func(string) [][2]int {
	return func(run string) (found [][2]int) {
		for _, w := range words {
			for at := 0; ; {
				i := strings.Index(run[at:], w)
				if i < 0 {
					break
				}
				found = append(found, [2]int{at + i, at + i + len(w)})
				at += i + len(w)
			}
		}
		return found
	}
}

func TestSegmented(t *testing.T) {
	t.Parallel()
	a := &Analyzer{Segment: dictionary("南京", "南京市", "市长", "长江", "大桥", "长江大桥", "手机", "壳", "京市")}
	words := func(text string) string { return strings.Join(a.Index(text, "en").Words, " ") }
	require.Equal(t, "南京市 南京 京市 长江大桥 长江 大桥", words("南京市长江大桥"), "市长 is cut by the word before it")
	require.Equal(t, "iphone15 iphon 15 手机", words("iPhone15手机壳"))
	require.Equal(t, []string{"手", "机", "壳"}, a.Index("iPhone15手机壳", "en").Chars)
	require.Equal(t, "防水 水蓝 蓝牙 手机", words("防水蓝牙手机"), "what it does not know is cut in pairs")
	require.Equal(t, "김치 치냉 냉장 장고", words("김치냉장고"))

	var phrases []string
	a.Read("红手机壳", "en", Sinks{Phrase: func(p string) { phrases = append(phrases, p) }})
	require.Equal(t, []string{"红手机壳", "手机", "手机壳"}, phrases)

	run := func(text string) (u Unit) {
		a.Units(text, func(found Unit) bool { u = found; return false })
		return u
	}
	bridge := run("长江大桥")
	require.Empty(t, a.Words(bridge)[0].Uncovered(bridge))
	market := run("南京市")
	a.Segment = dictionary("南京市", "南京")
	require.Equal(t, []string{"市"}, a.Words(market)[0].Uncovered(market))
	for _, bad := range [][2]int{{-1, 3}, {3, 0}, {0, 100}, {1, 4}, {0, 0}, {0, 3}} {
		a.Segment = func(string) [][2]int { return [][2]int{bad} }
		require.Equal(t, "南京 京市", words("南京市"), "ranges that are none count for nothing: %v", bad)
	}
}

func TestSpellings(t *testing.T) {
	t.Parallel()
	readings := map[rune][]string{'手': {"shou"}, '机': {"ji", "wei"}, '壳': {"ke", "qiao", "x"}, '音': {"yin"}, '乐': {"le", "yue"}}
	a := &Analyzer{Simplify: true, Romanize: func(r rune) []string { return readings[r] }}
	require.Equal(t, []string{"shouji", "shouwei", "sj", "sw"}, a.Spellings("手机"))
	require.Equal(t, []string{"yinle", "yinyue", "yl", "yy"}, a.Spellings("音乐"))
	require.Len(t, a.Spellings("机壳机壳机壳"), 2*maxSpellings, "they are bounded")
	require.Contains(t, a.Spellings("机壳机壳机壳"), "jikejikejike", "the usual readings are always there")
	require.Nil(t, a.Spellings("手の"))
	require.Nil(t, a.Spellings(""))
	require.Nil(t, plain.Spellings("手机"))
	require.Equal(t, "yinle", a.Spelling("音乐"))
	require.Empty(t, a.Spelling("音の"))

	var phrases []string
	a.Read("iPhone15手機", "en", Sinks{Phrase: func(p string) { phrases = append(phrases, p) }})
	require.Equal(t, []string{"iphone15", "手机→手機", "shouji→手機", "shouwei→手機", "sj→手機", "sw→手機"}, phrases)
}

func FuzzChinese(f *testing.F) {
	for _, seed := range []string{"", "南京市长江大桥", "iPhone15手機殼", "ｶﾞﾝﾀﾞﾑ コーヒー 김치", "\xff\x00手\u0301机", "後后發发髮"} {
		f.Add(seed, 1, 7)
	}
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		cut := dictionary("长江", "大桥", "长江大桥", "手机", "手机壳")
		a := &Analyzer{Simplify: true, Romanize: func(r rune) []string { return []string{"ab", "c"} },
			Segment: func(run string) [][2]int { return append(cut(run), [2]int{from, to}) }}
		a.Units(text, func(u Unit) bool {
			if !u.CJK {
				return true
			}
			covered := 0
			for _, w := range a.Words(u) {
				require.Equal(t, w.Form, slice(u, w.From, w.To))
				require.LessOrEqual(t, w.From, covered, "no character is left out")
				covered = w.To
				for _, p := range w.Parts {
					require.Equal(t, p.Form, slice(u, p.From, p.To))
					require.True(t, w.From <= p.From && p.To <= w.To && p.To-p.From < w.To-w.From)
				}
			}
			require.Equal(t, len(u.Parts), covered)
			return true
		})
		a.Read(text, "en", Sinks{Phrase: func(p string) {
			require.True(t, utf8.ValidString(p))
			key, phrase, ok := strings.Cut(p, Arrow)
			require.NotContains(t, phrase, Arrow)
			if ok && isCJK([]rune(key)[0]) {
				require.Len(t, phrase, len(key), "in both scripts of the same length")
			}
		}})
		require.Equal(t, a.Simple(text), a.Simple(a.Simple(text)))
	})
}

func slice(u Unit, from, to int) (form string) {
	for _, p := range u.Parts[from:to] {
		form += p.Form
	}
	return form
}
