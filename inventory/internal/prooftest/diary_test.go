package prooftest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// A shop sells tea with two cups, of which there are plenty, and something rare, of which there are too few.
const (
	plenty = 1_000_000
	few    = 300
)

func fill(t testing.TB, stock *inventory.Inventory) {
	t.Helper()
	_, err := stock.Receive(t.Context(), inventory.Receipt{Key: "delivery", Lines: []inventory.Line{
		{SKU: "tea", Quantity: plenty}, {SKU: "cup", Quantity: 2 * plenty}, {SKU: "rare", Quantity: few},
	}})
	require.NoError(t, err)
}

// An answer is what a caller was told.
type answer int

const (
	notAsked answer = iota
	done            // it has happened
	refused         // it has not, for there are too few
	failed          // it has not
	unknown         // it may have
)

func answerOf(err error) answer {
	switch {
	case err == nil:
		return done
	case errors.Is(err, inventory.ErrInsufficient):
		return refused
	case errors.Is(err, inventory.ErrOutcomeUnknown):
		return unknown
	default:
		return failed
	}
}

// sale is an order's life as its caller knows it.
type sale struct {
	order           inventory.Order
	reserved        answer
	settled         answer
	as              inventory.State // what it is to become
	reserveError    error
	settlementError error
}

// newSale chooses by its number what an order buys and what becomes of it.
func newSale(key string, n int) *sale {
	s := &sale{order: inventory.Order{Key: key, Lines: []inventory.Line{{SKU: "tea", Quantity: 1}, {SKU: "cup", Quantity: 2}}}}
	if n%5 == 0 {
		s.order.Lines = append(s.order.Lines, inventory.Line{SKU: "rare", Quantity: 1})
	}
	s.as = []inventory.State{inventory.Held, inventory.Committed, inventory.Released}[n%3]
	return s
}

// settle does what is to become of a held order.
func (s *sale) settle(ctx context.Context, stock *inventory.Inventory) error {
	if s.as == inventory.Committed {
		return stock.Commit(ctx, s.order.Key)
	}
	return stock.Release(ctx, s.order.Key)
}

func (s *sale) run(ctx context.Context, stock *inventory.Inventory) {
	_, s.reserveError = stock.Reserve(ctx, s.order)
	s.reserved = answerOf(s.reserveError)
	if s.reserved == done && s.as != inventory.Held {
		s.settlementError = s.settle(ctx, stock)
		s.settled = answerOf(s.settlementError)
	}
}

// broken reports whether what is around the caller has failed it.
func (s *sale) broken() bool {
	return s.reserved == failed || s.reserved == unknown || s.settled == failed || s.settled == unknown
}

// diary has all sales.
type diary struct {
	mu       sync.Mutex
	sales    []*sale
	progress chan struct{} // one for each sale that was not broken
}

func newDiary() *diary { return &diary{progress: make(chan struct{}, 1<<20)} }

// sell lets a caller sell, one order after the other, until ctx ends or something breaks; an order in hand is brought to its end.
func (d *diary) sell(ctx context.Context, stock *inventory.Inventory, caller string) {
	for n := 0; ctx.Err() == nil; n++ {
		s := newSale(fmt.Sprintf("%s/%d", caller, n), n)
		s.run(context.WithoutCancel(ctx), stock)
		d.mu.Lock()
		d.sales = append(d.sales, s)
		d.mu.Unlock()
		if s.broken() {
			return
		}
		d.progress <- struct{}{}
	}
}

// callers starts some who sell until the function it returns is called.
func (d *diary) callers(ctx context.Context, stock *inventory.Inventory, n int, name string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for caller := range n {
		all.Go(func() { d.sell(ctx, stock, fmt.Sprintf("%s/%d", name, caller)) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// waitFor waits for n more sales.
func (d *diary) waitFor(t testing.TB, n int) {
	t.Helper()
	patience := time.After(60 * time.Second)
	for range n {
		select {
		case <-d.progress:
		case <-patience:
			t.Fatal("no more sales")
		}
	}
}

// check compares what callers were told with what there is: acknowledged and lost are none, called a failure and happened are none, oversold is nothing.
func (d *diary) check(t testing.TB, stock *inventory.Inventory, db *sql.DB) {
	t.Helper()
	counts := map[answer]int{}
	var all sync.WaitGroup
	work := make(chan *sale)
	for range 4 {
		all.Go(func() {
			for s := range work {
				if err := s.check(context.WithoutCancel(t.Context()), stock); err != nil {
					t.Errorf("%s: %v", s.order.Key, err)
				}
			}
		})
	}
	for _, s := range d.sales {
		counts[s.reserved]++
		counts[s.settled]++
		work <- s
	}
	close(work)
	all.Wait()
	t.Logf("%d done, %d refused, %d failed, %d unknown", counts[done], counts[refused], counts[failed], counts[unknown])
	require.Positive(t, counts[done])

	onHand := map[string]int64{"tea": plenty, "cup": 2 * plenty, "rare": few}
	reserved := map[string]int64{}
	for _, s := range d.sales {
		if s.reserved != done || s.as == inventory.Released && s.settled == done {
			continue
		}
		for _, line := range s.order.Lines {
			if s.as == inventory.Committed && s.settled == done {
				onHand[line.SKU] -= line.Quantity
			} else {
				reserved[line.SKU] += line.Quantity
			}
		}
	}
	levels, err := stock.Levels(t.Context(), "tea", "cup", "rare")
	require.NoError(t, err)
	for _, level := range levels {
		require.Equal(t, onHand[level.SKU], level.OnHand, "on hand of %s", level.SKU)
		require.Equal(t, reserved[level.SKU], level.Reserved, "reserved of %s", level.SKU)
	}
	requireWhole(t, stock, db)
}

// check asks what has become of the order. What was unknown is done once more, and then is known.
func (s *sale) check(ctx context.Context, stock *inventory.Inventory) error {
	if s.reserved == unknown {
		_, err := stock.Reserve(ctx, s.order)
		if s.reserved = answerOf(err); s.reserved != done && s.reserved != refused {
			return fmt.Errorf("a repeat of the order does not find out: %w", err)
		}
	}
	if s.settled == unknown {
		if err := s.settle(ctx, stock); err != nil {
			return fmt.Errorf("a repeat of the settlement does not find out: %w", err)
		}
		s.settled = done
	}
	found, err := stock.Reservation(ctx, s.order.Key)
	if s.reserved != done {
		if !errors.Is(err, inventory.ErrNotFound) {
			return fmt.Errorf("was called a failure (%w), and has happened: %w", s.reserveError, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("acknowledged and lost: %w", err)
	}
	want := inventory.Held
	if s.settled == done {
		want = s.as
	}
	if found.State != want {
		return fmt.Errorf("is %s, and was to be %s (%w)", found.State, want, s.settlementError)
	}
	return nil
}

// requireWhole reads the tables themselves: nothing is oversold, and the ledger has what the levels have.
func requireWhole(t testing.TB, stock *inventory.Inventory, db *sql.DB) {
	t.Helper()
	var oversold int64
	require.NoError(t, db.QueryRowContext(t.Context(),
		"SELECT COALESCE(SUM(CASE WHEN reserved > on_hand + backorder_limit OR on_hand < 0 OR reserved < 0 THEN 1 ELSE 0 END), 0) FROM inventory_levels").Scan(&oversold))
	require.Zero(t, oversold, "levels that are oversold")
	differences, err := stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
}

// shop is an inventory with what its callers were told.
type shop struct {
	*diary
	db    *sql.DB
	stock *inventory.Inventory
}
