package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

// diary is what callers were told.
type diary struct {
	mu                    sync.Mutex
	sold, failed, unknown map[string]error
	progress              chan struct{} // one for each sale
}

func newDiary() *diary {
	return &diary{sold: map[string]error{}, failed: map[string]error{}, unknown: map[string]error{}, progress: make(chan struct{}, 1<<20)}
}

func (d *diary) write(key string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.sold[key] = nil
		d.progress <- struct{}{}
	case errors.Is(err, inventory.ErrOutcomeUnknown):
		d.unknown[key] = err
	default:
		d.failed[key] = err
	}
}

// sell reserves, one order after the other, until ctx ends; an order in hand is brought to its end.
func (d *diary) sell(ctx context.Context, stock *inventory.Inventory, caller int) {
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("%d/%d", caller, n)
		lines := []inventory.Line{{SKU: "tea", Quantity: 1}, {SKU: "cup", Quantity: 2}}
		_, err := stock.Reserve(context.WithoutCancel(ctx), inventory.Order{Key: key, Lines: lines})
		d.write(key, err)
	}
}

// waitFor waits for n more sales.
func (d *diary) waitFor(t *testing.T, n int) {
	t.Helper()
	patience := time.After(30 * time.Second)
	for range n {
		select {
		case <-d.progress:
		case <-patience:
			t.Fatal("no more sales")
		}
	}
}

// check compares what callers were told with what there is.
func (d *diary) check(t *testing.T, stock *inventory.Inventory, units int64) {
	t.Helper()
	for key := range d.sold {
		_, err := stock.Reservation(t.Context(), key)
		require.NoError(t, err, "acknowledged and lost: %s", key)
	}
	for key, cause := range d.failed {
		_, err := stock.Reservation(t.Context(), key)
		require.ErrorIs(t, err, inventory.ErrNotFound, "called a failure, and has happened: %s (%v)", key, cause)
	}
	for key := range d.unknown {
		_, err := stock.Reserve(t.Context(), inventory.Order{Key: key,
			Lines: []inventory.Line{{SKU: "tea", Quantity: 1}, {SKU: "cup", Quantity: 2}}})
		require.NoError(t, err, "a repeat finds out: %s", key)
	}
	levels, err := stock.Levels(t.Context(), "tea", "cup")
	require.NoError(t, err)
	orders := int64(len(d.sold) + len(d.unknown))
	require.Equal(t, []int64{2 * orders, orders}, []int64{levels[0].Reserved, levels[1].Reserved})
	require.LessOrEqual(t, orders, units)
	differences, err := stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
	t.Logf("%d sold, %d failed, %d unknown", len(d.sold), len(d.failed), len(d.unknown))
}

func receiveTeaAndCups(t *testing.T, stock *inventory.Inventory, units int64) {
	t.Helper()
	_, err := stock.Receive(t.Context(), inventory.Receipt{Key: "delivery",
		Lines: []inventory.Line{{SKU: "tea", Quantity: units}, {SKU: "cup", Quantity: 2 * units}}})
	require.NoError(t, err)
}

func rounds(short int) int {
	if testenvtest.Long() {
		return 20
	}
	return short
}

// TestChaosCutLine cuts the connections to the database in the middle of selling. No answer may be wrong: sold is sold, failed
// has not happened, and an unknown outcome is found out by asking again.
func TestChaosCutLine(t *testing.T) {
	t.Parallel()
	server := testenvtest.MariaDB(t)
	for _, strategy := range strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			proxy := testenvtest.Proxy(t, server.Addr)
			config, err := driver.ParseDSN(testenvtest.Database(t, server))
			require.NoError(t, err)
			config.Addr = proxy.Addr()
			db := openConfig(t, config)
			stock, err := mysql.Open(t.Context(), db, &inventory.Options{Strategy: strategy, SweepInterval: -1, Retries: 10_000})
			require.NoError(t, err)
			defer stock.Close()
			const units = 1_000_000
			receiveTeaAndCups(t, stock, units)
			d := newDiary()
			ctx, stop := context.WithCancel(t.Context())
			var callers sync.WaitGroup
			for caller := range 8 {
				callers.Go(func() { d.sell(ctx, stock, caller) })
			}
			for range rounds(4) {
				d.waitFor(t, 20)
				proxy.Cut()
				require.NoError(t, proxy.Heal())
			}
			d.waitFor(t, 20)
			stop()
			callers.Wait()
			d.check(t, stock, units)
		})
	}
}

// TestChaosKilledServer kills the database with SIGKILL in the middle of selling and starts it again.
func TestChaosKilledServer(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateMariaDB(t, nil)
	config, err := driver.ParseDSN(testenvtest.Database(t, server))
	require.NoError(t, err)
	db := openConfig(t, config)
	// Several workers, so that the kill, which follows an answer, meets transactions at every stage.
	stock, err := mysql.Open(t.Context(), db, &inventory.Options{SweepInterval: -1, Workers: 4, BatchSize: 4})
	require.NoError(t, err)
	defer stock.Close()
	const units = 1_000_000
	receiveTeaAndCups(t, stock, units)
	d := newDiary()
	for round := range rounds(2) {
		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for caller := range 16 {
			callers.Go(func() { d.sell(ctx, stock, 100*round+caller) })
		}
		d.waitFor(t, 200)
		require.NoError(t, server.Kill())
		stop()
		callers.Wait()
		require.NoError(t, server.Restart(t.Context()))
	}
	d.check(t, stock, units)
}
