package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

var backend = sqlstocktest.Backend{
	Open:    postgres.Open,
	Migrate: postgres.Migrate,
	Empty:   func(t testing.TB) *sql.DB { return openDB(t, testenvtest.Database(t, testenvtest.Postgres(t))) },
	ReadOnly: func(t testing.TB) (writable, readOnly *sql.DB) {
		dsn := testenvtest.Database(t, testenvtest.Postgres(t))
		return openDB(t, dsn), openDB(t, dsn+"&default_transaction_read_only=on")
	},
	Unreachable: func(t testing.TB) map[string]*sql.DB {
		return map[string]*sql.DB{
			"nobody listens":   openDB(t, "postgres://shop:secret-word@127.0.0.1:1/shop"),
			"no such database": openDB(t, "postgres://postgres:secret-word@"+testenvtest.Postgres(t).Addr+"/nowhere"),
		}
	},
}

func TestBackend(t *testing.T) { sqlstocktest.Run(t, backend) }

// TestNoDataSourceName: what is none is not told, for it may hold a password.
func TestNoDataSourceName(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("pgx", "postgres://shop:secret-word@127.0.0.1:port/shop")
	if err == nil {
		_, err = postgres.Open(t.Context(), db, nil)
		require.NoError(t, db.Close())
		require.ErrorIs(t, err, inventory.ErrUnavailable)
	}
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret-word")
}
