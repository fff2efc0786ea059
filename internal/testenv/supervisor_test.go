package testenv_test

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
)

func TestMariaDBKeepsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateMariaDB(t, nil)
	addr := server.Addr
	db, err := sql.Open("mysql", testenvtest.Database(t, server))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE kept (n INT PRIMARY KEY)")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "INSERT INTO kept VALUES (42)")
	require.NoError(t, err)

	require.NoError(t, server.Kill())
	require.Error(t, db.PingContext(t.Context()))

	for range 2 { // once from down, once from running
		require.NoError(t, server.Restart(t.Context()))
		require.Equal(t, addr, server.Addr)
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT n FROM kept").Scan(&n))
		require.Equal(t, 42, n)
	}
}

func TestRedisKeepsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	options, err := redis.ParseURL(testenvtest.RedisURL(t, server))
	require.NoError(t, err)
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close()
	require.NoError(t, client.Set(context.Background(), "kept", "42", 0).Err())

	require.NoError(t, server.Kill())
	require.Error(t, client.Ping(t.Context()).Err())

	for range 2 {
		require.NoError(t, server.Restart(t.Context()))
		value, err := client.Get(t.Context(), "kept").Result()
		require.NoError(t, err)
		require.Equal(t, "42", value)
	}
}
