package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
)

// Every case runs, on a cluster in process; each subject checks its own results.
func TestCases(t *testing.T) {
	t.Parallel()
	none := ""
	area := Area(&none)
	environment := bench.Describe()
	cases, closeAll, err := area.Open(t.Context(), &environment)
	require.NoError(t, err)
	require.Len(t, cases, 6)
	results, err := peer.Run(t.Context(), area.Name, cases, peer.Settings{Callers: []int{2}, Duration: 20 * time.Millisecond, Rounds: 1})
	require.NoError(t, err)
	require.Len(t, results, 3+3+4+3+5+2)
	require.NoError(t, closeAll())
}
