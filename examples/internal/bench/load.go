package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Load says how hard an operation is driven.
type Load struct {
	Callers  int           // goroutines that call without pause, at least 1
	Duration time.Duration // how long they go on
	Warmup   time.Duration // before the measurement begins; its calls are not counted
	MaxOps   int64         // stop after so many measured calls; 0 no limit
}

// Sample is what one run of a load measured.
type Sample struct {
	Ops       int64 // calls that succeeded
	Errors    int64 // calls that failed
	FirstErr  error // the first failure, if any
	Elapsed   time.Duration
	Latencies *Latencies // of the successful calls
}

// OpsPerSecond is the throughput of the successful calls.
func (s Sample) OpsPerSecond() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Ops) / s.Elapsed.Seconds()
}

// Run drives operation with the load. Every caller has a number from 0 on. A
// call that is under way when the time is over is waited for, and counts: a slow
// operation must not look better because it was cut off. For the same reason
// every caller calls at least once, however short the time, as long as MaxOps
// leaves a call to it.
func Run(ctx context.Context, load Load, operation func(ctx context.Context, caller int) error) (Sample, error) {
	if load.Callers < 1 || load.Duration <= 0 && load.MaxOps <= 0 {
		return Sample{}, fmt.Errorf("bench: a load needs callers (%d) and a duration (%v) or a number of calls", load.Callers, load.Duration)
	}
	if load.Warmup > 0 {
		if _, err := run(ctx, Load{Callers: load.Callers, Duration: load.Warmup}, operation); err != nil {
			return Sample{}, err
		}
	}
	return run(ctx, load, operation)
}

func run(ctx context.Context, load Load, operation func(ctx context.Context, caller int) error) (Sample, error) {
	var (
		started atomic.Int64
		over    atomic.Bool
		callers sync.WaitGroup
		samples = make([]Sample, load.Callers)
		begin   = make(chan struct{})
		timer   *time.Timer
		tooMany = func() bool { return load.MaxOps > 0 && started.Add(1) > load.MaxOps }
	)
	for caller := range load.Callers {
		callers.Go(func() {
			own := Sample{Latencies: new(Latencies)}
			<-begin
			start := time.Now() // of this call, which is the end of the one before: reading a clock is not always cheap
			for first := true; (first || !over.Load()) && ctx.Err() == nil && !tooMany(); first = false {
				err := operation(ctx, caller)
				end := time.Now()
				if err == nil {
					own.Ops++
					own.Latencies.Add(end.Sub(start))
				} else if own.Errors++; own.FirstErr == nil {
					own.FirstErr = err
				}
				start = end
			}
			samples[caller] = own
		})
	}
	start := time.Now()
	if load.Duration > 0 {
		timer = time.AfterFunc(load.Duration, func() { over.Store(true) })
		defer timer.Stop()
	}
	close(begin)
	callers.Wait()

	total := Sample{Elapsed: time.Since(start), Latencies: new(Latencies)}
	for _, own := range samples {
		total.Ops += own.Ops
		total.Errors += own.Errors
		total.Latencies.Merge(own.Latencies)
		if total.FirstErr == nil {
			total.FirstErr = own.FirstErr
		}
	}
	return total, ctx.Err()
}
