package sqlqueue_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue/pglisten"
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

func openServer(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// backends are the databases: the driver and the address of an empty one.
var backends = map[string]func(t testing.TB) (driver, dsn string){
	"sqlite": func(t testing.TB) (string, string) {
		return "sqlite", "file:" + filepath.Join(t.TempDir(), "queue.db") + pragmas
	},
	"mariadb": func(t testing.TB) (string, string) { return "mysql", testenvtest.Database(t, testenvtest.MariaDB(t)) },
	"mysql": func(t testing.TB) (string, string) {
		return "mysql", interpolated(t, testenvtest.Database(t, testenvtest.MySQL(t)))
	},
	"postgres": func(t testing.TB) (string, string) { return "pgx", testenvtest.Database(t, testenvtest.Postgres(t)) },
}

// openQueue opens a queue in a database; on PostgreSQL it listens.
func openQueue(t testing.TB, driver, dsn string, o notify.Options) *notify.Queue {
	t.Helper()
	db := openServer(t, driver, dsn)
	options := sqlqueue.Options{Options: o}
	if driver == "pgx" {
		options.Listener = pglisten.New(db)
	}
	q, err := sqlqueue.Open(t.Context(), db, &options)
	require.NoError(t, err)
	return q
}

// interpolated lets the driver put parameters into statements, as production should.
func interpolated(t testing.TB, dsn string) string {
	config, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	config.InterpolateParams = true
	return config.FormatDSN()
}

func TestConformance(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			notifytest.Run(t, func(t *testing.T) notifytest.Harness {
				driver, dsn := backend(t)
				return notifytest.Harness{
					Open: func(t *testing.T, o *notify.Options) *notify.Queue {
						return openQueue(t, driver, dsn, *o)
					},
					Shared: true,
					DB:     openServer(t, driver, dsn),
				}
			})
		})
	}
}
