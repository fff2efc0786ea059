package prooftest

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/mysql"
	"github.com/seed82d84382/commerce/inventory/postgres"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

// TestMain makes the test binary the client that is killed when a test asks for it.
func TestMain(m *testing.M) {
	if text := os.Getenv(victimEnv); text != "" {
		var v victim
		err := json.Unmarshal([]byte(text), &v)
		if err == nil {
			err = v.sell()
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

var strategies = sqlstocktest.Strategies

// backend is one of the databases.
type backend struct {
	name    string
	shared  func(testing.TB) *testenv.Server                   // nil for SQLite
	private func(testing.TB, *testenv.Options) *testenv.Server // one that a test may hurt
	connect func(dsn string) (*sql.DB, error)
	moved   func(dsn, addr string) (string, error) // the same database by way of another address
	open    sqlstocktest.Open
}

var (
	mariadb    = &backend{"mariadb", testenvtest.MariaDB, testenvtest.PrivateMariaDB, connectMySQL, movedMySQL, mysql.Open}
	mysql8     = &backend{"mysql", testenvtest.MySQL, testenvtest.PrivateMySQL, connectMySQL, movedMySQL, mysql.Open}
	postgresql = &backend{"postgres", testenvtest.Postgres, testenvtest.PrivatePostgres,
		func(dsn string) (*sql.DB, error) { return sql.Open("pgx", dsn) }, movedPostgres, postgres.Open}
	lite = &backend{"sqlite", nil, nil, func(dsn string) (*sql.DB, error) { return sql.Open("sqlite", dsn) }, nil, sqlite.Open}
)

var (
	servers  = []*backend{mariadb, mysql8, postgresql}
	backends = append(slices.Clone(servers), lite)
)

func backendNamed(name string) *backend {
	return backends[slices.IndexFunc(backends, func(b *backend) bool { return b.name == name })]
}

func connectMySQL(dsn string) (*sql.DB, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.InterpolateParams, config.MultiStatements = true, true
	config.Logger = &driver.NopLogger{} // it would be full of the connections that tests break
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func movedMySQL(dsn, addr string) (string, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	config.Addr = addr
	return config.FormatDSN(), nil
}

func movedPostgres(dsn, addr string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Host = addr
	return u.String(), nil
}

// database makes an empty one on the shared server, or a file.
func (b *backend) database(t testing.TB) (dsn string) {
	t.Helper()
	if b.shared == nil {
		return sqlite.DSN(filepath.Join(t.TempDir(), "stock.db"))
	}
	return testenvtest.Database(t, b.shared(t))
}

func (b *backend) db(t testing.TB, dsn string, connections int) *sql.DB {
	t.Helper()
	db, err := b.connect(dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// patience with a call, for a machine so busy that its disk takes seconds to sync: that is not what is tested.
const patience = 5 * time.Minute

// stock opens an inventory with a deterministic sweeper: none.
func (b *backend) stock(t testing.TB, db *sql.DB, strategy inventory.Strategy) *inventory.Inventory {
	t.Helper()
	return b.stockWith(t, db, &inventory.Options{Strategy: strategy, SweepInterval: -1, Timeout: patience})
}

func (b *backend) stockWith(t testing.TB, db *sql.DB, options *inventory.Options) *inventory.Inventory {
	t.Helper()
	stock, err := b.open(t.Context(), db, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stock.Close()) })
	return stock
}

// each runs a test for every strategy on each of the backends.
func each(t *testing.T, backends []*backend, test func(*testing.T, *backend, inventory.Strategy)) {
	for _, b := range backends {
		for _, strategy := range strategies {
			t.Run(b.name+", "+strategy.String(), func(t *testing.T) {
				t.Parallel()
				test(t, b, strategy)
			})
		}
	}
}

// rounds are those of a chaos test.
func rounds(short int) int {
	if testenvtest.Long() {
		return 20
	}
	return short
}
