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

func openDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) {
	inventorytest.Run(t, inventorytest.Harness{
		Strategies: strategies,
		Storage: func(t *testing.T) inventorytest.Storage {
			db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "stock.db")))
			return inventorytest.Storage{
				Open: func(options *inventory.Options) (*inventory.Inventory, error) {
					return sqlite.Open(t.Context(), db, options)
				},
				Shared: true,
				DB:     db,
				Damage: func(t *testing.T, sku, location string) {
					_, err := db.Exec("UPDATE inventory_levels SET on_hand = on_hand + 1 WHERE sku = ? AND location = ?", sku, location)
					require.NoError(t, err)
				},
			}
		},
	})
}
