package notify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
)

// The cases that need no server run; each subject checks its own results.
func TestCasesInMemory(t *testing.T) {
	environment := bench.Describe()
	cases, closeAll, err := Area.Open(t.Context(), &environment)
	require.NoError(t, err)
	require.Len(t, cases, 5*4+1)
	results, err := peer.Run(t.Context(), Area.Name, cases, peer.Settings{
		Cases:   []string{"memory-enqueue", "memory-process", "memory-end-to-end", "memory-idle-latency"},
		Callers: []int{2}, Duration: 50 * time.Millisecond, Rounds: 1,
	})
	require.NoError(t, err)
	require.Len(t, results, 4)
	require.NoError(t, closeAll())
}

func TestMessagesHaveTheirSize(t *testing.T) {
	require.Len(t, newMessage().json(), messageSize)
	require.Equal(t, int64(7), unraw(raw(message{Stamp: 7})).Stamp)
}
