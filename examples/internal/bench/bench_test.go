package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunCountsEveryCall(t *testing.T) {
	var calls atomic.Int64
	sample, err := Run(t.Context(), Load{Callers: 4, MaxOps: 1000}, func(context.Context, int) error {
		if calls.Add(1)%10 == 0 {
			return errors.New("every tenth fails")
		}
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, 1000, calls.Load())
	require.EqualValues(t, 900, sample.Ops)
	require.EqualValues(t, 100, sample.Errors)
	require.EqualError(t, sample.FirstErr, "every tenth fails")
	require.EqualValues(t, 900, sample.Latencies.Count())
}

// However short the time, each caller has one call to show: without one there
// would be nothing to report of a slow subject.
func TestRunCallsOnceAtLeast(t *testing.T) {
	var calls [3]atomic.Int64
	sample, err := Run(t.Context(), Load{Callers: 3, Duration: 1}, func(_ context.Context, caller int) error { calls[caller].Add(1); return nil })
	require.NoError(t, err)
	for caller := range calls {
		require.Positive(t, calls[caller].Load(), "caller %d", caller)
	}
	require.GreaterOrEqual(t, sample.Ops, int64(3))
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, Load{Callers: 2, Duration: time.Hour}, func(context.Context, int) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestRunRefusesAnEndlessLoad(t *testing.T) {
	_, err := Run(t.Context(), Load{Callers: 1}, nil)
	require.Error(t, err)
	_, err = Run(t.Context(), Load{MaxOps: 1}, nil)
	require.Error(t, err)
}

func TestLatenciesAreExactToOnePercent(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 127, 128, 255, 256, 1000, 99_999, time.Millisecond, time.Second, time.Hour, 1<<63 - 1} {
		l := new(Latencies)
		l.Add(d)
		l.Add(1<<63 - 1) // keeps Max from correcting the bucket
		require.InEpsilon(t, float64(d)+1, float64(l.Quantile(0))+1, 0.01, "%d", d)
	}
	l := new(Latencies)
	for i := range 1000 {
		l.Add(time.Duration(i+1) * time.Millisecond)
	}
	require.InEpsilon(t, float64(500*time.Millisecond), float64(l.Quantile(0.5)), 0.01)
	require.InEpsilon(t, float64(990*time.Millisecond), float64(l.Quantile(0.99)), 0.01)
	require.Equal(t, time.Second, l.Quantile(1))
	require.Zero(t, new(Latencies).Quantile(0.5))
}

func TestLatenciesTravelAsJSON(t *testing.T) {
	l := new(Latencies)
	for _, d := range []time.Duration{0, 1000, 1000, time.Second} {
		l.Add(d)
	}
	text, err := json.Marshal(l)
	require.NoError(t, err)
	read := new(Latencies)
	require.NoError(t, json.Unmarshal(text, read))
	require.Equal(t, l, read)
	require.Error(t, json.Unmarshal([]byte(`{"counts": {"-1": 2}}`), read))
}

func TestInterleaveTakesTurns(t *testing.T) {
	var order strings.Builder
	subject := func(name string) Subject {
		return Subject{Name: name, Measure: func(context.Context) (Sample, error) {
			order.WriteString(name)
			return Sample{Ops: 1, Elapsed: time.Second, Latencies: new(Latencies)}, nil
		}}
	}
	samples, err := Interleave(t.Context(), 4, []Subject{subject("a"), subject("b"), subject("c")}, nil)
	require.NoError(t, err)
	require.Equal(t, "abccbabcaacb", order.String())
	require.Len(t, samples["b"], 4)

	failing := Subject{Name: "bad", Measure: func(context.Context) (Sample, error) { return Sample{}, errors.New("broken") }}
	_, err = Interleave(t.Context(), 1, []Subject{failing}, nil)
	require.ErrorContains(t, err, "bad, round 1: broken")
}

func TestSummarizeTakesTheMedian(t *testing.T) {
	rate := func(ops int64) Sample { return Sample{Ops: ops, Elapsed: time.Second, Latencies: new(Latencies)} }
	summary := Summarize([]Sample{rate(300), rate(100), rate(200)})
	require.Equal(t, Summary{OpsPerSecond: 200, Min: 100, Max: 300}, summary)
	require.InDelta(t, 150, Summarize([]Sample{rate(100), rate(200)}).OpsPerSecond, 0.001)
	require.Zero(t, Summarize(nil))
}

func TestReportsAreWholeAndEscaped(t *testing.T) {
	dir := t.TempDir()
	environment := Describe()
	require.NotEmpty(t, environment.Go)

	path := filepath.Join(dir, "r.json")
	require.NoError(t, WriteJSON(path, environment, []Summary{{OpsPerSecond: 1}}))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var read struct {
		Environment Environment
		Results     []map[string]float64
	}
	require.NoError(t, json.Unmarshal(content, &read))
	require.Equal(t, environment.Go, read.Environment.Go)
	require.InDelta(t, 1, read.Results[0]["ops_per_s"], 0)

	page := Page{Title: "A <b> & c", Environment: environment, Sections: []Section{{
		Title: "Plots",
		Plots: []Plot{
			{Title: "</svg><script>", Lines: []Line{{Name: "<i>", Points: []Point{{X: 1, Y: 10, Low: 8, High: 12}, {X: 64, Y: 100}, {X: 0, Y: 5}}}}},
			{Title: "empty"},
		},
		Table: [][]string{{"head"}, {"<td>"}},
	}}}
	path = filepath.Join(dir, "r.html")
	require.NoError(t, WriteHTML(path, page))
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(content), "<script>")
	require.NotContains(t, string(content), "NaN")
	require.NotContains(t, string(content), "Inf")
	require.Contains(t, string(content), "A &lt;b&gt; &amp; c")

	require.Error(t, WriteJSON(filepath.Join(dir, "no", "such", "dir"), environment, nil))
}

func TestTableAndFigures(t *testing.T) {
	var out strings.Builder
	require.NoError(t, Table(&out, [][]string{{"a", "b"}, {"long cell", "1"}}))
	require.Equal(t, "          a  b\n  long cell  1\n", out.String())
	require.Equal(t, []string{"7", "1.2k", "123k"}, []string{Rate(7), Rate(1234), Rate(123456)})
	require.Equal(t, []string{"0.012", "1.2", "123"}, []string{Milliseconds(0.0123), Milliseconds(1.23), Milliseconds(123)})
}
