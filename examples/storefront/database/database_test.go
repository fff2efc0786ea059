package database_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var schema = fstest.MapFS{}

func init() {
	const table = "CREATE TABLE IF NOT EXISTS counters (\n\tid VARCHAR(10) PRIMARY KEY,\n\tn BIGINT NOT NULL\n);\nCREATE TABLE IF NOT EXISTS others (\n\tid VARCHAR(10) PRIMARY KEY\n);\n"
	for _, dialect := range []database.Dialect{database.SQLite, database.MySQL, database.Postgres} {
		schema["schema/"+string(dialect)+".sql"] = &fstest.MapFile{Data: []byte(table)}
	}
}

// everywhere runs a test on each kind of database.
func everywhere(t *testing.T, test func(*testing.T, *database.DB)) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (*database.DB, error){
		"sqlite": func(t *testing.T) (*database.DB, error) {
			return database.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
		},
		"mariadb": func(t *testing.T) (*database.DB, error) {
			return database.OpenMySQL(t.Context(), testenvtest.Database(t, testenvtest.MariaDB(t)))
		},
		"mysql": func(t *testing.T) (*database.DB, error) {
			return database.OpenMySQL(t.Context(), testenvtest.Database(t, testenvtest.MySQL(t)))
		},
		"postgres": func(t *testing.T) (*database.DB, error) {
			return database.OpenPostgres(t.Context(), testenvtest.Database(t, testenvtest.Postgres(t)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := open(t)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			require.NoError(t, db.PingContext(t.Context()))
			require.NoError(t, db.Create(t.Context(), schema))
			require.NoError(t, db.Create(t.Context(), schema), "what is there already is no error")
			test(t, db)
		})
	}
}

const add = `INSERT INTO counters (id, n) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET n = counters.n + excluded.n`

func count(t *testing.T, q database.Querier, id string) (n int) {
	t.Helper()
	require.NoError(t, q.QueryRowContext(t.Context(), `SELECT COALESCE(SUM(n), 0) FROM counters WHERE id = ?`, id).Scan(&n))
	return n
}

func TestATransactionIsAllOrNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, db *database.DB) {
		_, err := db.ExecContext(t.Context(), add, "a", 1)
		require.NoError(t, err)
		boom := errors.New("boom")
		require.ErrorIs(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			_, err := tx.ExecContext(t.Context(), add, "a", 1)
			require.NoError(t, err)
			require.Equal(t, 2, count(t, tx, "a"))
			return boom
		}), boom)
		require.Equal(t, 1, count(t, db, "a"))
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			_, err := tx.SQL().ExecContext(t.Context(), `UPDATE counters SET n = n + 5`)
			return err
		}))
		require.Equal(t, 6, count(t, db, "a"))

		tx, err := db.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), add, "a", 1)
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.NoError(t, tx.Rollback(), "nothing to undo")
		require.Equal(t, 7, count(t, db, "a"))
		require.Error(t, tx.Commit())
	})
}

func TestALockedRowIsReadAsItIsOnceItIsFree(t *testing.T) {
	everywhere(t, func(t *testing.T, db *database.DB) {
		_, err := db.ExecContext(t.Context(), add, "a", 0)
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 5 {
					require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
						var n int
						if err := tx.QueryRowContext(t.Context(), `SELECT n FROM counters WHERE id = ? FOR UPDATE`, "a").Scan(&n); err != nil {
							return err
						}
						_, err := tx.ExecContext(t.Context(), `UPDATE counters SET n = ? WHERE id = ?`, n+1, "a")
						return err
					}))
				}
			})
		}
		group.Wait()
		require.Equal(t, 40, count(t, db, "a"))
	})
}

// Two transactions that take two rows in opposite orders: the server ends one,
// and it runs again.
func TestADeadlockStartsOver(t *testing.T) {
	everywhere(t, func(t *testing.T, db *database.DB) {
		if db.Dialect() == database.SQLite {
			return // one writer at a time: no two wait for each other
		}
		for _, id := range []string{"a", "b"} {
			_, err := db.ExecContext(t.Context(), add, id, 0)
			require.NoError(t, err)
		}
		var both, group sync.WaitGroup
		both.Add(2)
		runs := make([]int, 2)
		for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			group.Go(func() {
				require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
					runs[i]++
					for n, id := range order {
						if _, err := tx.ExecContext(t.Context(), `UPDATE counters SET n = n + 1 WHERE id = ?`, id); err != nil {
							return err
						}
						if n == 0 && runs[i] == 1 {
							both.Done()
							both.Wait()
						}
					}
					return nil
				}))
			})
		}
		group.Wait()
		require.Equal(t, 3, runs[0]+runs[1])
		require.Equal(t, 2, count(t, db, "a"))
		require.Equal(t, 2, count(t, db, "b"))
	})
}

func TestTransactionsStopWithTheirContext(t *testing.T) {
	everywhere(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, db.InTx(ctx, func(tx *database.Tx) error {
			cancel()
			_, err := tx.ExecContext(ctx, add, "a", 1)
			return err
		}), context.Canceled)
		require.Zero(t, count(t, db, "a"))
	})
}

func TestCreateNeedsTheDialectsFile(t *testing.T) {
	t.Parallel()
	db, err := database.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	require.NoError(t, err)
	defer db.Close()
	require.ErrorContains(t, db.Create(t.Context(), fstest.MapFS{}), "schema/sqlite.sql")
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "s3cret", "shop:s3cret@tcp(127.0.0.1:1)/", "shop:s3cret@tcp(127.0.0.1:1/shop"} {
		_, err := database.OpenMySQL(t.Context(), name)
		require.ErrorIs(t, err, database.ErrName, name)
		require.NotContains(t, err.Error(), "s3cret")
	}
	for _, name := range []string{"postgres://shop:s3cret@127.0.0.1:99999/shop", "port=s3cret"} {
		_, err := database.OpenPostgres(t.Context(), name)
		require.ErrorIs(t, err, database.ErrName, name)
		require.NotContains(t, err.Error(), "s3cret")
	}
	_, err := database.OpenMySQL(t.Context(), "shop:s3cret@tcp(127.0.0.1:1)/shop")
	require.Error(t, err, "nobody listens there")
	require.NotContains(t, err.Error(), "s3cret")
	_, err = database.OpenPostgres(t.Context(), "postgres://shop:s3cret@127.0.0.1:1/shop")
	require.Error(t, err, "nobody listens there")
	require.NotContains(t, err.Error(), "s3cret")
	_, err = database.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "no", "such", "folder", "shop.db"))
	require.Error(t, err)
}
