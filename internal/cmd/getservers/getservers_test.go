package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	there := need{what: "a shell", program: "sh"}
	alsoThere := need{what: "a file", files: "getservers_*.go"}
	gone := need{what: "nothing", program: "no-such-program", debian: []string{"no-such-package"}}
	alsoGone := need{what: "no file", files: "no-such-*"}
	require.Equal(t, []need{gone, alsoGone}, missing([]need{there, gone, alsoThere, alsoGone}))
	require.NoError(t, get(t.Context(), nil))
}

func TestWithoutAptItOnlySaysHow(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	require.NoError(t, get(t.Context(), []need{{what: "nothing", program: "no-such-program", debian: []string{"no-such-package"}}}))
}
