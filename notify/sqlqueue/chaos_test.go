package sqlqueue_test

import (
	"strings"
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/chaos"
	"github.com/stretchr/testify/require"
)

// openUntilEnd opens a queue that is closed before its database.
func openUntilEnd(t *testing.T, driver, dsn string) *notify.Queue {
	t.Helper()
	q := openQueue(t, driver, dsn, silent.Options)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

func TestChild(t *testing.T) {
	chaos.Child(t, func(where string) *notify.Queue {
		driver, dsn, _ := strings.Cut(where, " ")
		return openQueue(t, driver, dsn, silent.Options)
	})
}

// TestChaosKilledProcessLosesNothing kills producer and worker in the middle of their work.
func TestChaosKilledProcessLosesNothing(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := backend(t)
			openQueue(t, driver, dsn, silent.Options).Close() // makes the tables
			twice := chaos.SurviveKills(t, "TestChild", driver+" "+dsn, func() *notify.Queue { return openUntilEnd(t, driver, dsn) })
			require.Zero(t, twice, "attempts made twice")
		})
	}
}

// servers are private databases, which can be killed.
var servers = map[string]struct {
	driver string
	start  func(testing.TB, *testenv.Options) *testenv.Server
}{
	"mariadb":  {"mysql", testenvtest.PrivateMariaDB},
	"mysql":    {"mysql", testenvtest.PrivateMySQL},
	"postgres": {"pgx", testenvtest.PrivatePostgres},
}

func TestChaosKilledDatabaseLosesNothing(t *testing.T) {
	for name, s := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s.start(t, nil)
			q := openUntilEnd(t, s.driver, testenvtest.Database(t, server))
			require.Zero(t, chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtServer(t, server) }), "attempts made twice")
		})
	}
}

func TestChaosCutLinesLoseNothing(t *testing.T) {
	for name, s := range servers {
		if name == "mysql" {
			continue // the same driver as mariadb
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s.start(t, nil)
			proxy := testenvtest.Proxy(t, server.Addr)
			q := openUntilEnd(t, s.driver, strings.ReplaceAll(testenvtest.Database(t, server), server.Addr, proxy.Addr()))
			require.Zero(t, chaos.Survive(t, q, func(l *chaos.Ledger) { l.HurtLine(t, proxy) }), "attempts made twice")
		})
	}
}
