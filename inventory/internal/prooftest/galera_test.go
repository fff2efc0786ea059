package prooftest

import (
	"fmt"
	"sync"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// TestChaosGalera lets callers on all three nodes of a cluster sell the same SKUs with each strategy, then kills a node among
// them. Transactions of different nodes meet only at their COMMIT, where all but one fail the certification.
func TestChaosGalera(t *testing.T) {
	t.Parallel()
	cluster := testenvtest.PrivateGalera(t)
	var all []*galeraShop
	for _, strategy := range strategies {
		all = append(all, openGaleraShop(t, cluster, strategy))
	}
	for round := range rounds(1) {
		var stops []func()
		for _, shop := range all {
			for n, stock := range shop.nodes {
				stops = append(stops, shop.callers(t.Context(), stock, 3, fmt.Sprint(round, "/", n)))
			}
		}
		for _, shop := range all {
			shop.waitFor(t, 90)
		}
		for _, stop := range stops {
			stop()
		}
	}
	for n, shop := range all {
		require.NotEmpty(t, shop.sales)
		for _, s := range shop.sales {
			require.False(t, s.broken(), "%s: the nodes are well, and a failed certification is tried again: %v, %v", strategies[n], s.reserveError, s.settlementError)
		}
	}

	// The last node dies in the middle of selling; what it had acknowledged is on the others.
	var stops []func()
	for _, shop := range all {
		for n, stock := range shop.nodes {
			stops = append(stops, shop.callers(t.Context(), stock, 2, fmt.Sprint("last/", n)))
		}
	}
	for _, shop := range all {
		shop.waitFor(t, 30)
	}
	require.NoError(t, cluster.Nodes[2].Kill())
	for _, stop := range stops {
		stop()
	}
	for n, shop := range all {
		t.Log(strategies[n])
		db := mariadb.db(t, shop.dsns[0], 6)
		_, err := db.ExecContext(t.Context(), "SET GLOBAL wsrep_sync_wait = 15") // read what the others have written
		require.NoError(t, err)
		fresh := mariadb.db(t, shop.dsns[0], 6)
		shop.check(t, mariadb.stock(t, fresh, strategies[n]), fresh)
	}
}

// galeraShop is one database, sold from by way of each node.
type galeraShop struct {
	*diary
	dsns  []string
	nodes []*inventory.Inventory
}

func openGaleraShop(t *testing.T, cluster *testenv.Galera, strategy inventory.Strategy) *galeraShop {
	t.Helper()
	shop := &galeraShop{diary: newDiary()}
	first, err := driver.ParseDSN(testenvtest.Database(t, cluster.Nodes[0]))
	require.NoError(t, err)
	for _, node := range cluster.Nodes {
		config := first.Clone()
		config.Addr = node.Addr
		// Retries: three nodes fight harder than a shop's.
		config.Params = map[string]string{"wsrep_sync_wait": "7"}
		shop.dsns = append(shop.dsns, config.FormatDSN())
		stock := mariadb.stockWith(t, mariadb.db(t, config.FormatDSN(), 6),
			&inventory.Options{Strategy: strategy, SweepInterval: -1, Retries: 10_000, Timeout: patience})
		shop.nodes = append(shop.nodes, stock)
	}
	fill(t, shop.nodes[0])
	return shop
}

// TestGaleraSellsTheLastUnitOnce: all nodes fight for fewer units than they want.
func TestGaleraSellsTheLastUnitOnce(t *testing.T) {
	t.Parallel()
	cluster := testenvtest.PrivateGalera(t)
	const units, each = 20, 5
	var all sync.WaitGroup
	for _, strategy := range strategies {
		shop := openGaleraShop(t, cluster, strategy)
		_, err := shop.nodes[0].Receive(t.Context(), inventory.Receipt{Key: "last units", Lines: []inventory.Line{{SKU: "last", Quantity: units}}})
		require.NoError(t, err)
		d := shop.diary
		for n, stock := range shop.nodes {
			for caller := range 3 {
				all.Go(func() {
					for order := range each {
						s := &sale{as: inventory.Held, order: inventory.Order{Key: fmt.Sprint(n, "/", caller, "/", order),
							Lines: []inventory.Line{{SKU: "last", Quantity: 1}}}}
						s.run(t.Context(), stock)
						d.mu.Lock()
						d.sales = append(d.sales, s)
						d.mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		var sold int64
		for _, s := range d.sales {
			require.False(t, s.broken(), "%s: %v", strategy, s.reserveError)
			if s.reserved == done {
				sold++
			}
		}
		require.EqualValues(t, units, sold, "%s", strategy)
		level, err := shop.nodes[1].Level(t.Context(), "last", "")
		require.NoError(t, err)
		require.EqualValues(t, units, level.Reserved)
	}
}
