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
	harness    = sqlstocktest.Harness(sqlite.Open, func(t testing.TB) *sql.DB {
		return openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "stock.db")))
	})
)

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) { inventorytest.Run(t, harness) }

func BenchmarkReserve(b *testing.B) { inventorytest.Bench(b, harness) }

func BenchmarkBulk(b *testing.B) { inventorytest.BenchBulk(b, harness) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
