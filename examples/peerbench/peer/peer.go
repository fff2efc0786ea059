// Package peer is the frame of a comparison with other libraries: an Area has
// Cases, a Case has Subjects, and Run measures the subjects of each case in turns.
package peer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
)

// Area is a field of comparison, such as "session".
type Area struct {
	Name string
	// Open starts what the cases need (servers, data) and returns them with a
	// function that ends it all. It adds versions and settings to the environment.
	Open func(ctx context.Context, environment *bench.Environment) (cases []Case, closeAll func() error, err error)
}

// Case is one thing that all its subjects do.
type Case struct {
	Name     string
	Callers  []int // the numbers of callers measured unless the run narrows them
	Subjects []Subject
	// Warm, when it is set, runs before the first round of each number of callers: what a server does only at
	// first, such as to compile its own code, is then no subject's loss. It must treat the subjects alike.
	Warm func(ctx context.Context) error
}

// Subject is a library, ours or another, or the floor under all of them.
type Subject struct {
	Name string
	// Measure drives the subject with the load, and checks its own results:
	// anything lost or wrong is an error, not a figure.
	Measure func(ctx context.Context, load bench.Load) (Sample, error)
}

// Sample is a measured run.
type Sample struct {
	bench.Sample
	RoundTrips float64 // to the server, per operation; -1 not counted
}

// Result is a line of the report.
type Result struct {
	Area    string `json:"area"`
	Case    string `json:"case"`
	Subject string `json:"subject"`
	Callers int    `json:"callers"`
	bench.Summary
	RoundTripsPerOp *float64 `json:"round_trips_per_op,omitempty"`
}

// Settings narrow a run. The zero value measures everything.
type Settings struct {
	Cases    []string // names; none means all
	Callers  []int    // none means those of the case
	Duration time.Duration
	Warmup   time.Duration
	Rounds   int
	// After is called after each finished round, done of total; it may be nil.
	After func(done, total int, what string)
}

// Run measures cases of an area and returns a result for each subject and number of callers.
func Run(ctx context.Context, area string, cases []Case, settings Settings) ([]Result, error) {
	for _, name := range settings.Cases {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Name == name }) {
			return nil, fmt.Errorf("peerbench: area %s has no case %q; it has %s", area, name, names(cases))
		}
	}
	type step struct {
		Case
		callers int
	}
	var steps []step
	total := 0
	for _, c := range cases {
		if len(settings.Cases) > 0 && !slices.Contains(settings.Cases, c.Name) {
			continue
		}
		counts := c.Callers
		if len(settings.Callers) > 0 {
			counts = settings.Callers
		}
		for _, callers := range counts {
			steps = append(steps, step{c, callers})
			total += settings.Rounds * len(c.Subjects)
		}
	}

	var results []Result
	done := 0
	for _, step := range steps {
		roundTrips := map[string]float64{}
		subjects := make([]bench.Subject, len(step.Subjects))
		for i, subject := range step.Subjects {
			subjects[i] = bench.Subject{Name: subject.Name, Measure: func(ctx context.Context) (bench.Sample, error) {
				sample, err := subject.Measure(ctx, bench.Load{Callers: step.callers, Duration: settings.Duration, Warmup: settings.Warmup})
				if err == nil && sample.Errors > 0 {
					err = fmt.Errorf("%d of %d calls failed, the first with: %w", sample.Errors, sample.Errors+sample.Ops, sample.FirstErr)
				}
				if err == nil && sample.Ops == 0 {
					err = errors.New("no call ended in time")
				}
				roundTrips[subject.Name] = sample.RoundTrips
				return sample.Sample, err
			}}
		}
		if step.Warm != nil {
			if err := step.Warm(ctx); err != nil {
				return results, fmt.Errorf("%s, warm-up: %w", step.Name, err)
			}
		}
		samples, err := bench.Interleave(ctx, settings.Rounds, subjects, func(round bench.Round) {
			done++
			if settings.After != nil {
				settings.After(done, total, fmt.Sprintf("%s, %d callers, %s", step.Name, step.callers, round.Subject))
			}
		})
		if err != nil {
			return results, fmt.Errorf("%s, %d callers: %w", step.Name, step.callers, err)
		}
		for _, subject := range step.Subjects {
			result := Result{Area: area, Case: step.Name, Subject: subject.Name, Callers: step.callers, Summary: bench.Summarize(samples[subject.Name])}
			if trips := roundTrips[subject.Name]; trips >= 0 {
				result.RoundTripsPerOp = &trips
			}
			results = append(results, result)
		}
	}
	return results, nil
}

func names(cases []Case) []string {
	var all []string
	for _, c := range cases {
		all = append(all, c.Name)
	}
	return all
}
