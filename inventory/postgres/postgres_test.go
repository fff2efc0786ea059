package postgres_test

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

func harness(parameters string) inventorytest.Harness {
	return sqlstocktest.Harness(postgres.Open, func(t testing.TB) *sql.DB {
		return openDB(t, testenvtest.Database(t, testenvtest.Postgres(t))+parameters)
	})
}

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) { inventorytest.Run(t, harness("")) }

// TestIsolation: whatever the connections' isolation level, the promises are kept.
func TestIsolation(t *testing.T) {
	for _, level := range []string{"serializable", "repeatable read"} { // TestConformance has the default
		if level == "serializable" || testenvtest.Long() {
			t.Run(level, func(t *testing.T) {
				t.Parallel()
				inventorytest.Run(t, harness("&default_transaction_isolation="+strings.ReplaceAll(level, " ", "%20")))
			})
		}
	}
}

func BenchmarkReserve(b *testing.B) { inventorytest.Bench(b, harness("")) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
