package analysis

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// plain is the analyzer without options.
var plain *Analyzer

func vocabulary(text string, add func(string)) { plain.Read(text, "en", Sinks{Word: add}) }

func phrases(text string, add func(string)) { plain.Read(text, "en", Sinks{Phrase: add}) }

func TestIndex(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		words string
		chars string
	}{
		{"", "", ""},
		{"  !?… ", "", ""},
		{"Red Running Shoes", "red run shoe", ""},
		{"don't stop", "dont don t stop", ""},
		{"men's women’s", "men women", ""},
		{"12.5 1,000 v2.0", "12.5 1 000 v2.0 v 2.0", ""},
		{"WH-1000XM4", "wh1000xm4 wh 1000 xm 4", ""},
		{"iPhone15手机壳", "iphone15 iphon 15 手机 机壳", "手 机 壳"},
		{"壳", "", "壳"},
		{"苹果 手机", "苹果 手机", "苹 果 手 机"},
		{"ＩＰＨＯＮＥ １５", "iphon 15", ""},
		{"Café ÉCLAIR", "cafe eclair", ""},
		{"naïve ﬁne", "naiv fine", ""},
		{"ｶﾞﾝﾀﾞﾑ", "ガン ンダ ダム", "ガ ン ダ ム"},
		{"コーヒー", "コー ーヒ ヒー", "コ ー ヒ ー"},
		{"김치", "김치", "김 치"},
		{"AT&T node.js snake_case", "att at t nodej node js snakecas snake case", ""},
		{"and/or", "and or", ""},
		{"a- -b .5 5.", "a b 5 5", ""},
		{"Привет мир", "привет мир", ""},
		{"\x00tea\xff cup\u202e", "tea cup", ""},
		{"tea🍵cup", "tea cup", ""},
	} {
		terms := plain.Index(test.text, "en")
		require.Equal(t, test.words, strings.Join(terms.Words, " "), test.text)
		require.Equal(t, test.chars, strings.Join(terms.Chars, " "), test.text)
	}
	require.Equal(t, []string{"running"}, plain.Index("running", Undetermined).Words)
	require.Equal(t, []string{"haus"}, plain.Index("Häuser", "de").Words)
	require.True(t, Known("zh") == false && Known("en") && Known(Undetermined))
}

func TestUnitsStopWhenTold(t *testing.T) {
	t.Parallel()
	n := 0
	plain.Units("a b c", func(Unit) bool { n++; return n < 2 })
	require.Equal(t, 2, n)
}

func TestVocabularyAndPhrases(t *testing.T) {
	t.Parallel()
	collect := func(walk func(string, func(string)), text string) string {
		var list []string
		walk(text, func(w string) { list = append(list, w) })
		return strings.Join(list, "|")
	}
	require.Equal(t, "running|wifi|wi|fi", collect(vocabulary, "Running Wi-Fi a 茶杯"))
	require.Equal(t, "silent|wireless|silent wireless|mouse|wireless mouse", collect(phrases, "Silent Wireless Mouse"))
	require.Equal(t, "case|for|nova", collect(phrases, "case for Nova"), "no pairs with stop words")
	require.Equal(t, "case|red", collect(phrases, "case, red"), "nor across punctuation")
	require.Equal(t, "iphone15|手机壳", collect(phrases, "iPhone15手机壳"))
	require.Empty(t, collect(phrases, strings.Repeat("茶", 13)))
}

func TestLongWordsAreCut(t *testing.T) {
	t.Parallel()
	for _, word := range []string{strings.Repeat("x", 1000), strings.Repeat("é", 1000), strings.Repeat("a1", 500), strings.Repeat("ab-", 500) + "c"} {
		for _, term := range plain.Index(word, "en").Words {
			require.LessOrEqual(t, utf8.RuneCountInString(term), MaxWord)
		}
	}
}

func FuzzUnits(f *testing.F) {
	for _, seed := range []string{"", "tea", "iPhone15手机壳", "WH-1000XM4 12.5 don't men's", "ｶﾞﾝﾀﾞﾑ コーヒー 김치", "\xff\x00\u0301a\u0301", "a-", "-a", "1.2.3", "ﬁ ǅ İ ß"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		check := func(start, stop int, form string) {
			require.True(t, end <= start && start <= stop && stop <= len(text), "places are in order and inside")
			require.NotEmpty(t, form)
			require.True(t, utf8.ValidString(form))
		}
		plain.Units(text, func(u Unit) bool {
			check(u.Start, u.End, u.Form)
			for _, p := range u.Parts {
				check(p.Start, p.End, p.Form)
				end = p.End
			}
			end = u.End
			require.NotEqual(t, 1, len(u.Parts)*boolInt(!u.CJK), "a word of one part has none")
			return true
		})
		for _, w := range append(plain.Index(text, "en").Words, plain.Index(text, "en").Chars...) {
			require.NotEmpty(t, w)
			require.NotContains(t, w, " ", "terms can be joined by spaces")
			require.True(t, utf8.ValidString(w))
		}
		phrases(text, func(w string) { require.True(t, utf8.ValidString(w)) })
		require.Equal(t, Fold(text), Fold(Fold(text)), "folding twice changes nothing")
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
