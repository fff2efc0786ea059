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

// checkOnce requires besides that each end of a lease begins another attempt, and
// nothing else repeats one.
func checkOnce(t *testing.T, l *chaos.Ledger) {
	t.Helper()
	require.Zero(t, l.Check(t), "attempts made twice")
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
			l := chaos.NewLedger()
			l.KillChildren(t, "TestChild", driver+" "+dsn)
			q := openQueue(t, driver, dsn, silent.Options)
			defer q.Close()
			stop := l.Work(t, q)
			l.Drained(t)
			stop()
			checkOnce(t, l)
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
			q := openQueue(t, s.driver, testenvtest.Database(t, server), silent.Options)
			defer q.Close()
			l := chaos.NewLedger()
			stopWorker, stopProducers := l.Work(t, q), l.Produce(t, q)
			l.HurtServer(t, server)
			stopProducers()
			l.Drained(t)
			stopWorker()
			checkOnce(t, l)
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
			q := openQueue(t, s.driver, strings.ReplaceAll(testenvtest.Database(t, server), server.Addr, proxy.Addr()), silent.Options)
			defer q.Close()
			l := chaos.NewLedger()
			stopWorker, stopProducers := l.Work(t, q), l.Produce(t, q)
			l.HurtLine(t, proxy)
			stopProducers()
			l.Drained(t)
			stopWorker()
			checkOnce(t, l)
		})
	}
}
