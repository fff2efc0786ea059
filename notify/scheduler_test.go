package notify_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/cron"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

// synced is a buffer for several writers.
type synced struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *synced) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestEachTickOnceOverSeveralSchedulers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // starts on 2000-01-01 00:00 UTC
		q := memqueue.Open(quiet())
		defer q.Close()
		client := notify.NewClient(q, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 3 {
			s := notify.NewScheduler(client, &notify.SchedulerOptions{Location: time.UTC})
			require.NoError(t, number.Schedule(s, "quarterly", "*/15 * * * *", 15))
			require.NoError(t, number.Schedule(s, "daily", "TZ=Asia/Shanghai 0 9 * * *", 9)) // 01:00 UTC
			group.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		<-time.After(4*time.Hour + time.Minute)
		synctest.Wait()
		counts := map[int]int{}
		for _, n := range notifytest.Waiting(t, q, number) {
			counts[n]++
		}
		require.Equal(t, map[int]int{15: 16, 9: 1}, counts)
		cancel()
		group.Wait()
	})
}

func TestScheduleRefusesBadInput(t *testing.T) {
	t.Parallel()
	s := notify.NewScheduler(notify.NewClient(openQueue(t), nil), nil)
	require.ErrorIs(t, number.Schedule(s, "a b", "* * * * *", 1), notify.ErrInvalid)
	require.ErrorIs(t, number.Schedule(s, "a", "* * * *", 1), cron.ErrInvalid)
	require.ErrorIs(t, number.Schedule(s, "a", "* * * * *", 1, notify.After(-1)), notify.ErrInvalid)
	require.NoError(t, number.Schedule(s, "a", "* * * * *", 1))
	require.ErrorIs(t, number.Schedule(s, "a", "@daily", 1), notify.ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx))
	require.ErrorIs(t, s.Run(ctx), notify.ErrInvalid)
	require.ErrorIs(t, number.Schedule(s, "b", "@daily", 1), notify.ErrInvalid)
}

func ExampleTask_Schedule() {
	queue := memqueue.Open(nil)
	defer queue.Close()
	scheduler := notify.NewScheduler(notify.NewClient(queue, nil), nil)
	fmt.Println(sendWelcome.Schedule(scheduler, "greet", "TZ=Asia/Shanghai 30 8 * * mon-fri", welcome{Name: "team"}))
	fmt.Println(sendWelcome.Schedule(scheduler, "typo", "30 25 * * *", welcome{}))
	// then: err := scheduler.Run(ctx)
	// Output:
	// <nil>
	// cron: invalid expression "30 25 * * *": hour: "25" is not between 0 and 23
}
