package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

var strategies = []inventory.Strategy{inventory.Grouped, inventory.Pessimistic, inventory.Optimistic, inventory.Conditional}

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

var harness = inventorytest.Harness{
	Strategies: strategies,
	Storage: func(t testing.TB) inventorytest.Storage {
		db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "stock.db")))
		return inventorytest.Storage{
			Open: func(options *inventory.Options) (*inventory.Inventory, error) {
				return sqlite.Open(t.Context(), db, options)
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
