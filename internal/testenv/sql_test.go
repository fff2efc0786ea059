package testenv_test

import (
	"context"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

// sqlServers are the kinds of SQL servers, and how to connect to each.
var sqlServers = []struct {
	name    string
	start   func(context.Context, *testenv.Options) (*testenv.Server, error)
	shared  func(testing.TB) *testenv.Server
	private func(testing.TB, *testenv.Options) *testenv.Server
	open    func(*testing.T, string) *sql.DB
	port    func(port string) []string // arguments that move the server to a port
}{
	{"mariadb", testenv.MariaDB, testenvtest.MariaDB, testenvtest.PrivateMariaDB, openMariaDB, func(port string) []string { return []string{"--port", port} }},
	{"mysql", testenv.MySQL, testenvtest.MySQL, testenvtest.PrivateMySQL, openMariaDB, func(port string) []string { return []string{"--port", port} }},
	{"postgres", testenv.Postgres, testenvtest.Postgres, testenvtest.PrivatePostgres, openPostgres, func(port string) []string { return []string{"-p", port} }},
}

func openPostgres(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestSQLDatabasesAreEmptyAndSeparate(t *testing.T) {
	t.Parallel()
	for _, kind := range sqlServers {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			server := kind.shared(t)
			require.Same(t, server, kind.shared(t))
			for range 2 {
				db := kind.open(t, testenvtest.Database(t, server))
				_, err := db.ExecContext(t.Context(), "CREATE TABLE mine (n INT)")
				require.NoError(t, err)
			}
			dsn, drop, err := server.NewDatabase(t.Context())
			require.NoError(t, err)
			require.NoError(t, kind.open(t, dsn).PingContext(t.Context()))
			require.NoError(t, drop(t.Context()))
			require.Error(t, kind.open(t, dsn).PingContext(t.Context()))
		})
	}
}

func TestSQLServerOnThePortOfAnother(t *testing.T) {
	for _, kind := range sqlServers {
		t.Run(kind.name, func(t *testing.T) {
			temporary := t.TempDir() // for the log that is kept
			require.NoError(t, os.Chmod(filepath.Dir(temporary), 0o755), "PostgreSQL is nobody under root")
			t.Setenv("TMPDIR", temporary)
			ours, other := kind.private(t, nil), kind.private(t, nil)
			_, taken, err := net.SplitHostPort(other.Addr)
			require.NoError(t, err)
			_, err = kind.start(t.Context(), &testenv.Options{Args: kind.port(taken)})
			require.ErrorIs(t, err, testenv.ErrPortTaken, "the server's own words are known")

			require.NoError(t, testenv.Ready(t.Context(), ours))
			ours.Addr, ours.DSN = other.Addr, other.DSN
			require.ErrorContains(t, testenv.Ready(t.Context(), ours), "another server answers")
		})
	}
}

// TestSQLServerIsPausedKilledAndRestarted holds a connection in a query, so that
// a server that gives each a process of its own has one outside of its group.
func TestSQLServerIsPausedKilledAndRestarted(t *testing.T) {
	t.Parallel()
	for _, kind := range sqlServers {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			server := kind.private(t, nil)
			db := kind.open(t, testenvtest.Database(t, server))
			_, err := db.ExecContext(t.Context(), "CREATE TABLE kept (n INT PRIMARY KEY)")
			require.NoError(t, err)
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.PingContext(t.Context()))

			require.NoError(t, server.Pause())
			brief, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			_, err = conn.ExecContext(brief, "INSERT INTO kept VALUES (1)")
			cancel()
			require.Error(t, err, "it stands still")
			require.NoError(t, server.Resume())
			require.NoError(t, db.PingContext(t.Context()))

			before := processesIn(t, filepath.Dir(server.LogFile()))
			require.NotEmpty(t, before)
			require.NoError(t, server.Kill())
			require.Empty(t, processesIn(t, filepath.Dir(server.LogFile())), "of %v", before)
			require.NoError(t, server.Restart(t.Context()))
			_, err = db.ExecContext(t.Context(), "INSERT INTO kept VALUES (2)")
			require.NoError(t, err)
			require.NoError(t, server.Restart(t.Context()), "with an open connection")
			var kept int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM kept WHERE n = 2").Scan(&kept))
			require.Equal(t, 1, kept)
		})
	}
}

// processesIn are the processes that work in a directory, the guard aside.
func processesIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	for _, link := range links {
		cwd, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(cwd, dir+"/") {
			continue // ended, or another's
		}
		pid := filepath.Base(filepath.Dir(link))
		if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
			all = append(all, pid)
		}
	}
	return all
}

func TestArtifactThatIsNotThere(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	require.False(t, testenv.MySQLArtifact.Present())
	_, err := testenv.MySQL(t.Context(), nil)
	require.ErrorIs(t, err, testenv.ErrUnavailable)
	require.ErrorContains(t, err, "internal/cmd/getservers")
}
