package bench

import (
	"context"
	"fmt"
	"slices"
)

// Subject is one of the things compared.
type Subject struct {
	Name string
	// Measure runs the subject once. What it sets up for the run it takes down again.
	Measure func(ctx context.Context) (Sample, error)
}

// Round is one measurement of a subject.
type Round struct {
	Subject string
	Sample  Sample
}

// Interleave measures every subject once a round, in turns, so that a machine that
// warms up, throttles or is disturbed treats them alike: every second round goes
// backwards, so that nobody always comes before another, and each pair of rounds begins with another subject.
// after is called with each finished round and may be nil.
func Interleave(ctx context.Context, rounds int, subjects []Subject, after func(Round)) (map[string][]Sample, error) {
	samples := make(map[string][]Sample, len(subjects))
	for round := range rounds {
		for turn := range subjects {
			if round%2 == 1 {
				turn = len(subjects) - 1 - turn
			}
			subject := subjects[(round/2+turn)%len(subjects)]
			sample, err := subject.Measure(ctx)
			if err != nil {
				return samples, fmt.Errorf("bench: %s, round %d: %w", subject.Name, round+1, err)
			}
			samples[subject.Name] = append(samples[subject.Name], sample)
			if after != nil {
				after(Round{Subject: subject.Name, Sample: sample})
			}
		}
	}
	return samples, nil
}

// Summary is the median round of a subject, with the spread of all its rounds.
type Summary struct {
	OpsPerSecond float64 `json:"ops_per_s"`
	Min          float64 `json:"min"` // operations per second of the slowest round
	Max          float64 `json:"max"` // of the fastest
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
}

// Summarize returns the median by throughput, and quantiles over the latencies
// of all rounds together.
func Summarize(samples []Sample) Summary {
	if len(samples) == 0 {
		return Summary{}
	}
	rates := make([]float64, len(samples))
	all := new(Latencies)
	for i, sample := range samples {
		rates[i] = sample.OpsPerSecond()
		all.Merge(sample.Latencies)
	}
	slices.Sort(rates)
	median := rates[len(rates)/2]
	if len(rates)%2 == 0 {
		median = (rates[len(rates)/2-1] + rates[len(rates)/2]) / 2
	}
	return Summary{
		OpsPerSecond: median,
		Min:          rates[0],
		Max:          rates[len(rates)-1],
		P50:          float64(all.Quantile(0.50).Nanoseconds()) / 1e6,
		P99:          float64(all.Quantile(0.99).Nanoseconds()) / 1e6,
	}
}
