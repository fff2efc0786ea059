package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The table and the page say that a command alone is a round trip, and that
// many callers share them.
func TestRoundTripsAreShown(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.html")
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{
		"-callers", "1,64", "-duration", "50ms", "-rounds", "1", "-html", page,
		"-redis", testenvtest.RedisURL(t, testenvtest.Redis(t)),
	}, &out, &errs), "%s", &errs)
	trips := map[string]float64{}
	for line := range strings.Lines(out.String()) {
		words := append(strings.Fields(line), "")
		for _, way := range []string{"one by one", "joined"} {
			if _, err := strconv.Atoi(words[0]); err == nil && strings.Contains(line, way) {
				n, err := strconv.ParseFloat(words[len(words)-2], 64)
				require.NoError(t, err)
				trips[words[0]+" "+way] = n
			}
		}
		if words[0] == "Prefetch" {
			require.Equal(t, "2", words[len(words)-2])
		}
	}
	require.GreaterOrEqual(t, trips["1 one by one"], 1.0, "%s", &out)
	require.GreaterOrEqual(t, trips["1 joined"], 1.0)
	require.GreaterOrEqual(t, trips["64 one by one"], 1.0)
	require.Positive(t, trips["64 joined"])
	require.Less(t, trips["64 joined"], 0.5)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(html), "<figure>"))
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-callers", "0"}, {"-callers", "many"}, {"-duration", "0s"}, {"-rounds", "0"}, {"-redis", "secret@host"}, {"-nonsense"}} {
		var out, errs bytes.Buffer
		err := run(t.Context(), args, &out, &errs)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
		require.Empty(t, out.String())
	}
}
