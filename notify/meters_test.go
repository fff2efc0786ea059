package notify

import (
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQuantilesAreAtMostAFifthTooHigh(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h histogram
		d := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "d"))
		h.add(d)
		got := h.quantile(0.99)
		require.GreaterOrEqual(t, got, d.Truncate(time.Microsecond))
		require.LessOrEqual(t, got, d+d/4+2*time.Microsecond)
		h.fade()
		require.Zero(t, h.quantile(0.5), "one half of one is none")
	})
	var h histogram
	for i := range 100 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	require.InDelta(t, 50, h.quantile(0.5).Milliseconds(), 12)
	require.InDelta(t, 100, h.quantile(1).Milliseconds(), 25)
}

func TestMeterNeverExceedsTheRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate, burst := rapid.Float64Range(0.5, 500).Draw(t, "rate"), rapid.IntRange(1, 20).Draw(t, "burst")
		start := time.Unix(1_700_000_000, 0)
		now, taken := start, 0
		var m meter
		for range 50 {
			n, wait := m.take(now, rate, burst, rapid.IntRange(1, 10).Draw(t, "want"))
			require.True(t, n > 0 || wait > 0)
			taken += n
			require.LessOrEqual(t, float64(taken), float64(burst)+now.Sub(start).Seconds()*rate+1e-6)
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(100*time.Millisecond)).Draw(t, "pause")))
		}
	})
}

// TestGoroutinesLeftRunningAreFound is not parallel: other tests' goroutines have labels, too, but of other workers.
func TestGoroutinesLeftRunningAreFound(t *testing.T) {
	ctx := pprof.WithLabels(t.Context(), pprof.Labels(kindLabel, "worker/mail"))
	stop := make(chan struct{})
	started, ended := make(chan struct{}), make(chan struct{}, 3)
	pprof.SetGoroutineLabels(ctx)
	for range 3 {
		go func() { started <- struct{}{}; <-stop; ended <- struct{}{} }()
	}
	pprof.SetGoroutineLabels(t.Context())
	for range 3 {
		<-started
	}
	var l leakScan
	require.Empty(t, l.scan("worker", map[string]int{"mail": 1}), "they may be about to end")
	require.Equal(t, []string{"mail"}, l.scan("worker", map[string]int{"mail": 1}))
	require.Equal(t, map[string]int{"mail": 2}, l.leaked)
	require.Empty(t, l.scan("worker", map[string]int{"mail": 1}), "said once")
	require.Empty(t, (&leakScan{}).scan("other", nil))
	close(stop)
	for range 3 {
		<-ended
	}
	require.Eventually(t, func() bool { runtime.Gosched(); return labelled("worker")["mail"] == 0 }, 10*time.Second, time.Millisecond)
	require.Empty(t, l.scan("worker", nil))
	require.Empty(t, l.leaked)
}
