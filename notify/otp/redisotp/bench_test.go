package redisotp_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest/redistest"
	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/seed82d84382/commerce/notify/otp/redisotp"
	"github.com/stretchr/testify/require"
)

// BenchmarkTiming measures right and wrong guesses in turns, and reports the medians and
// Welch's t of their times without the slowest tenth (Reparaz et al., "Dude, is my code
// constant time?", 2017, which takes |t| above 4.5 as a difference that can be measured).
func BenchmarkTiming(b *testing.B) {
	c := redistest.Connect(b, testenvtest.RedisURL(b, testenvtest.Redis(b)))
	store, err := redisotp.New(c, nil)
	require.NoError(b, err)
	set := options()
	set.GuessesPerTarget = otp.Limit{Max: 1 << 30, Window: time.Hour}
	codes, err := otp.New(store, set)
	require.NoError(b, err)
	var times [2][]float64
	for i := range b.N {
		code, err := codes.Issue(b.Context(), login)
		require.NoError(b, err)
		right := i % 2
		value := code.Value
		if right == 0 {
			value = wrong(value)
		}
		attempt := guess(login, value)
		begun := time.Now()
		err = codes.Verify(b.Context(), attempt)
		took := time.Since(begun)
		if right == 1 && err != nil || right == 0 && !errors.Is(err, otp.ErrMismatch) {
			b.Fatal(err)
		}
		times[right] = append(times[right], float64(took))
	}
	var mean, variance [2]float64
	for i, all := range times {
		if len(all) < 20 {
			return // the first, short rounds of a benchmark
		}
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], []string{"wrong-ns", "right-ns"}[i])
		all = all[:len(all)*9/10]
		for _, v := range all {
			mean[i] += v / float64(len(all))
		}
		for _, v := range all {
			variance[i] += (v - mean[i]) * (v - mean[i]) / float64(len(all)-1)
		}
		variance[i] /= float64(len(all))
	}
	b.ReportMetric((mean[1]-mean[0])/math.Sqrt(variance[0]+variance[1]), "t")
}

// BenchmarkVerify is 64 callers that guess wrongly, each at codes of its own.
func BenchmarkVerify(b *testing.B) {
	const callers = 64
	o, err := redis.ParseURL(testenvtest.RedisURL(b, testenvtest.Redis(b)))
	require.NoError(b, err)
	o.PoolSize = callers
	c := redis.NewClient(o)
	defer c.Close()
	store, err := redisotp.New(c, nil)
	require.NoError(b, err)
	set := options()
	set.Attempts = 100
	set.GuessesPerTarget, set.GuessesPerIP = otp.Limit{Max: 1 << 30, Window: time.Hour}, otp.Limit{Max: 1 << 30, Window: time.Hour}
	codes, err := otp.New(store, set)
	require.NoError(b, err)
	guesses := make([]otp.Attempt, max(1, (b.N+98)/99))
	for i := range guesses {
		r := login
		r.Target, r.IP = fmt.Sprintf("+86138%08d", i), fmt.Sprintf("192.0.2.%d", i%200)
		code, err := codes.Issue(b.Context(), r)
		require.NoError(b, err)
		guesses[i] = guess(r, wrong(code.Value))
	}
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				if err := codes.Verify(b.Context(), guesses[int(i)%len(guesses)]); !errors.Is(err, otp.ErrMismatch) {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "guesses/s")
}
