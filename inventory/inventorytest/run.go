// Package inventorytest checks backends of package inventory, and helps to test programs that use it.
//
// [Run] is the conformance kit: a backend's test makes a [Harness] and calls it. [New] is an inventory for tests of a shop.
package inventorytest

import (
	"database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// Harness is what Run needs to know of a backend.
type Harness struct {
	// Storage makes a new, empty storage for one test and cleans it up at the test's end.
	Storage func(t testing.TB) Storage
	// Strategies to check. Default: Grouped only.
	Strategies []inventory.Strategy
}

// Storage is where a backend keeps stock.
type Storage struct {
	// Open returns an inventory on the storage. The kit closes it.
	Open func(options *inventory.Options) (*inventory.Inventory, error)
	// Shared says that Open may be called many times, and all the inventories see the same stock.
	Shared bool
	// DB, if the backend can join a transaction, begins one.
	DB *sql.DB
	// Damage adds one unit to what is on hand of a level, behind the ledger's back. Optional.
	Damage func(t testing.TB, sku, location string)
}

// Run checks that a backend keeps every promise of package inventory, with each strategy of the harness.
func Run(t *testing.T, h Harness) {
	strategies := h.Strategies
	if len(strategies) == 0 {
		strategies = []inventory.Strategy{inventory.Grouped}
	}
	for _, strategy := range strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			for _, check := range checks {
				t.Run(check.name, func(t *testing.T) {
					t.Parallel()
					check.run(t, &bench{storage: h.Storage(t), strategy: strategy, clock: NewClock()})
				})
			}
		})
	}
}

var checks = []struct {
	name string
	run  func(*testing.T, *bench)
}{
	{"LifeCycle", checkLifeCycle},
	{"States", checkStates},
	{"Expiry", checkExpiry},
	{"AllOrNothing", checkAllOrNothing},
	{"Idempotency", checkIdempotency},
	{"KeyReused", checkKeyReused},
	{"UnknownSKU", checkUnknownSKU},
	{"BadInput", checkBadInput},
	{"Limits", checkLimits},
	{"Overflow", checkOverflow},
	{"Thresholds", checkThresholds},
	{"Adjust", checkAdjust},
	{"Set", checkSet},
	{"Transfer", checkTransfer},
	{"Return", checkReturn},
	{"Import", checkImport},
	{"ImportFaults", checkImportFaults},
	{"Levels", checkLevels},
	{"LowStock", checkLowStock},
	{"Movements", checkMovements},
	{"Cursors", checkCursors},
	{"Events", checkEvents},
	{"Reconcile", checkReconcile},
	{"Cancelled", checkCancelled},
	{"Closed", checkClosed},
	{"Tx", checkTx},
	{"OddNames", checkOddNames},
	{"NoOversell", checkNoOversell},
	{"OneKeyManyCallers", checkOneKeyManyCallers},
	{"UnsortedOrders", checkUnsortedOrders},
	{"SettleRace", checkSettleRace},
	{"FirstReceipts", checkFirstReceipts},
	{"ReturnRace", checkReturnRace},
	{"ConcurrentSweeps", checkConcurrentSweeps},
	{"Allocation", checkAllocation},
	{"AllocationRace", checkAllocationRace},
	{"Linearizable", checkLinearizable},
	{"LikeTheModel", checkLikeTheModel},
}

// bench is what one check works with.
type bench struct {
	storage  Storage
	strategy inventory.Strategy
	clock    *Clock
}

func (b *bench) options() *inventory.Options {
	// Retries: the kit asks whether answers are right, and its callers fight harder than a shop's.
	return &inventory.Options{Strategy: b.strategy, SweepInterval: -1, Retries: 10_000, Now: b.clock.Now, Logger: slog.New(slog.DiscardHandler)}
}

func (b *bench) open(t *testing.T) *inventory.Inventory {
	t.Helper()
	return b.openWith(t, b.options())
}

func (b *bench) openWith(t *testing.T, options *inventory.Options) *inventory.Inventory {
	t.Helper()
	stock, err := b.storage.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stock.Close()) })
	return stock
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows some moment of 2026.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now is what Options.Now wants.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
