package mysql_test

import (
	"database/sql"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

var strategies = sqlstocktest.Strategies

// servers are the kinds of server, and the ways to speak to one.
var servers = []struct {
	name   string
	server func(testing.TB) *testenv.Server
	change func(*driver.Config)
	// isolation is the variable's name.
	isolation string
}{
	{"MariaDB", testenvtest.MariaDB, func(*driver.Config) {}, "tx_isolation"},
	{"MySQL", testenvtest.MySQL, func(c *driver.Config) { c.MultiStatements = true }, "transaction_isolation"},
	{"MySQL, a statement at a time", testenvtest.MySQL, func(*driver.Config) {}, "transaction_isolation"},
}

func harness(server func(testing.TB) *testenv.Server, change func(*driver.Config)) inventorytest.Harness {
	return sqlstocktest.Harness(mysql.Open, func(t testing.TB) *sql.DB {
		config, err := driver.ParseDSN(testenvtest.Database(t, server(t)))
		require.NoError(t, err)
		change(config)
		return openConfig(t, config)
	})
}

func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	config, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	return openConfig(t, config)
}

// openConfig does without the driver's log, which would be full of the connections that tests cut.
func openConfig(t testing.TB, config *driver.Config) *sql.DB {
	t.Helper()
	config.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(config)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestConformance(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			inventorytest.Run(t, harness(s.server, s.change))
		})
	}
}

// TestIsolation: whatever the connections' isolation level, the promises are kept.
func TestIsolation(t *testing.T) {
	for _, s := range servers[:2] {
		for _, level := range []string{"SERIALIZABLE", "READ-COMMITTED", "READ-UNCOMMITTED"} { // TestConformance has the default
			if level != "SERIALIZABLE" && !testenvtest.Long() {
				continue
			}
			t.Run(s.name+", "+level, func(t *testing.T) {
				t.Parallel()
				inventorytest.Run(t, harness(s.server, func(c *driver.Config) {
					s.change(c)
					c.Params = map[string]string{s.isolation: "'" + level + "'"}
				}))
			})
		}
	}
}

func BenchmarkReserve(b *testing.B) {
	for _, s := range servers {
		b.Run(s.name, func(b *testing.B) { inventorytest.Bench(b, harness(s.server, s.change)) })
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func BenchmarkBulk(b *testing.B) {
	for _, s := range servers[:2] {
		b.Run(s.name, func(b *testing.B) { inventorytest.BenchBulk(b, harness(s.server, s.change)) })
	}
}
