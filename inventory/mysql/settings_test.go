package mysql_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

var backend = sqlstocktest.Backend{
	Open:    mysql.Open,
	Migrate: mysql.Migrate,
	Empty:   func(t testing.TB) *sql.DB { return openDB(t, testenvtest.Database(t, testenvtest.MariaDB(t))) },
	ReadOnly: func(t testing.TB) (writable, readOnly *sql.DB) {
		config, err := driver.ParseDSN(testenvtest.Database(t, testenvtest.MariaDB(t)))
		require.NoError(t, err)
		writable = openConfig(t, config.Clone())
		config.Params = map[string]string{"tx_read_only": "1"}
		return writable, openConfig(t, config)
	},
	Unreachable: func(t testing.TB) map[string]*sql.DB {
		server := testenvtest.MariaDB(t)
		return map[string]*sql.DB{
			"nobody listens":   openDB(t, "shop:secret-word@tcp(127.0.0.1:1)/shop"),
			"no such user":     openDB(t, "nobody:secret-word@tcp("+server.Addr+")/mysql"),
			"no such database": openDB(t, "root@tcp("+server.Addr+")/nowhere"),
		}
	},
}

func TestBackend(t *testing.T) { sqlstocktest.Run(t, backend) }

// TestSmallPackets: what does not fit into a packet goes in several.
func TestSmallPackets(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateMariaDB(t, &testenv.Options{Args: []string{"--max-allowed-packet=16K"}})
	for _, strategy := range strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			stock, err := mysql.Open(t.Context(), openDB(t, testenvtest.Database(t, server)), &inventory.Options{Strategy: strategy, SweepInterval: -1})
			require.NoError(t, err)
			defer stock.Close()
			var delivered, lines []inventory.Line
			for n := range 300 {
				sku := fmt.Sprintf("%s %04d", strings.Repeat("茶", 40), n)
				delivered = append(delivered, inventory.Line{SKU: sku, Quantity: 4})
				lines = append(lines, inventory.Line{SKU: sku, Quantity: 2}) // enough for both orders
			}
			_, err = stock.Receive(t.Context(), inventory.Receipt{Key: "delivery", Lines: delivered, Reason: strings.Repeat("é", 120)})
			require.NoError(t, err)
			var wg sync.WaitGroup
			for caller := range 2 {
				wg.Go(func() {
					key := fmt.Sprint("order ", caller)
					if _, err := stock.Reserve(t.Context(), inventory.Order{Key: key, Lines: lines[:150+100*caller]}); err != nil {
						t.Errorf("reserve %s: %v", key, err)
					}
				})
			}
			wg.Wait()
			require.NoError(t, stock.Commit(t.Context(), "order 0"))
			differences, err := stock.Reconcile(t.Context())
			require.NoError(t, err)
			require.Empty(t, differences)
		})
	}
}

// TestTakesAllOrNothing: a group takes from many levels with one statement, which must find out that one is not there or has too little.
func TestTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		for _, found := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, found rows %t", s.name, found), func(t *testing.T) {
				t.Parallel()
				config, err := driver.ParseDSN(testenvtest.Database(t, s.server(t)))
				require.NoError(t, err)
				s.change(config)
				config.ClientFoundRows = found
				sqlstocktest.CheckTakesAllOrNothing(t, mysql.Open, openConfig(t, config))
			})
		}
	}
}

// TestOtherSettings: whatever the host's connections are like, the answers are the same.
func TestOtherSettings(t *testing.T) {
	t.Parallel()
	server := testenvtest.MariaDB(t)
	for name, change := range map[string]func(*driver.Config){
		"interpolated": func(c *driver.Config) { c.InterpolateParams = true },
		"found rows":   func(c *driver.Config) { c.ClientFoundRows = true },
		"serializable": func(c *driver.Config) { c.Params = map[string]string{"tx_isolation": "'SERIALIZABLE'"} },
		"parse time":   func(c *driver.Config) { c.ParseTime = true },
	} {
		for _, strategy := range strategies {
			t.Run(name+", "+strategy.String(), func(t *testing.T) {
				t.Parallel()
				config, err := driver.ParseDSN(testenvtest.Database(t, server))
				require.NoError(t, err)
				change(config)
				db := openConfig(t, config)
				if name == "interpolated" {
					db.SetMaxOpenConns(1)
				}
				stock := backend.Stock(t, db, &inventory.Options{Strategy: strategy, Retries: 10_000, Workers: 4}, 50)
				sqlstocktest.CheckSales(t, stock, 8, 50)
			})
		}
	}
}
