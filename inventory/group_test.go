package inventory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// gate is a driver whose batches wait until the test lets them go, and that does what the test says.
type gate struct {
	Driver  // nil: only what is below may be called
	mu      sync.Mutex
	batches [][]string // the keys of each
	open    chan struct{}
	apply   func(requests []Request) ([]Result, error)
	closed  bool
}

func newGate(apply func([]Request) ([]Result, error)) *gate {
	return &gate{open: make(chan struct{}), apply: apply}
}

func (g *gate) Apply(_ context.Context, requests []Request) ([]Result, error) {
	<-g.open
	g.mu.Lock()
	var keys []string
	for _, r := range requests {
		keys = append(keys, r.Key)
	}
	g.batches = append(g.batches, keys)
	g.mu.Unlock()
	return g.apply(requests)
}

func (g *gate) Close() error {
	g.closed = true
	return nil
}

func (g *gate) sizes() (sizes []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, keys := range g.batches {
		sizes = append(sizes, len(keys))
	}
	return sizes
}

func fine(requests []Request) ([]Result, error) { return make([]Result, len(requests)), nil }

func openGate(t *testing.T, g *gate, options Options) *Inventory {
	t.Helper()
	options.SweepInterval = -1
	stock, err := New(g, &options)
	require.NoError(t, err)
	return stock
}

// commits starts n callers, each with its key, one after the other, and returns where their answers will be.
func commits(ctx context.Context, stock *Inventory, n int) (errs []error, done *sync.WaitGroup) {
	errs, done = make([]error, n), &sync.WaitGroup{}
	for caller := range n {
		done.Go(func() { errs[caller] = stock.Commit(ctx, fmt.Sprint("key ", caller)) })
		synctest.Wait()
	}
	return errs, done
}

func TestGroupGathersWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		stock := openGate(t, g, Options{BatchSize: 4})
		errs, done := commits(t.Context(), stock, 10)
		close(g.open)
		done.Wait()
		require.Equal(t, []int{1, 4, 4, 1}, g.sizes(), "a lone caller never waits, a crowd shares, the bound holds")
		require.Equal(t, []string{"key 1", "key 2", "key 3", "key 4"}, g.batches[1], "in order of arrival")
		require.Equal(t, make([]error, 10), errs)
		require.NoError(t, stock.Close())
		require.True(t, g.closed)
	})
}

func TestGroupSharesCallersAmongWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		stock := openGate(t, g, Options{Workers: 2})
		errs, done := commits(t.Context(), stock, 10) // one each is under way, eight are queued
		close(g.open)
		done.Wait()
		require.Equal(t, make([]error, 10), errs)
		require.GreaterOrEqual(t, len(g.sizes()), 4)
		for _, size := range g.sizes() {
			require.LessOrEqual(t, size, 5, "a half of all, and not all that wait")
		}
		require.NoError(t, stock.Close())
	})
}

func TestGroupBoundsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		one := Request{Key: "key 1"}.size()
		stock := openGate(t, g, Options{BatchBytes: 3 * one})
		_, done := commits(t.Context(), stock, 8)
		close(g.open)
		done.Wait()
		require.Equal(t, []int{1, 3, 3, 1}, g.sizes())
		require.NoError(t, stock.Close())
	})
}

func TestGroupSendsWhatIsLargerThanTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		stock := openGate(t, g, Options{BatchBytes: 1})
		errs, done := commits(t.Context(), stock, 3)
		close(g.open)
		done.Wait()
		require.Equal(t, []int{1, 1, 1}, g.sizes())
		require.Equal(t, make([]error, 3), errs)
		require.NoError(t, stock.Close())
	})
}

func TestGroupQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		stock := openGate(t, g, Options{QueueSize: 2})
		_, done := commits(t.Context(), stock, 3) // one is under way, two are queued
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, stock.Commit(ctx, "one too many"), context.DeadlineExceeded, "back-pressure: it waits to enter")
		close(g.open)
		done.Wait()
		require.Equal(t, []int{1, 2}, g.sizes())
		require.NoError(t, stock.Close())
	})
}

func TestGroupCancelsOnlyBeforeSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		stock := openGate(t, g, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var sent, queued error
		var done sync.WaitGroup
		done.Go(func() { sent = stock.Commit(ctx, "sent") })
		synctest.Wait()
		done.Go(func() { queued = stock.Commit(ctx, "queued") })
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(g.open)
		done.Wait()
		require.NoError(t, sent, "what was sent is answered")
		require.ErrorIs(t, queued, context.Canceled)
		require.NotErrorIs(t, queued, ErrOutcomeUnknown)
		require.NoError(t, stock.Close())
		require.Equal(t, [][]string{{"sent"}}, g.batches, "what was cancelled in the queue is never sent")
	})
}

func TestGroupIsolatesPoison(t *testing.T) {
	poison := errors.New("the database cannot take it")
	for name, fail := range map[string]func() ([]Result, error){
		"error": func() ([]Result, error) { return nil, poison },
		"panic": func() ([]Result, error) { panic(poison) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(func(requests []Request) ([]Result, error) {
					for _, r := range requests {
						if r.Key == "key 2" {
							return fail()
						}
					}
					return fine(requests)
				})
				stock := openGate(t, g, Options{})
				errs, done := commits(t.Context(), stock, 5)
				close(g.open)
				done.Wait()
				for caller, err := range errs {
					if caller == 2 {
						require.ErrorContains(t, err, poison.Error())
						continue
					}
					require.NoError(t, err, "caller %d is a neighbour", caller)
				}
				require.NoError(t, stock.Close())
			})
		})
	}
}

func TestGroupDoesNotAskEachWhenTheDatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		g := newGate(func([]Request) ([]Result, error) {
			calls++
			return nil, context.DeadlineExceeded
		})
		stock := openGate(t, g, Options{})
		errs, done := commits(t.Context(), stock, 5)
		close(g.open)
		done.Wait()
		require.Equal(t, 2, calls)
		for _, err := range errs {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.NoError(t, stock.Close())
	})
}

func TestUnknownOutcomeIsAskedAgain(t *testing.T) {
	for _, strategy := range []Strategy{Grouped, Pessimistic} {
		for _, failures := range []int{1, 3, 100} {
			t.Run(fmt.Sprint(strategy, failures), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					calls := 0
					g := newGate(func(requests []Request) ([]Result, error) {
						if calls++; calls <= failures {
							return nil, fmt.Errorf("%w: connection lost", ErrOutcomeUnknown)
						}
						return fine(requests)
					})
					close(g.open)
					stock := openGate(t, g, Options{Strategy: strategy})
					err := stock.Commit(t.Context(), "key")
					if failures < 100 {
						require.NoError(t, err)
						require.Equal(t, failures+1, calls)
					} else {
						require.ErrorIs(t, err, ErrOutcomeUnknown)
						require.Less(t, calls, 10)
					}
					require.NoError(t, stock.Close())
				})
			})
		}
	}
}

func TestUnknownOutcomeThatThenFailsStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		g := newGate(func([]Request) ([]Result, error) {
			if calls++; calls == 1 {
				return nil, ErrOutcomeUnknown
			}
			return nil, errors.New("connection refused")
		})
		close(g.open)
		stock := openGate(t, g, Options{})
		require.ErrorIs(t, stock.Commit(t.Context(), "key"), ErrOutcomeUnknown, "a failure to ask is no answer")
		require.NoError(t, stock.Close())
	})
}

func TestCloseAnswersWhoIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		stock := openGate(t, g, Options{BatchSize: 1})
		errs, done := commits(t.Context(), stock, 4)
		closing := make(chan error)
		go func() { closing <- stock.Close() }()
		synctest.Wait()
		require.ErrorIs(t, stock.Commit(t.Context(), "late"), ErrClosed)
		require.False(t, g.closed, "not before the last answer")
		close(g.open)
		done.Wait()
		require.NoError(t, <-closing)
		require.Equal(t, make([]error, 4), errs)
		require.Len(t, g.batches, 4)
	})
}

func TestDriverThatMiscounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(func([]Request) ([]Result, error) { return nil, nil })
		close(g.open)
		stock := openGate(t, g, Options{})
		require.ErrorIs(t, stock.Commit(t.Context(), "key"), ErrOutcomeUnknown)
		require.NoError(t, stock.Close())
	})
}

// near is a gate that knows how far away its database is.
type near struct {
	*gate
	mu   sync.Mutex
	trip time.Duration
	err  error
}

func (n *near) RoundTrip(context.Context) (time.Duration, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.trip, n.err
}

func (n *near) set(trip time.Duration, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trip, n.err = trip, err
}

func TestGroupAdaptsToTheRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fine)
		close(g.open)
		driver := &near{gate: g, trip: 100 * time.Microsecond}
		stock, err := New(driver, &Options{SweepInterval: -1})
		require.NoError(t, err)
		workers := func() int {
			require.NoError(t, stock.Commit(t.Context(), "key"))
			synctest.Wait()
			stock.group.mu.Lock()
			defer stock.group.mu.Unlock()
			return stock.group.running
		}
		require.Equal(t, 2, workers(), "near")
		driver.set(3*time.Millisecond, nil)
		require.Equal(t, 2, workers(), "not measured again so soon")
		<-time.After(time.Minute) // of the test's own clock
		require.Equal(t, 4, workers(), "far")
		driver.set(0, errors.New("no answer"))
		<-time.After(time.Minute)
		require.Equal(t, 4, workers(), "as before")
		driver.set(0, nil)
		<-time.After(time.Minute)
		for range 8 { // each worker hears of it after its next batch
			workers()
		}
		require.Equal(t, 1, workers(), "one writer")
		require.NoError(t, stock.Close())
	})
}
