package i18n

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryKeyIsInBothLanguages(t *testing.T) {
	t.Parallel()
	require.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(chinese)))
	for key, text := range english {
		require.NotEmpty(t, text, key)
		require.NotEmpty(t, chinese[key], key)
		require.Equal(t, verbs(text), verbs(chinese[key]), "%s: both take the same arguments in the same order", key)
	}
}

var verb = regexp.MustCompile(`%[a-z]`)

func verbs(text string) []string { return verb.FindAllString(text, -1) }

// Keys that the code puts together from a prefix and a value of its own.
var composed = regexp.MustCompile(`^(search\.facet|search\.sort|order\.status|movement)\.`)

var used = regexp.MustCompile(`"([a-z]+(?:\.[a-z0-9-]+)+)"`)

// TestKeysAreUsedAndKnown reads the templates and the code: every text that they
// name is there, and every text that is there is named.
func TestKeysAreUsedAndKnown(t *testing.T) {
	t.Parallel()
	prefixes := map[string]bool{}
	for key := range english {
		prefix, _, _ := strings.Cut(key, ".")
		prefixes[prefix] = true
	}
	named := map[string]bool{}
	for _, folder := range []string{"../web", "../shop"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".html" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range used.FindAllStringSubmatch(string(text), -1) {
				prefix, _, _ := strings.Cut(match[1], ".")
				if prefixes[prefix] {
					named[match[1]] = true
				}
			}
			return err
		}))
	}
	require.Greater(t, len(named), 100)
	jobs := []string{"mail.order", "sms.code", "shop.css", "shop.js", "login.phone", "login.next"} // no texts
	for key := range named {
		_, plain := english[key]
		_, counted := english[key+".other"]
		require.True(t, plain || counted || slices.Contains(jobs, key), "%s is used and not there", key)
	}
	for key := range english {
		base := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		require.True(t, named[key] || named[base] || composed.MatchString(key), "%s is there and not used", key)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Language{
		"":                             English,
		"en-GB,en;q=0.9":               English,
		"zh-CN,zh;q=0.9,en;q=0.8":      Chinese,
		"zh-TW":                        Chinese,
		"zh-Hant-HK":                   Chinese,
		"fr-FR,zh;q=0.5":               Chinese,
		"fr-FR":                        English,
		"de, en;q=0.1":                 English,
		";;;":                          English,
		strings.Repeat("zh,", 100_000): English, // not read at all
	} {
		require.Equal(t, want, Match(header), "%.40q", header)
	}
	_, ok := Parse("fr")
	require.False(t, ok)
}

func TestWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "€12.95", English.Money(1295))
	require.Equal(t, "€1,234,567.05", Chinese.Money(123456705))
	require.Equal(t, "−€0.10", English.Money(-10))
	require.Equal(t, "-1,234", Group(-1234))
	require.Equal(t, "-123", Group(-123))
	require.Equal(t, "1 product", English.Count("search.found", 1))
	require.Equal(t, "19,406 products", English.Count("search.found", 19406))
	require.Equal(t, "1 件商品", Chinese.Count("search.found", 1))
	require.Equal(t, "24 Nov 2026, 03:05", English.Time(time.Date(2026, 11, 24, 3, 5, 0, 0, time.UTC)))
	require.Equal(t, "2026年11月24日 03:05", Chinese.Time(time.Date(2026, 11, 24, 3, 5, 0, 0, time.UTC)))
	require.Equal(t, "no.such.key", English.T("no.such.key"))
}
