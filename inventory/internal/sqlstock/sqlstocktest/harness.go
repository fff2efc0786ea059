package sqlstocktest

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
)

// Strategies are all that SQL backends have.
var Strategies = []inventory.Strategy{inventory.Grouped, inventory.Pessimistic, inventory.Optimistic, inventory.Conditional}

// Open is a backend's constructor.
type Open func(context.Context, *sql.DB, *inventory.Options) (*inventory.Inventory, error)

// Harness is the public kit's for a backend; empty makes an empty database.
func Harness(open Open, empty func(testing.TB) *sql.DB) inventorytest.Harness {
	return inventorytest.Harness{Strategies: Strategies, Storage: func(t testing.TB) inventorytest.Storage {
		db := empty(t)
		return inventorytest.Storage{
			Open:   func(o *inventory.Options) (*inventory.Inventory, error) { return open(t.Context(), db, o) },
			Shared: true,
			DB:     db,
			Damage: func(t testing.TB, sku, location string) {
				// No placeholders: databases spell them differently.
				_, err := db.Exec(fmt.Sprintf("UPDATE inventory_levels SET on_hand = on_hand + 1 WHERE sku = '%s' AND location = '%s'", sku, location))
				require.NoError(t, err)
			},
		}
	}}
}

// CheckMigrations checks on an empty database that several may migrate at once, that a host may do it itself, and that
// tables which are missing or from the future are refused.
func CheckMigrations(t *testing.T, db *sql.DB, open Open, migrate func(context.Context, *sql.DB) error) {
	t.Helper()
	ctx := t.Context()
	skip := &inventory.Options{SkipMigrations: true, SweepInterval: -1}
	_, err := open(ctx, db, skip)
	require.ErrorIs(t, err, inventory.ErrSchema, "no tables yet")

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := migrate(ctx, db); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	wg.Wait()
	stock, err := open(ctx, db, skip)
	require.NoError(t, err)
	require.NoError(t, stock.Close())

	_, err = db.Exec("DELETE FROM inventory_schema")
	require.NoError(t, err)
	_, err = open(ctx, db, skip)
	require.ErrorIs(t, err, inventory.ErrSchema)
	require.ErrorContains(t, err, "call Migrate")

	_, err = db.Exec("INSERT INTO inventory_schema (version) VALUES (99)")
	require.NoError(t, err)
	for _, options := range []*inventory.Options{nil, skip} {
		_, err = open(ctx, db, options)
		require.ErrorIs(t, err, inventory.ErrSchema)
		require.ErrorContains(t, err, "99")
	}
	require.ErrorIs(t, migrate(ctx, db), inventory.ErrSchema)
	_, err = open(ctx, nil, nil)
	require.ErrorIs(t, err, inventory.ErrInvalid)
}
