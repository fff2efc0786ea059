package notifytest

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

// stateOf returns the driver's store of shared values. Where there is none, it
// checks that what needs one says so.
func stateOf(t *testing.T, s *store) (state notify.StateStore, ok bool) {
	t.Helper()
	q, d := s.open(t)
	if state, ok = d.(notify.StateStore); !ok {
		_, err := q.Workers(t.Context())
		require.ErrorIs(t, err, errors.ErrUnsupported)
		_, err = q.Schedules(t.Context())
		require.ErrorIs(t, err, errors.ErrUnsupported)
		_, err = q.Group(t.Context(), "g")
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
	return state, ok
}

// set makes one change and tells whether it was made.
func set(t *testing.T, s notify.StateStore, key, value string, version int64, ttl time.Duration) bool {
	t.Helper()
	change := notify.StateChange{Key: key, Version: version, TTL: ttl}
	if value != "" {
		change.Value = []byte(value)
	}
	done, err := s.SwapState(within(t, patience), []notify.StateChange{change})
	require.NoError(t, err)
	require.Len(t, done, 1)
	return done[0]
}

func load(t *testing.T, s notify.StateStore, keys ...string) map[string]notify.StateEntry {
	t.Helper()
	entries, err := s.LoadState(within(t, patience), keys)
	require.NoError(t, err)
	found := make(map[string]notify.StateEntry)
	for _, e := range entries {
		require.Positive(t, e.Version, e.Key)
		found[e.Key] = e
	}
	require.Len(t, found, len(entries), "a key twice")
	return found
}

func testState(t *testing.T, s *store) {
	state, ok := stateOf(t, s)
	if !ok {
		return
	}
	require.Empty(t, load(t, state, "a/1", "a/2"))
	require.Empty(t, load(t, state))
	require.False(t, set(t, state, "a/1", "x", 7, time.Hour), "there is none")
	require.True(t, set(t, state, "a/1", "x", 0, time.Hour))
	require.False(t, set(t, state, "a/1", "y", 0, time.Hour), "there is one")
	first := load(t, state, "a/1", "a/2")["a/1"]
	require.Equal(t, "x", string(first.Value))
	require.True(t, set(t, state, "a/1", "y", first.Version, time.Hour))
	require.False(t, set(t, state, "a/1", "z", first.Version, time.Hour), "no longer this one")
	second := load(t, state, "a/1")["a/1"]
	require.Equal(t, "y", string(second.Value))
	require.NotEqual(t, first.Version, second.Version)
	require.True(t, set(t, state, "a/1", "any", notify.AnyVersion, time.Hour))
	require.True(t, set(t, state, "a/2", "\x00\xff中", notify.AnyVersion, time.Hour))
	require.Equal(t, "\x00\xff中", string(load(t, state, "a/2")["a/2"].Value))
	require.False(t, set(t, state, "a/1", "", second.Version, 0), "removing compares, too")
	require.True(t, set(t, state, "a/1", "", load(t, state, "a/1")["a/1"].Version, 0))
	require.Empty(t, load(t, state, "a/1"))
	require.True(t, set(t, state, "a/3", "", notify.AnyVersion, 0), "there was none")

	large := strings.Repeat("x", 256<<10)
	require.True(t, set(t, state, "a/large", large, 0, time.Hour))
	require.Equal(t, large, string(load(t, state, "a/large")["a/large"].Value))

	changes := make([]notify.StateChange, 30)
	for i := range changes {
		changes[i] = notify.StateChange{Key: "b/" + strconv.Itoa(100+i), Value: []byte(strconv.Itoa(i)), TTL: time.Hour, Version: int64(i % 2)}
	}
	done, err := state.SwapState(within(t, patience), changes)
	require.NoError(t, err)
	for i := range done {
		require.Equal(t, i%2 == 0, done[i], "%d", i)
	}
	var seen []string
	for after := ""; ; {
		page, err := state.ScanState(within(t, patience), "b/", after, 4)
		require.NoError(t, err)
		for _, e := range page {
			seen = append(seen, string(e.Value))
		}
		if len(page) < 4 {
			break
		}
		after = page[len(page)-1].Key
	}
	require.Equal(t, "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28", strings.Join(seen, " "))
}

func testStateEnds(t *testing.T, s *store) {
	state, ok := stateOf(t, s)
	if !ok {
		return
	}
	require.True(t, set(t, state, "a/short", "x", 0, 100*time.Millisecond))
	require.True(t, set(t, state, "a/long", "x", 0, time.Hour))
	eventually(t, func() bool { return len(load(t, state, "a/short", "a/long")) == 1 })
	page, err := state.ScanState(within(t, patience), "a/", "", 10)
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.True(t, set(t, state, "a/short", "again", 0, time.Hour), "as if it had never been")
	require.Equal(t, "again", string(load(t, state, "a/short")["a/short"].Value))
}

// testStateParallel counts up in many places at once; a lost update shows in the sum.
func testStateParallel(t *testing.T, s *store) {
	state, ok := stateOf(t, s)
	if !ok {
		return
	}
	states := []notify.StateStore{state}
	if s.Shared {
		_, other := s.open(t)
		states = append(states, other.(notify.StateStore))
	}
	const callers, each = 8, 10
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			mine := states[i%len(states)]
			for n := 0; n < each; {
				entry := load(t, mine, "n/sum")["n/sum"]
				sum, _ := strconv.Atoi(string(entry.Value))
				if set(t, mine, "n/sum", strconv.Itoa(sum+1), entry.Version, time.Hour) {
					n++
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, strconv.Itoa(callers*each), string(load(t, state, "n/sum")["n/sum"].Value))
}
