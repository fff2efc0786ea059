package mysql_test

import (
	"database/sql"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

var (
	strategies = sqlstocktest.Strategies
	harness    = sqlstocktest.Harness(mysql.Open, func(t testing.TB) *sql.DB {
		return openDB(t, testenvtest.Database(t, testenvtest.MariaDB(t)))
	})
)

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	config, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	return openConfig(t, config)
}

// openConfig does without the driver's log, which would be full of the connections that tests cut.
func openConfig(t testing.TB, config *driver.Config) *sql.DB {
	t.Helper()
	config.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(config)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) { inventorytest.Run(t, harness) }

func BenchmarkReserve(b *testing.B) { inventorytest.Bench(b, harness) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
