package session_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	namedTest  = regexp.MustCompile("`((?:Test|Driver/|Manager/|Fault/)[A-Za-z0-9]+)`")
	testFunc   = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(t \*testing\.T\)`)
	kitSection = regexp.MustCompile(`(?s)var (driver|manager|fault)Tests = \[\]test\{(.*?)\n\}`)
	kitTest    = regexp.MustCompile(`\{"([A-Za-z0-9]+)", `)
)

// Every test that the guide names exists, so that what it promises is shown by
// something that runs.
func TestGuideNamesTests(t *testing.T) {
	t.Parallel()
	exists := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			exists[m[1]] = true
		}
		for _, section := range kitSection.FindAllStringSubmatch(string(text), -1) {
			name := strings.ToUpper(section[1][:1]) + section[1][1:]
			for _, m := range kitTest.FindAllStringSubmatch(section[2], -1) {
				exists[name+"/"+m[1]] = true
			}
		}
		return err
	})
	require.NoError(t, err)
	guide, err := os.ReadFile("../docs/session.md")
	require.NoError(t, err)
	named := namedTest.FindAllStringSubmatch(string(guide), -1)
	require.Greater(t, len(named), 30)
	for _, m := range named {
		require.True(t, exists[m[1]], "docs/session.md names %s, which there is not", m[1])
	}

	_, django, ok := strings.Cut(string(guide), "## Moving over from Django")
	require.True(t, ok)
	for _, behaviour := range []string{"`login()`", "`logout()`", "`cycle_key()`", "`get_session_auth_hash()`", "`SESSION_EXPIRE_AT_BROWSER_CLOSE`"} {
		row := regexp.MustCompile(`(?m)^\|[^\n]*` + regexp.QuoteMeta(behaviour) + `[^\n]*\|$`).FindString(django)
		require.Regexp(t, namedTest, row, "the row of %s names its test", behaviour)
	}
}
