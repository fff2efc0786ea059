package postgres_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

var harness = sqlstocktest.Harness(postgres.Open, func(t testing.TB) *sql.DB {
	return openDB(t, testenvtest.Database(t, testenvtest.Postgres(t)))
})

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) { inventorytest.Run(t, harness) }

func BenchmarkReserve(b *testing.B) { inventorytest.Bench(b, harness) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
