package notify

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// meters measure one kind in one worker. Recording takes no lock.
type meters struct {
	handled, failedCount atomic.Int64
	wait, run            histogram
}

func (m *meters) waited(d time.Duration) { m.wait.add(d) }

func (m *meters) ran(d time.Duration, err error) {
	m.run.add(d)
	if err == nil {
		m.handled.Add(1)
	} else {
		m.failedCount.Add(1)
	}
}

// histogram counts durations in buckets whose bounds are microseconds, four to each
// doubling, so that a quantile is at most a fifth too high.
type histogram struct {
	counts [4 * 40]atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	us := uint64(max(d, 0)/time.Microsecond) + 4
	exponent := bits.Len64(us) - 3 // us>>exponent is 4 to 7
	i := 4*exponent + int(us>>exponent) - 4
	h.counts[min(i, len(h.counts)-1)].Add(1)
}

// bound is the upper end of a bucket.
func bound(i int) time.Duration {
	return time.Duration(math.Ldexp(float64(i%4+5), i/4)-4) * time.Microsecond
}

// quantile returns the duration that the share q of all were below; 0 without any.
func (h *histogram) quantile(q float64) time.Duration {
	var counts [len(h.counts)]int64
	total := int64(0)
	for i := range counts {
		counts[i] = h.counts[i].Load()
		total += counts[i]
	}
	rank := int64(math.Ceil(q * float64(total)))
	for i, n := range counts {
		if rank -= n; rank <= 0 && total > 0 {
			return bound(i)
		}
	}
	return 0
}

// fade halves what was counted, so that the past weighs less and less.
func (h *histogram) fade() {
	for i := range h.counts {
		n := h.counts[i].Load()
		h.counts[i].Add(-(n + 1) / 2)
	}
}
