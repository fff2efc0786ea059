package peer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/internal/bench"
)

func subject(name string, roundTrips float64, operation func() error) Subject {
	return Subject{Name: name, Measure: func(ctx context.Context, load bench.Load) (Sample, error) {
		load.MaxOps, load.Duration = 10, 0
		sample, err := bench.Run(ctx, load, func(context.Context, int) error { return operation() })
		return Sample{Sample: sample, RoundTrips: roundTrips}, err
	}}
}

func works() error { return nil }

func TestRunMeasuresEverySubjectAtEveryNumberOfCallers(t *testing.T) {
	cases := []Case{
		{Name: "read", Callers: []int{1, 4}, Subjects: []Subject{subject("ours", 1, works), subject("floor", -1, works)}},
		{Name: "write", Callers: []int{1}, Subjects: []Subject{subject("ours", 2, works)}},
	}
	steps := 0
	results, err := Run(t.Context(), "test", cases, Settings{Duration: time.Second, Rounds: 2, After: func(done, total int, _ string) {
		steps++
		require.Equal(t, steps, done)
		require.Equal(t, 10, total)
	}})
	require.NoError(t, err)
	require.Equal(t, 10, steps)
	require.Len(t, results, 5)
	require.InDelta(t, 1, *results[0].RoundTripsPerOp, 0)
	require.Nil(t, results[1].RoundTripsPerOp)

	results, err = Run(t.Context(), "test", cases, Settings{Cases: []string{"write"}, Callers: []int{8}, Duration: time.Second, Rounds: 1})
	require.NoError(t, err)
	require.Len(t, results, 1)
	require.Equal(t, 8, results[0].Callers)
}

func TestRunRefusesFiguresOfBrokenSubjects(t *testing.T) {
	broken := []Case{{Name: "read", Callers: []int{1}, Subjects: []Subject{subject("bad", 1, func() error { return errors.New("wrong answer") })}}}
	_, err := Run(t.Context(), "test", broken, Settings{Duration: time.Second, Rounds: 1})
	require.ErrorContains(t, err, "10 of 10 calls failed, the first with: wrong answer")

	_, err = Run(t.Context(), "test", broken, Settings{Cases: []string{"raed"}, Rounds: 1})
	require.ErrorContains(t, err, `no case "raed"; it has [read]`)
}

func TestRunWarmsUpBeforeEachNumberOfCallers(t *testing.T) {
	var order []string
	note := func(what string) error { order = append(order, what); return nil }
	cases := []Case{{Name: "read", Callers: []int{1, 2}, Warm: func(context.Context) error { return note("warm") },
		Subjects: []Subject{{Name: "ours", Measure: func(ctx context.Context, load bench.Load) (Sample, error) {
			load.MaxOps, load.Duration, load.Callers = 1, 0, 1
			sample, err := bench.Run(ctx, load, func(context.Context, int) error { return note("measured") })
			return Sample{Sample: sample}, err
		}}}}}
	_, err := Run(t.Context(), "test", cases, Settings{Duration: time.Second, Rounds: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"warm", "measured", "measured", "warm", "measured", "measured"}, order)

	cases[0].Warm = func(context.Context) error { return errors.New("cold") }
	_, err = Run(t.Context(), "test", cases, Settings{Duration: time.Second, Rounds: 1})
	require.ErrorContains(t, err, "read, warm-up: cold")
}
