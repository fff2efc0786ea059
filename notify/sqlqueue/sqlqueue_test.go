package sqlqueue_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A killed process loses nothing that the kernel has; only a loss of power needs
// synchronous=FULL, which a test cannot show and which a busy disk makes slow.
const pragmas = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)"

func openDB(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+pragmas)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.Harness {
		file := filepath.Join(t.TempDir(), "queue.db")
		return notifytest.Harness{
			Open: func(t *testing.T, o *notify.Options) *notify.Queue {
				q, err := sqlqueue.Open(t.Context(), openDB(t, file), &sqlqueue.Options{Options: *o})
				require.NoError(t, err)
				return q
			},
			Shared: true,
			DB:     openDB(t, file),
		}
	})
}
