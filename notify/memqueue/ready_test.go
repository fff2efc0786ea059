package memqueue

import (
	"slices"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestReadyJobsAgainstASortedSlice puts, takes and removes in any order.
func TestReadyJobsAgainstASortedSlice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r readyJobs
		var model []*job
		seq := uint64(0)
		before := func(a, b *job) int {
			switch {
			case a.envelope.Priority != b.envelope.Priority:
				return b.envelope.Priority - a.envelope.Priority
			case byDue(a, b):
				return -1
			}
			return 1
		}
		steps := rapid.IntRange(1, 3000).Draw(t, "steps")
		for range steps {
			switch action := rapid.IntRange(0, 9).Draw(t, "action"); {
			case action < 5 || len(model) == 0:
				seq++
				due := time.Unix(int64(seq), 0)
				if action == 0 { // late
					due = due.Add(-time.Duration(rapid.IntRange(0, 30).Draw(t, "late")) * time.Second)
				}
				j := &job{envelope: &notify.Envelope{Priority: rapid.IntRange(0, 2).Draw(t, "priority"), RunAt: due}, seq: seq, index: -1}
				r.push(j)
				i, _ := slices.BinarySearchFunc(model, j, before)
				model = slices.Insert(model, i, j)
			case action < 8:
				require.Same(t, model[0], r.pop())
				model = slices.Delete(model, 0, 1)
			default:
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				r.remove(model[i])
				model = slices.Delete(model, i, i+1)
			}
			require.Equal(t, len(model), r.n)
		}
		for _, want := range model {
			require.Same(t, want, r.pop())
		}
		require.Nil(t, r.pop())
	})
}
