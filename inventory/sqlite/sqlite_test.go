package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

var (
	strategies = sqlstocktest.Strategies
	harness    = sqlstocktest.Harness(sqlite.Open, empty)
	backend    = sqlstocktest.Backend{
		Open:    sqlite.Open,
		Migrate: sqlite.Migrate,
		Empty:   empty,
		ReadOnly: func(t testing.TB) (writable, readOnly *sql.DB) {
			dsn := sqlite.DSN(filepath.Join(t.TempDir(), "stock.db"))
			return openDB(t, dsn), openDB(t, dsn+"&_pragma=query_only(1)")
		},
		Unreachable: func(t testing.TB) map[string]*sql.DB {
			return map[string]*sql.DB{"no such directory": openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "no such directory", "stock.db")))}
		},
	}
)

func empty(t testing.TB) *sql.DB {
	return openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "stock.db")))
}

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) { inventorytest.Run(t, harness) }

func TestBackend(t *testing.T) { sqlstocktest.Run(t, backend) }

func BenchmarkReserve(b *testing.B) { inventorytest.Bench(b, harness) }

func BenchmarkBulk(b *testing.B) { inventorytest.BenchBulk(b, harness) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
