package mediatest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

var oddNames = []string{
	"a", "with space", "two  spaces", "dots..in.a.name", ".hidden", "trailing.dot.", "...", "..a", "-rf", "~", "#1", "a?b", "a%2Fb", "%", "%41", "100%",
	"a&b=c+d;e", "quote'\"s", "star*", "pipe|lt<gt>", "colon:1", "con", "NUL.txt", "com1", "[x]{y}",
	"\u8336\u53f6.txt", "caf\u00e9.txt", "\u0627\u0644\u0634\u0627\u064a", "\U0001F375", "\U0001F468\u200d\U0001F373.txt",
	"deep/er/and/deep/er/file", "a-folder/.hidden/x", "tmp/.tmp/x", strings.Repeat("n", 200), strings.Repeat("d/", 120) + "f",
}

func testOddNames(t *testing.T, b *bench) {
	store := b.open(t, nil)
	finals := map[string]string{}
	for i, name := range oddNames {
		content := text(i, 40)
		f := save(t, store, name, content, nil)
		if !b.OwnNames {
			require.Equal(t, name, f.Name)
		}
		require.NotContains(t, finals, f.Name)
		finals[f.Name] = content
	}
	for name, content := range finals {
		require.Equal(t, content, read(t, store, name), "%q", name)
		f, err := store.Stat(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, name, f.Name)
	}
	if listed, ok := names(t, store, nil); ok {
		require.Len(t, listed, len(finals))
		for _, name := range listed {
			require.Contains(t, finals, name)
		}
	}
	for name := range finals {
		require.NoError(t, store.Delete(t.Context(), name))
	}
	requireEmpty(t, store)
}

var badNames = []string{
	"", ".", "..", "/", "/etc/passwd", "../up", "a/../b", "a/..", "a//b", "a/", "./a", `a\b`, `..\up`, "a\x00b", "a\nb", "\x1b[31m", "\x7f",
	"not\xffutf8", "\ufffd", "rtl\u202ejpg.exe", "zero\u200bwidth", " leading", "trailing ", "a/ b",
	".variants/x", ".Variants/x", "a/.variants/b", strings.Repeat("n", media.MaxSegmentBytes+1), strings.Repeat("d/", media.MaxNameBytes/2) + "f",
	strings.Repeat("x", 10<<20),
}

func testBadNames(t *testing.T, b *bench) {
	store := b.open(t, &media.Options{SigningKeys: [][]byte{[]byte("0123456789abcdef")}})
	good := save(t, store, "good", "content", nil)
	ctx := t.Context()
	for _, name := range badNames {
		_, err := store.Save(ctx, name, strings.NewReader("content"), nil)
		checkBadName(t, name, err)
		_, err = store.Open(ctx, name)
		checkBadName(t, name, err)
		_, err = store.Stat(ctx, name)
		checkBadName(t, name, err)
		_, err = store.Copy(ctx, good.Name, name, nil)
		checkBadName(t, name, err)
		_, err = store.Copy(ctx, name, "elsewhere", nil)
		checkBadName(t, name, err)
		_, err = store.Variant(ctx, name, media.Shop[0])
		checkBadName(t, name, err)
		_, err = store.SignedURL(ctx, name, nil)
		checkBadName(t, name, err)
		checkBadName(t, name, store.Delete(ctx, name))
		checkBadName(t, name, store.SetMetadata(ctx, name, nil))
		require.Empty(t, store.URL(name))
	}
	require.NoError(t, store.Delete(ctx, good.Name))
	requireEmpty(t, store)
}

func checkBadName(t *testing.T, name string, err error) {
	t.Helper()
	require.ErrorIs(t, err, media.ErrInvalid, "%.40q", name)
	var invalid *media.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "name", invalid.Field)
	require.Less(t, len(err.Error()), 600, "the message repeats the name")
}
