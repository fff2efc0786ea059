package postgres_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	sqlstocktest.CheckMigrations(t, openDB(t, testenvtest.Database(t, testenvtest.Postgres(t))), postgres.Open, postgres.Migrate)
}

func TestForeignWriter(t *testing.T) {
	t.Parallel()
	sqlstocktest.CheckForeignWriter(t, postgres.Open, func(t testing.TB) *sql.DB {
		return openDB(t, testenvtest.Database(t, testenvtest.Postgres(t)))
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := testenvtest.Postgres(t)
	for name, dsn := range map[string]string{
		"nobody listens":   "postgres://shop:secret-word@127.0.0.1:1/shop",
		"no such database": "postgres://postgres:secret-word@" + server.Addr + "/nowhere",
		"not a DSN":        "postgres://shop:secret-word@127.0.0.1:port/shop",
	} {
		db, err := sql.Open("pgx", dsn)
		if err == nil {
			_, err = postgres.Open(t.Context(), db, nil)
			require.NoError(t, db.Close())
			require.ErrorIs(t, err, inventory.ErrUnavailable, name)
		}
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret-word", name)
	}
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	dsn := testenvtest.Database(t, testenvtest.Postgres(t))
	sqlstocktest.CheckReadOnly(t, postgres.Open, openDB(t, dsn), openDB(t, dsn+"&default_transaction_read_only=on"))
}

func receiveTea(t *testing.T, stock *inventory.Inventory, units int64) {
	t.Helper()
	_, err := stock.Receive(t.Context(), inventory.Receipt{Key: "delivery", Lines: []inventory.Line{{SKU: "tea", Quantity: units}}})
	require.NoError(t, err)
}

func TestChecksAreTheLastLineOfDefence(t *testing.T) {
	t.Parallel()
	db := openDB(t, testenvtest.Database(t, testenvtest.Postgres(t)))
	stock, err := postgres.Open(t.Context(), db, nil)
	require.NoError(t, err)
	defer stock.Close()
	receiveTea(t, stock, 5)
	for _, set := range []string{"on_hand = -1", "reserved = -1", "reserved = 6", "safety_stock = -1"} {
		_, err := db.Exec("UPDATE inventory_levels SET " + set + " WHERE sku = 'tea'")
		require.Error(t, err, set)
	}
	sqlstocktest.CheckLedgerConstraints(t, db, stock)
}

func TestTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	sqlstocktest.CheckTakesAllOrNothing(t, postgres.Open, openDB(t, testenvtest.Database(t, testenvtest.Postgres(t))))
}

// TestOneConnection: a pool of one is enough for any number of callers.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	for _, strategy := range sqlstocktest.Strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			db := openDB(t, testenvtest.Database(t, testenvtest.Postgres(t)))
			db.SetMaxOpenConns(1)
			stock, err := postgres.Open(t.Context(), db, &inventory.Options{Strategy: strategy, SweepInterval: -1})
			require.NoError(t, err)
			defer stock.Close()
			receiveTea(t, stock, 50)
			var wg sync.WaitGroup
			for caller := range 16 {
				wg.Go(func() {
					_, err := stock.Reserve(t.Context(), inventory.Order{Key: fmt.Sprint(caller), Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
					if err != nil {
						t.Errorf("reserve: %v", err)
					}
				})
			}
			wg.Wait()
			level, err := stock.Level(t.Context(), "tea", "")
			require.NoError(t, err)
			require.EqualValues(t, 16, level.Reserved)
		})
	}
}
