package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // another driver

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

func TestAnotherDriver(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	defer db.Close()
	_, err = postgres.Open(t.Context(), db, nil)
	require.ErrorIs(t, err, inventory.ErrInvalid)
	require.ErrorContains(t, err, "pgx")
}
