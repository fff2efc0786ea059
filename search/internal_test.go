package search

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"same", "same", 0}, {"cat", "cut", 1}, {"cat", "cart", 1}, {"cat", "at", 1},
		{"mosue", "mouse", 1}, {"kettel", "kettle", 1}, {"ca", "abc", 3}, {"日本", "本日", 1}, {"kitten", "sitting", 3},
	} {
		require.Equal(t, test.want, editDistance(test.a, test.b), test.a+" "+test.b)
		require.Equal(t, test.want, editDistance(test.b, test.a), test.b+" "+test.a)
	}
}

func TestMinimum(t *testing.T) {
	t.Parallel()
	for n, want := range []int{0, 1, 2, 2, 3, 4, 5, 6, 6} {
		require.Equal(t, want, minimum(n, MatchMost, false), n)
	}
	require.Equal(t, 5, minimum(5, MatchAll, false))
	require.Equal(t, 1, minimum(5, MatchAny, false))
	require.Equal(t, 1, minimum(2, MatchAll, true))
	require.Equal(t, 3, minimum(9, MatchAll, true))
}

func TestStarts(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a", "ab", "abc", "x", "手", "手机", "手机壳"}, set{}.of([]string{"ab", "abcd", "x", "手机壳套"}))
	require.Empty(t, set{}.of(nil))
}

func TestWindow(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("词", 1000)
	for _, at := range []int{0, 3, 600, 2997} {
		start, end := window(long, []span{{at, at + 3}})
		require.True(t, start <= at && at+3 <= end && end <= len(long))
		require.True(t, utf8.ValidString(long[start:end]))
		require.LessOrEqual(t, utf8.RuneCountInString(long[start:end]), fragmentRunes)
	}
	start, end := window(long, []span{{0, len(long)}})
	require.LessOrEqual(t, utf8.RuneCountInString(long[start:end]), 2*fragmentRunes)
	require.NotEmpty(t, render(long, []span{{0, len(long)}}))
}

func FuzzRender(f *testing.F) {
	f.Add("some text & <tags>", 2, 5, 7, 9)
	f.Add(strings.Repeat("long 词 ", 100), 10, 300, 400, 420)
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int) {
		if !(0 <= a && a < b && b < c && c < d && d <= len(text)) || !utf8.ValidString(text[a:b]+text[b:c]) || !utf8.ValidString(text) || !utf8.ValidString(text[c:d]) {
			return
		}
		marked := render(text, []span{{a, b}, {c, d}})
		require.True(t, utf8.ValidString(marked))
		plain := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(marked)
		require.NotContains(t, plain, "<")
	})
}

func TestDecodeCursorBounds(t *testing.T) {
	t.Parallel()
	bind := [16]byte{1}
	for _, c := range []cursor{
		{Step: StepTyped, After: []string{"1"}},
		{Step: StepTyped, After: []string{"1", strings.Repeat("x", maxPosition+1)}},
		{Step: "other", After: []string{"1", "2"}},
		{Step: StepCorrected, Text: strings.Repeat("x", maxQueryText+1), After: []string{"1", "2"}},
	} {
		_, err := decodeCursor(c.encode(bind), bind, 2, 0)
		require.ErrorIs(t, err, ErrInvalid)
	}
	whole := cursor{Step: StepCorrected, Text: "tea", After: []string{"1", "2"}}
	back, err := decodeCursor(whole.encode(bind), bind, 2, 0)
	require.NoError(t, err)
	require.Equal(t, whole, *back)
	_, err = decodeCursor(whole.encode(bind), [16]byte{2}, 2, 0)
	require.ErrorContains(t, err, "another query")
}

// Each character of a run is nearly a word: a query has no more of them than engines take clauses.
func TestRunsAreCut(t *testing.T) {
	t.Parallel()
	s, err := Schema{Fields: []Field{{Name: "title", Kind: Text, Store: true}}}.check()
	require.NoError(t, err)
	none, err := (&schema{}).newSynonymSet(nil)
	require.NoError(t, err)
	terms := func(text string) map[string]bool {
		found := map[string]bool{}
		s.compile(text, none).tree(MatchMost, false).marks(func(t string) { found[t] = true })
		return found
	}
	runes := []rune{}
	for i := range 200 {
		runes = append(runes, rune(0x4E00+i)) // all different
	}
	long := string(runes)
	require.Len(t, terms(long), maxCharacters-1, "the pairs of the first characters")
	require.Equal(t, terms(string(runes[:maxCharacters])), terms(long))
	require.NotEqual(t, terms(string(runes[:maxCharacters-1])), terms(long))

	// The bound is of all runs together, and words after it still count.
	found := terms(string(runes[:60]) + " a1b " + string(runes[60:70]) + " tea " + string(runes[70:80]))
	require.True(t, found["tea"])
	require.True(t, found[string(runes[62:64])], "the last pair within the bound")
	require.False(t, found[string(runes[63:65])])
	require.False(t, found[string(runes[70:72])])
}
