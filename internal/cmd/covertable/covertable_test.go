package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const profile = `mode: atomic
example.com/a/one.go:1.1,2.2 3 0
example.com/a/one.go:3.1,4.2 1 7
example.com/a/b/two.go:1.1,2.2 4 0
example.com/a/one.go:1.1,2.2 3 1
`

func TestTable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "coverage.out")
	require.NoError(t, os.WriteFile(file, []byte(profile), 0o600))
	var out strings.Builder
	require.NoError(t, run([]string{file}, &out))
	require.Equal(t, ` 100.0%       4 of      4  example.com/a
   0.0%       0 of      4  example.com/a/b
  50.0%       4 of      8  total
`, out.String())
}

func TestBadProfiles(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.ErrorContains(t, run(nil, &out), "usage")
	require.ErrorIs(t, run([]string{filepath.Join(t.TempDir(), "none")}, &out), os.ErrNotExist)
	require.ErrorContains(t, table(strings.NewReader("mode: set\n"), &out), "no statements")
	require.ErrorContains(t, table(strings.NewReader("a.go:1.1,2.2 many 1\n"), &out), "many")
	require.Empty(t, out.String())
}
