package groupcommit_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/notify/internal/groupcommit"
)

type entry = groupcommit.Entry[int, string]

// server answers values with their digits, in calls that last a second of the bubble.
type server struct {
	mu     sync.Mutex
	calls  [][]int
	begins []time.Duration
	start  time.Time
}

func (s *server) note(values ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, values)
	s.begins = append(s.begins, time.Since(s.start))
}

func (s *server) options(lines int) groupcommit.Options[int, string] {
	return groupcommit.Options[int, string]{
		Lines: lines, Most: 3, Timeout: 30 * time.Second,
		Alone: func(ctx context.Context, v int) (string, error) {
			s.note(v)
			<-time.After(time.Second)
			return strconv.Itoa(v), ctx.Err()
		},
		Together: func(ctx context.Context, entries []*entry) {
			var values []int
			for _, e := range entries {
				values = append(values, e.Value)
			}
			s.note(values...)
			<-time.After(time.Second)
			for _, e := range entries {
				if e.Value < 0 {
					e.Err = errNegative
				} else {
					e.Answer, e.Err = strconv.Itoa(e.Value), ctx.Err()
				}
			}
		},
	}
}

var errNegative = errors.New("negative")

// TestGathersWhileACallIsUnderWay sees the first go alone at once, and who came meanwhile go
// together, in order, no more than Most at a time, each with an answer of its own.
func TestGathersWhileACallIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now()}
		c := groupcommit.New(s.options(1))
		for i, v := range []int{1, 2, -3, 4, 5} {
			go func() {
				<-time.After(time.Duration(i) * time.Millisecond)
				answer, err := c.Do(t.Context(), v)
				if v < 0 {
					require.ErrorIs(t, err, errNegative)
					return
				}
				require.NoError(t, err)
				require.Equal(t, strconv.Itoa(v), answer)
			}()
		}
		<-time.After(time.Minute)
		synctest.Wait()
		require.Equal(t, [][]int{{1}, {2, -3, 4}, {5}}, s.calls)
		require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, s.begins)
	})
}

// TestLinesAreUnderWayAtOnce lets two go by themselves and the third wait for the first of them.
func TestLinesAreUnderWayAtOnce(t *testing.T) {
	t.Parallel()
	for lines, begins := range map[int][]time.Duration{
		2:                     {0, time.Millisecond, time.Second},
		groupcommit.Unlimited: {0, time.Millisecond, 2 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{start: time.Now()}
			c := groupcommit.New(s.options(lines))
			for i := range 3 {
				go func() {
					<-time.After(time.Duration(i) * time.Millisecond)
					_, err := c.Do(t.Context(), i)
					require.NoError(t, err)
				}()
			}
			<-time.After(time.Minute)
			synctest.Wait()
			require.Equal(t, begins, s.begins)
		})
	}
}

// TestContexts takes back who gives up while waiting; who leads a group and gives up takes nobody with it,
// and alone it is cut off.
func TestContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now()}
		c := groupcommit.New(s.options(1))
		do := func(v int, patience time.Duration) chan error {
			result := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := c.Do(ctx, v)
				result <- err
			}()
			<-time.After(time.Millisecond)
			return result
		}
		first := do(1, time.Minute)
		gone := do(2, 100*time.Millisecond)
		leader := do(3, 1500*time.Millisecond) // leads from 1 s to 2 s
		member := do(4, 1600*time.Millisecond)
		require.NoError(t, <-first)
		require.ErrorIs(t, <-gone, context.DeadlineExceeded)
		require.NoError(t, <-leader)
		require.NoError(t, <-member)
		require.Equal(t, [][]int{{1}, {3, 4}}, s.calls)
		require.ErrorIs(t, <-do(5, 100*time.Millisecond), context.DeadlineExceeded)

		last := do(6, time.Minute)
		alone := do(7, 1500*time.Millisecond) // leads nobody
		require.NoError(t, <-last)
		require.ErrorIs(t, <-alone, context.DeadlineExceeded)
	})
}

// TestNoAnswerIsMixedUp runs many callers who come, give up and come again.
func TestNoAnswerIsMixedUp(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	c := groupcommit.New(groupcommit.Options[int, string]{
		Lines: 2, Most: 16, Timeout: time.Minute,
		Alone: func(_ context.Context, v int) (string, error) { asked.Add(1); return strconv.Itoa(v), nil },
		Together: func(_ context.Context, entries []*entry) {
			for _, e := range entries {
				asked.Add(1)
				e.Answer = strconv.Itoa(e.Value)
			}
		},
	})
	var answered atomic.Int64
	var group sync.WaitGroup
	for caller := range 32 {
		group.Go(func() {
			for i := range 300 {
				v := caller*1000 + i
				ctx, cancel := context.WithCancel(t.Context())
				if i%3 == 0 {
					go cancel()
				}
				answer, err := c.Do(ctx, v)
				cancel()
				if err == nil {
					answered.Add(1)
					require.Equal(t, strconv.Itoa(v), answer)
				} else {
					require.ErrorIs(t, err, context.Canceled)
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, answered.Load(), asked.Load(), "asked for nobody, or answered without asking")
}

func BenchmarkDo(b *testing.B) {
	c := groupcommit.New(groupcommit.Options[int, int]{
		Lines: 1, Most: 256, Timeout: time.Minute,
		Alone: func(_ context.Context, v int) (int, error) { return v, nil },
		Together: func(_ context.Context, entries []*groupcommit.Entry[int, int]) {
			for _, e := range entries {
				e.Answer = e.Value
			}
		},
	})
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Do(b.Context(), 1); err != nil {
				b.Error(err)
			}
		}
	})
}
