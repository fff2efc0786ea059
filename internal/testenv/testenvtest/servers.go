package testenvtest

import (
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
)

var (
	sharedMariaDB  = shared{env: testenv.MariaDBEnv, start: testenv.MariaDB, at: testenv.MariaDBAt}
	sharedMySQL    = shared{env: testenv.MySQLEnv, start: testenv.MySQL, at: testenv.MySQLAt}
	sharedPostgres = shared{env: testenv.PostgresEnv, start: testenv.Postgres, at: testenv.PostgresAt}
	sharedRedis    = shared{env: testenv.RedisEnv, start: testenv.Redis, at: testenv.RedisAt}
)

// MariaDB returns the shared MariaDB server of the run.
func MariaDB(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedMariaDB.get(t)
}

// MySQL returns the shared MySQL server of the run.
func MySQL(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedMySQL.get(t)
}

// Postgres returns the shared PostgreSQL server of the run.
func Postgres(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedPostgres.get(t)
}

// Redis returns the shared Redis server of the run.
func Redis(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedRedis.get(t)
}

// PrivateMariaDB starts a MariaDB server for this test alone, to pause, kill
// and restart. It is closed at the end of the test.
func PrivateMariaDB(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.MariaDB, opts)
}

// PrivateMySQL is as [PrivateMariaDB], for MySQL.
func PrivateMySQL(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.MySQL, opts)
}

// PrivatePostgres is as [PrivateMariaDB], for PostgreSQL.
func PrivatePostgres(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.Postgres, opts)
}

// PrivateRedis is as [PrivateMariaDB], for Redis.
func PrivateRedis(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.Redis, opts)
}
