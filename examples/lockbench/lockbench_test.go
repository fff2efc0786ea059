package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// TestMain makes the test binary one of the processes of a run when a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv(memberVariable) != "" {
		if err := member(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// brief runs the command with a JSON and an HTML file and returns its results.
func brief(t *testing.T, args ...string) []Result {
	t.Helper()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	jsonFile, htmlFile := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	err := run(t.Context(), append(args, "-duration=50ms", "-warmup=10ms", "-rounds=1", "-json="+jsonFile, "-html="+htmlFile), &stdout, &stderr)
	require.NoError(t, err)
	content, err := os.ReadFile(jsonFile)
	require.NoError(t, err)
	var report struct {
		Environment map[string]any
		Results     []Result
	}
	require.NoError(t, json.Unmarshal(content, &report))
	require.NotEmpty(t, report.Environment["go"])
	html, err := os.ReadFile(htmlFile)
	require.NoError(t, err)
	require.Contains(t, string(html), "<polyline")
	for _, r := range report.Results {
		require.Contains(t, stdout.String(), r.Strategy)
		require.True(t, r.OK, "%+v", r)
		require.Positive(t, r.OpsPerSecond)
		require.Positive(t, r.Acknowledged)
		require.Equal(t, r.Acknowledged, r.StockDecrement)
		require.Equal(t, r.Acknowledged, r.LedgerSum)
		require.Zero(t, r.Oversold)
	}
	return report.Results
}

func TestMemory(t *testing.T) {
	t.Parallel()
	require.Len(t, brief(t, "-db=memory", "-workload=all", "-strategy=grouped,conditional", "-callers=1,8"), 2*2*len(workloads))
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	require.Len(t, brief(t, "-db=sqlite", "-workload=hot,soldout", "-callers=4"), 2*(len(strategies)+len(floors)))
}

func TestSQLiteFromSeveralProcesses(t *testing.T) {
	t.Parallel()
	results := brief(t, "-db=sqlite", "-strategy=grouped", "-callers=2", "-processes=2")
	require.Len(t, results, 1)
	require.Equal(t, 2, results[0].Processes)
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	dsn := testenvtest.Database(t, testenvtest.MariaDB(t))
	results := brief(t, "-db="+dsn, "-workload=multiline,unsorted", "-callers=4", "-delay=1ms")
	require.Len(t, results, 2*len(strategies))
	for _, r := range brief(t, "-db="+dsn, "-workload=hot", "-callers=2", "-processes=2", "-strategy=grouped,pessimistic") {
		require.Equal(t, 2, r.Processes)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arg, message string }{
		{"-db=oracle", "-db"},
		{"-strategy=hope", `-strategy: there is no "hope"; there are: pessimistic, optimistic`},
		{"-workload=", "-workload: none given"},
		{"-callers=0", `-callers: "0"`},
		{"-callers=", "-callers: none given"},
		{"-rounds=0", "-rounds"},
		{"-processes=-1", "-processes"},
		{"-isolation=some", `-isolation: there is no "SOME"`},
		{"surplus", `found "surplus"`},
	} {
		_, err := parse([]string{test.arg}, new(bytes.Buffer))
		require.ErrorContains(t, err, test.message)
	}
	_, err := parse([]string{"-db=memory", "-delay=1ms"}, nil)
	require.ErrorContains(t, err, "no network")
	_, err = parse([]string{"-db=memory", "-processes=2"}, nil)
	require.ErrorContains(t, err, "belongs to one process")
	_, err = parse([]string{"-db=sqlite", "-binlog"}, nil)
	require.ErrorContains(t, err, "a server that lockbench starts")
	_, err = parse([]string{"-db=user:secret@tcp("}, nil)
	require.NotContains(t, err.Error(), "secret")
}

func TestBooksThatDoNotBalance(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		told        outcome
		gone        books
		differences []inventory.Difference
	}{
		"a unit is lost":   {outcome{Ops: 5, Acknowledged: 5}, books{4, 4, 0}, nil},
		"a ledger row is":  {outcome{Ops: 5, Acknowledged: 5}, books{5, 4, 0}, nil},
		"oversold":         {outcome{Ops: 5, Acknowledged: 5}, books{5, 5, 1}, nil},
		"calls failed":     {outcome{Ops: 5, Acknowledged: 5, Errors: 1}, books{5, 5, 0}, nil},
		"nothing was done": {outcome{}, books{}, nil},
		"a level differs":  {outcome{Ops: 5, Acknowledged: 5}, books{5, 5, 0}, []inventory.Difference{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Result{OK: true}
			r.add(test.told, test.gone, test.differences)
			require.False(t, r.OK)
			require.NotEmpty(t, r.Trouble)
			require.Error(t, verdict([]Result{r}))
		})
	}
	r := Result{OK: true}
	r.add(outcome{Ops: 5, Acknowledged: 5}, books{5, 5, 0}, nil)
	require.NoError(t, verdict([]Result{r}))
}
