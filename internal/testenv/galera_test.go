package testenv_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestGaleraTakesWritesOnEveryNodeAndOutlivesOne(t *testing.T) {
	t.Parallel()
	cluster := testenvtest.PrivateGalera(t)
	require.Len(t, cluster.Nodes, 3)
	for n, node := range cluster.Nodes {
		db := openMariaDB(t, node.DSN)
		if n == 0 {
			_, err := db.ExecContext(t.Context(), "CREATE DATABASE shop")
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), "CREATE TABLE shop.rows_of_all (n INT PRIMARY KEY)")
			require.NoError(t, err)
		}
		// A node reads its own past; this waits until it has the others'.
		var before int
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "SET wsrep_sync_wait = 7")
		require.NoError(t, err)
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM shop.rows_of_all").Scan(&before))
		require.Equal(t, n, before)
		_, err = conn.ExecContext(t.Context(), "INSERT INTO shop.rows_of_all VALUES (?)", n)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	require.NoError(t, cluster.Nodes[0].Kill())
	db := openMariaDB(t, cluster.Nodes[2].DSN)
	require.Eventually(t, func() bool { // until the others have given it up
		_, err := db.ExecContext(t.Context(), "REPLACE INTO shop.rows_of_all VALUES (3)")
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
}
