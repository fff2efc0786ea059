package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/internal/testenv"
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
	return briefly(t, args...).Results
}

func briefly(t *testing.T, args ...string) report {
	t.Helper()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	jsonFile, htmlFile := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	err := run(t.Context(), append(args, "-duration=50ms", "-warmup=10ms", "-rounds=1", "-json="+jsonFile, "-html="+htmlFile), &stdout, &stderr)
	require.NoError(t, err)
	reports, err := readReports([]string{jsonFile})
	require.NoError(t, err)
	report := reports[0]
	require.NotEmpty(t, report.Environment.Go)
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
	return report
}

func TestMemory(t *testing.T) {
	t.Parallel()
	require.Len(t, brief(t, "-db=memory", "-workload=all", "-strategy=grouped,conditional", "-callers=1,8"), 2*2*len(workloads))
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	require.Len(t, brief(t, "-db=sqlite", "-workload=hot,soldout", "-callers=4"), 2*(len(strategies)-1+len(floors)))
}

func TestSQLiteFromSeveralProcesses(t *testing.T) {
	t.Parallel()
	results := brief(t, "-db=sqlite", "-strategy=grouped", "-callers=2", "-processes=2")
	require.Len(t, results, 1)
	require.Equal(t, 2, results[0].Processes)
}

func TestGivenDatabases(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(testing.TB) *testenv.Server{"mariadb": testenvtest.MariaDB, "postgres": testenvtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := testenvtest.Database(t, server(t))
			results := brief(t, "-db="+dsn, "-workload=multiline,unsorted,soldout", "-callers=4", "-delay=1ms")
			require.Len(t, results, 3*len(strategies))
			for _, r := range brief(t, "-db="+dsn, "-workload=hot", "-callers=2", "-processes=2", "-strategy=grouped,pessimistic,textbook") {
				require.Equal(t, name, r.DB)
				require.Equal(t, 2, r.Processes)
			}
		})
	}
}

// TestServersOfItsOwn: what the flags say of a server is what it says of itself.
func TestServersOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		program, debian string // in PATH; else testenv finds it
		args            []string
		settings        map[string]string
	}{
		{"mariadbd", "mariadb-server", []string{"-db=mariadb", "-binlog", "-isolation=serializable"},
			map[string]string{"log_bin": "ON", "sync_binlog": "1", "tx_isolation": "SERIALIZABLE", "innodb_flush_log_at_trx_commit": "1"}},
		{"", "", []string{"-db=mysql", "-binlog", "-isolation=read-uncommitted", "-delay=1ms"},
			map[string]string{"log_bin": "ON", "sync_binlog": "1", "transaction_isolation": "READ-UNCOMMITTED", "round trip": "longer by 1ms"}},
		{"", "", []string{"-db=postgres", "-isolation=repeatable-read", "-delay=1ms"},
			map[string]string{"synchronous_commit": "on", "fsync": "on", "default_transaction_isolation": "repeatable read"}},
	} {
		t.Run(test.args[0], func(t *testing.T) {
			t.Parallel()
			if test.program != "" {
				testenvtest.Program(t, test.program, test.debian)
			} else if !testenv.MySQLArtifact.Present() {
				testenvtest.Skip(t, "MySQL is not there; get it with: go run ./internal/cmd/getservers")
			}
			r := briefly(t, append(test.args, "-strategy=pessimistic,grouped", "-callers=2")...)
			require.Len(t, r.Results, 3+len(floors))
			for name, value := range test.settings {
				require.Equal(t, value, r.Environment.Settings[name], name)
			}
		})
	}
}

func TestReportOfSeveralRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var paths []string
	for n, r := range []report{
		{Results: []Result{{DB: "mariadb", Strategy: "pessimistic", Workload: "hot", Callers: 8, Processes: 1, Summary: bench.Summary{OpsPerSecond: 100}, OK: true}}},
		{Results: []Result{{DB: "sqlite", Strategy: "grouped", Workload: "zipf", Callers: 8, Processes: 1, OK: true}}},
	} {
		r.Environment = bench.Environment{Versions: map[string]string{"db": fmt.Sprint("v", n)}, Settings: map[string]string{"same": "value"}}
		paths = append(paths, filepath.Join(dir, fmt.Sprint(n)))
		require.NoError(t, bench.WriteJSON(paths[n], r.Environment, r.Results))
	}
	reports, err := readReports(paths)
	require.NoError(t, err)
	p := page(reports)
	require.Equal(t, []string{"MariaDB: hot", "SQLite: zipf"}, []string{p.Sections[0].Title, p.Sections[1].Title})
	require.Equal(t, map[string]string{"same": "value"}, p.Environment.Settings)
	require.Empty(t, p.Environment.Versions)
	require.Contains(t, p.Sections[1].Text, "Here: db v1.")
	reports[1].Environment.Settings["keys"] = randomKeys
	require.Equal(t, "SQLite, random keys: zipf", page(reports).Sections[1].Title)

	var stdout bytes.Buffer
	html := filepath.Join(dir, "all.html")
	require.NoError(t, run(t.Context(), []string{"-from=" + strings.Join(paths, ","), "-html=" + html}, &stdout, new(bytes.Buffer)))
	require.Contains(t, stdout.String(), "grouped")
	require.FileExists(t, html)
	require.NoError(t, os.WriteFile(paths[0], []byte("{}"), 0o600))
	_, err = readReports(paths)
	require.ErrorContains(t, err, "no report of lockbench")
}

func TestTableComparesWithinALoad(t *testing.T) {
	t.Parallel()
	result := func(strategy string, callers int, rate float64) Result {
		return Result{Strategy: strategy, Workload: "hot", Callers: callers, Processes: 1, Summary: bench.Summary{OpsPerSecond: rate}}
	}
	rows := table([]Result{result("pessimistic", 1, 100), result("grouped", 1, 250), result(floors[0].name, 1, 500), result("grouped", 8, 70)})
	require.Equal(t, head, rows[0])
	ratio := slices.Index(head, "ratio")
	require.Equal(t, []string{"1.00", "2.50", ""}, []string{rows[1][ratio], rows[2][ratio], rows[3][ratio]})
	require.Empty(t, rows[4], "another load is set apart")
	require.Empty(t, rows[5][ratio], "nothing to compare with")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	for process, form := range []string{orderNumbers, orderNumbers, randomKeys} {
		key, keys := newKeys(form, "a", process), make([]string, 1000)
		for n := range keys {
			keys[n] = key()
			require.NotContains(t, made, keys[n])
			made[keys[n]] = true
		}
		require.Equal(t, form == orderNumbers, slices.IsSorted(keys))
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arg, message string }{
		{"-db=oracle", "-db"},
		{"-strategy=hope", `-strategy: there is no "hope"; there are: textbook, pessimistic, optimistic`},
		{"-workload=", "-workload: none given"},
		{"-callers=0", `-callers: "0"`},
		{"-callers=", "-callers: none given"},
		{"-rounds=0", "-rounds"},
		{"-processes=-1", "-processes"},
		{"-keys=none", `-keys: there is no "none"; there are: numbers, random`},
		{"-isolation=some", `-isolation: there is no "SOME"`},
		{"surplus", `found "surplus"`},
	} {
		_, err := parse([]string{test.arg}, new(bytes.Buffer))
		require.ErrorContains(t, err, test.message)
	}
	_, err := parse([]string{"-db=sqlite", "-strategy=textbook"}, nil)
	require.ErrorContains(t, err, `there is no "textbook"`)
	_, err = parse([]string{"-db=memory", "-delay=1ms"}, nil)
	require.ErrorContains(t, err, "no network")
	_, err = parse([]string{"-db=memory", "-processes=2"}, nil)
	require.ErrorContains(t, err, "belongs to one process")
	_, err = parse([]string{"-db=sqlite", "-binlog"}, nil)
	require.ErrorContains(t, err, "a server that lockbench starts")
	_, err = parse([]string{"-db=postgres", "-binlog"}, nil)
	require.ErrorContains(t, err, "no binary log")
	for _, dsn := range []string{"user:secret@tcp(", "postgres://user:secret@host:port/shop", "postgres://user:secret@host"} {
		_, err = parse([]string{"-db=" + dsn}, nil)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
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
