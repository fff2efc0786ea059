package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

// TestThePageShowsWhatIsPrinted runs the program and looks for its output in the page about it.
func TestThePageShowsWhatIsPrinted(t *testing.T) {
	testenvtest.MariaDB(t) // or skip
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out))
	page, err := os.ReadFile("../../docs/repeatable-read.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "```\n"+strings.TrimSpace(out.String())+"\n```")
	require.Contains(t, out.String(), "gave up")
	require.Contains(t, out.String(), "10 sold, 10 refused")
}
