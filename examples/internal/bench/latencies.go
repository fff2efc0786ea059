package bench

import (
	"math/bits"
	"time"
)

// Latencies is a histogram of durations with a relative error below 1 %, in
// the manner of HdrHistogram: 128 linear steps in every power of two. The zero
// value is empty. It is not safe for concurrent use: give each caller its own
// and Merge them.
type Latencies struct {
	counts [steps * (64 - stepBits)]int64
	total  int64
	max    time.Duration
}

const (
	stepBits = 7
	steps    = 1 << stepBits
)

// bucket numbers the step that a value in nanoseconds falls into.
func bucket(value uint64) int {
	shift := max(bits.Len64(value)-stepBits-1, 0)
	return shift<<stepBits + int(value>>shift)
}

// middle is the value a bucket stands for.
func middle(bucket int) time.Duration {
	shift := max(bucket>>stepBits-1, 0)
	low := uint64(bucket-shift<<stepBits) << shift
	return time.Duration(low + (uint64(1)<<shift)/2)
}

// Add counts one duration; a negative one counts as zero.
func (l *Latencies) Add(d time.Duration) {
	d = max(d, 0)
	l.counts[bucket(uint64(d))]++
	l.total++
	l.max = max(l.max, d)
}

// Merge adds what another histogram counted; nil adds nothing.
func (l *Latencies) Merge(other *Latencies) {
	if other == nil {
		return
	}
	for i, n := range other.counts {
		l.counts[i] += n
	}
	l.total += other.total
	l.max = max(l.max, other.max)
}

// Count is how many durations were added.
func (l *Latencies) Count() int64 { return l.total }

// Quantile returns the duration that a part q (0 to 1) of all stay at or below;
// zero when nothing was added.
func (l *Latencies) Quantile(q float64) time.Duration {
	if l.total == 0 {
		return 0
	}
	rank := min(max(int64(q*float64(l.total)), 0), l.total-1)
	for i, n := range l.counts {
		if rank < n {
			return min(middle(i), l.max)
		}
		rank -= n
	}
	return l.max
}
