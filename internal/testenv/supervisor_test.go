package testenv_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
)

func openMariaDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func openRedis(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func TestMariaDBKeepsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateMariaDB(t, nil)
	addr := server.Addr
	db := openMariaDB(t, testenvtest.Database(t, server))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE kept (n INT PRIMARY KEY)")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "INSERT INTO kept VALUES (42)")
	require.NoError(t, err)

	require.NoError(t, server.Kill())
	require.Error(t, db.PingContext(t.Context()))
	require.NoError(t, server.Kill(), "a second time")

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
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{"--appendfsync", "always"}})
	client := openRedis(t, testenvtest.RedisURL(t, server))
	require.NoError(t, client.Set(t.Context(), "kept", "42", 0).Err())

	require.NoError(t, server.Kill())
	require.Error(t, client.Ping(t.Context()).Err())

	for range 2 {
		require.NoError(t, server.Restart(t.Context()))
		value, err := client.Get(t.Context(), "kept").Result()
		require.NoError(t, err)
		require.Equal(t, "42", value)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	client := openRedis(t, server.DSN)
	require.NoError(t, client.Ping(t.Context()).Err())

	require.NoError(t, server.Pause())
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var timeout net.Error
	require.ErrorAs(t, client.Ping(short).Err(), &timeout)
	require.True(t, timeout.Timeout(), "connected, and no answer")

	require.NoError(t, server.Resume())
	require.NoError(t, client.Ping(t.Context()).Err())

	require.NoError(t, server.Pause())
	require.NoError(t, server.Restart(t.Context()), "from a standstill")
	require.NoError(t, client.Ping(t.Context()).Err())

	require.NoError(t, server.Kill())
	require.ErrorContains(t, server.Pause(), "down")
	require.ErrorContains(t, server.Resume(), "down")
}

func TestCloseRemovesEverything(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	dir := filepath.Dir(filepath.Dir(dataDir(t, server)))
	require.DirExists(t, dir)
	require.NoError(t, server.Close())
	require.NoDirExists(t, dir)
	_, err := net.Dial("tcp", server.Addr)
	require.Error(t, err)

	require.NoError(t, server.Close(), "a second time")
	require.ErrorIs(t, server.Restart(t.Context()), os.ErrClosed)
	require.ErrorIs(t, server.Kill(), os.ErrClosed)
}

// dataDir asks Redis where its data is: one more level below it is the
// append-only file.
func dataDir(t *testing.T, server *testenv.Server) string {
	t.Helper()
	answer, err := openRedis(t, server.DSN).ConfigGet(t.Context(), "dir").Result()
	require.NoError(t, err)
	return filepath.Join(answer["dir"], "appendonlydir")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{"--maxmemory", "12345678"}, Log: &log})
	answer, err := openRedis(t, server.DSN).ConfigGet(t.Context(), "maxmemory").Result()
	require.NoError(t, err)
	require.Equal(t, "12345678", answer["maxmemory"])
	require.Contains(t, log.String(), "Ready to accept connections")
	require.Contains(t, server.LogTail(), "Ready to accept connections")

	kept, err := server.KeepLog()
	require.NoError(t, err)
	defer os.Remove(kept)
	require.NoError(t, server.Close())
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.Contains(t, string(text), "Ready to accept connections")
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestFailedStartSaysWhyAndLeavesOnlyTheLog(t *testing.T) {
	testenvtest.Program(t, "mariadbd", "mariadb-server")
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("COMMERCE_TESTENV_LOGS", "")
	_, err := testenv.MariaDB(t.Context(), &testenv.Options{Args: []string{"--no-such-option"}})
	require.ErrorContains(t, err, "unknown option '--no-such-option'")
	require.ErrorContains(t, err, "the process ended")

	left, err := filepath.Glob(filepath.Join(temporary, "*"))
	require.NoError(t, err)
	require.Len(t, left, 1)
	text, err := os.ReadFile(left[0])
	require.NoError(t, err)
	require.Contains(t, string(text), "--no-such-option")
}

func TestLogsOfAllServersCanBeKept(t *testing.T) {
	testenvtest.Program(t, "redis-server", "redis-server")
	logs := filepath.Join(t.TempDir(), "logs")
	t.Setenv("COMMERCE_TESTENV_LOGS", logs)
	server := testenvtest.PrivateRedis(t, nil)
	require.NoError(t, server.Close())
	left, err := filepath.Glob(filepath.Join(logs, "commerce-redis-*.log"))
	require.NoError(t, err)
	require.Equal(t, []string{server.LogFile()}, left)
}

func TestStartEndsWithItsContext(t *testing.T) {
	testenvtest.Program(t, "redis-server", "redis-server")
	t.Setenv("TMPDIR", t.TempDir()) // for the log that is kept
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := testenv.Redis(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestProgramNotInstalled(t *testing.T) {
	t.Parallel()
	_, err := testenv.LookPath("no-such-server", "no-such-package")
	require.ErrorIs(t, err, testenv.ErrUnavailable)
	require.ErrorContains(t, err, "apt-get install no-such-package")
	var unavailable *testenv.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	require.Equal(t, "no-such-server", unavailable.Program)
}

func TestServerThatRunsAlready(t *testing.T) {
	t.Parallel()
	ours := testenvtest.PrivateRedis(t, nil)
	server := testenv.RedisAt(ours.Addr)
	require.Equal(t, ours.DSN, server.DSN)
	for _, act := range []func() error{server.Kill, server.Pause, server.Resume, func() error { return server.Restart(t.Context()) }} {
		require.ErrorIs(t, act(), errors.ErrUnsupported)
	}
	_, err := server.KeepLog()
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.NoError(t, server.Close())
	require.NoError(t, openRedis(t, ours.DSN).Ping(t.Context()).Err(), "Close does nothing to it")
}

func TestRedisDatabasesAreEmptyAndSeparate(t *testing.T) {
	t.Parallel()
	server := testenvtest.Redis(t)
	for range 2 {
		client := openRedis(t, testenvtest.RedisURL(t, server))
		fresh, err := client.SetNX(t.Context(), "mine", 1, 0).Result()
		require.NoError(t, err)
		require.True(t, fresh)
	}
	url, drop, err := server.NewDatabase(t.Context())
	require.NoError(t, err)
	client := openRedis(t, url)
	require.NoError(t, client.Set(t.Context(), "a", "b", 0).Err())
	require.NoError(t, drop(t.Context()))
	require.ErrorIs(t, client.Get(t.Context(), "a").Err(), redis.Nil)
}

func TestRedisOnThePortOfAnother(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // for the log that is kept
	ours, other := testenvtest.PrivateRedis(t, nil), testenvtest.PrivateRedis(t, nil)
	_, taken, err := net.SplitHostPort(other.Addr)
	require.NoError(t, err)
	_, err = testenv.Redis(t.Context(), &testenv.Options{Args: []string{"--port", taken}})
	require.ErrorIs(t, err, testenv.ErrPortTaken, "the server's own words are known")

	require.NoError(t, testenv.Ready(t.Context(), ours))
	ours.Addr, ours.DSN = other.Addr, other.DSN
	require.ErrorContains(t, testenv.Ready(t.Context(), ours), "another server answers")
}
