package mysql_test

import (
	"database/sql"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

var strategies = []inventory.Strategy{inventory.Grouped, inventory.Pessimistic, inventory.Optimistic, inventory.Conditional}

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

var harness = inventorytest.Harness{
	Strategies: strategies,
	Storage: func(t testing.TB) inventorytest.Storage {
		db := openDB(t, testenvtest.Database(t, testenvtest.MariaDB(t)))
		return inventorytest.Storage{
			Open: func(options *inventory.Options) (*inventory.Inventory, error) {
				return mysql.Open(t.Context(), db, options)
			},
			Shared: true,
			DB:     db,
			Damage: func(t testing.TB, sku, location string) {
				_, err := db.Exec("UPDATE inventory_levels SET on_hand = on_hand + 1 WHERE sku = ? AND location = ?", sku, location)
				require.NoError(t, err)
			},
		}
	},
}

func TestConformance(t *testing.T) { inventorytest.Run(t, harness) }

func BenchmarkReserve(b *testing.B) { inventorytest.Bench(b, harness) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
