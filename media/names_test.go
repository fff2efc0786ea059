package media

import (
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

func TestLongNameIsCheap(t *testing.T) {
	name := strings.Repeat("e\u0301", 5<<20)
	perRun := testing.AllocsPerRun(10, func() { _, _ = CleanName(name) })
	require.Less(t, perRun, 10.0, "the name is not even normalised")
}

func TestWithSuffix(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a/tea-1f.jpg", withSuffix("a/tea.jpg", "-1f"))
	require.Equal(t, "a.b/tea-1f", withSuffix("a.b/tea", "-1f"))
	require.Equal(t, "-1f.hidden", withSuffix(".hidden", "-1f"))
	long := withSuffix(strings.Repeat("\u8336", 80), "-"+strings.Repeat("f", 64))
	require.LessOrEqual(t, len(long), MaxSegmentBytes)
	require.NoError(t, CheckName(long))
	deep := withSuffix(strings.Repeat("d/", 200)+strings.Repeat("n", 112), "-"+strings.Repeat("f", 64))
	require.Len(t, deep, MaxNameBytes)
	require.NoError(t, CheckName(deep))
}

func FuzzCleanName(f *testing.F) {
	for _, name := range []string{"a/b.jpg", "../x", "a\x00", "cafe\u0301", "\u202e", "a//b", ".variants/x", "\xff", " a", "\u1100\u1161"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := CleanName(name)
		if err != nil {
			return
		}
		if clean != norm.NFC.String(name) {
			t.Fatalf("%q was repaired to %q", name, clean)
		}
		if again, err := CleanName(clean); err != nil || again != clean {
			t.Fatalf("%q is not stable", name)
		}
		if clean != path.Clean(clean) || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(clean, "\\") {
			t.Fatalf("%q passes", clean)
		}
		if !utf8.ValidString(clean) || strings.ContainsFunc(clean, unicode.IsControl) || len(clean) > MaxNameBytes {
			t.Fatalf("%q passes", clean)
		}
		if next := withSuffix(clean, "-0123456789abcdef"); CheckName(next) != nil || next == clean {
			t.Fatalf("%q becomes %q", clean, next)
		}
	})
}
