package inventorytest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

func checkThresholds(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10))
	require.NoError(t, stock.Configure(ctx, inventory.Policy{Key: "p1", SKU: "tea", SafetyStock: 4, ReorderPoint: 2}))
	level, err := stock.Level(ctx, "tea", "")
	require.NoError(t, err)
	require.EqualValues(t, 6, level.Available())
	require.EqualValues(t, 2, level.Version)
	_, err = stock.Reserve(ctx, order("seven", line("tea", 7)))
	short, ok := errorAs[*inventory.InsufficientError](err)
	require.True(t, ok)
	require.EqualValues(t, 6, short.Available, "safety stock is not for orders")

	require.NoError(t, stock.Configure(ctx, inventory.Policy{Key: "p2", SKU: "tea", SafetyStock: 4, BackorderLimit: 5}))
	_, err = stock.Reserve(ctx, order("eleven", line("tea", 11)))
	require.NoError(t, err)
	_, err = stock.Reserve(ctx, order("one more", line("tea", 1)))
	require.ErrorIs(t, err, inventory.ErrInsufficient)
	level, err = stock.Level(ctx, "tea", "")
	require.NoError(t, err)
	require.EqualValues(t, -5, level.Available())
	require.Zero(t, level.Sellable())
	require.NoError(t, stock.Commit(ctx, "eleven"))
	requireLevel(t, stock, "tea", -1, 0)
	require.ErrorIs(t, stock.Configure(ctx, inventory.Policy{Key: "p3", SKU: "tea"}), inventory.ErrInsufficient,
		"a unit is sold ahead: the limit cannot go below it")
	require.NoError(t, stock.Configure(ctx, inventory.Policy{Key: "p4", SKU: "new", ReorderPoint: 3}))
	requireLevel(t, stock, "new", 0, 0)
	requireClean(t, stock)
}

func checkAdjust(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10), line("cup", 10))
	_, err := stock.Reserve(ctx, order("hold", line("tea", 4)))
	require.NoError(t, err)
	made, err := stock.Adjust(ctx, inventory.Adjustment{Key: "breakage", Reason: "broken", Reference: "note 3",
		Lines: []inventory.Line{line("tea", -6), line("cup", 2)}})
	require.NoError(t, err)
	require.Equal(t, []inventory.Movement{
		{Key: "breakage", Kind: inventory.KindAdjust, Line: 1, SKU: "cup", Location: inventory.DefaultLocation, OnHand: 2,
			Reason: "broken", Reference: "note 3", At: b.clock.Now()},
		{Key: "breakage", Kind: inventory.KindAdjust, Line: 2, SKU: "tea", Location: inventory.DefaultLocation, OnHand: -6,
			Reason: "broken", Reference: "note 3", At: b.clock.Now()},
	}, made)
	_, err = stock.Adjust(ctx, inventory.Adjustment{Key: "too much", Lines: []inventory.Line{line("cup", 1), line("tea", -1)}})
	short, ok := errorAs[*inventory.InsufficientError](err)
	require.True(t, ok, "reserved units are not to be adjusted away: %v", err)
	require.Equal(t, inventory.InsufficientError{SKU: "tea", Location: inventory.DefaultLocation, Want: 1}, *short)
	requireLevel(t, stock, "tea", 4, 4)
	requireLevel(t, stock, "cup", 12, 0)
	requireClean(t, stock)
}

func checkSet(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	made, err := stock.Set(ctx, inventory.Count{Key: "first count", SKU: "tea", OnHand: 8})
	require.NoError(t, err)
	require.EqualValues(t, 8, made[0].OnHand)
	_, err = stock.Set(ctx, inventory.Count{Key: "late", SKU: "tea", OnHand: 5, IfOnHand: new(int64(7))})
	changed, ok := errorAs[*inventory.ChangedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, inventory.ChangedError{SKU: "tea", Location: inventory.DefaultLocation, Expected: 7, OnHand: 8}, *changed)
	made, err = stock.Set(ctx, inventory.Count{Key: "right", SKU: "tea", OnHand: 5, IfOnHand: new(int64(8))})
	require.NoError(t, err)
	require.EqualValues(t, -3, made[0].OnHand)
	made, err = stock.Set(ctx, inventory.Count{Key: "confirmed", SKU: "tea", OnHand: 5})
	require.NoError(t, err)
	require.Zero(t, made[0].OnHand, "a count that finds what is there is in the ledger too")
	_, err = stock.Reserve(ctx, order("hold", line("tea", 3)))
	require.NoError(t, err)
	_, err = stock.Set(ctx, inventory.Count{Key: "below", SKU: "tea", OnHand: 2})
	require.ErrorIs(t, err, inventory.ErrInsufficient)
	requireLevel(t, stock, "tea", 5, 3)
	requireClean(t, stock)
}

func checkTransfer(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10))
	_, err := stock.Reserve(ctx, order("hold", line("tea", 4)))
	require.NoError(t, err)
	require.NoError(t, stock.Configure(ctx, inventory.Policy{Key: "p", SKU: "tea", BackorderLimit: 100}))
	_, err = stock.Transfer(ctx, inventory.Transfer{Key: "too much", SKU: "tea", To: "shop", Quantity: 7})
	short, ok := errorAs[*inventory.InsufficientError](err)
	require.True(t, ok, "goods that are not there cannot be moved: %v", err)
	require.EqualValues(t, 6, short.Available)
	made, err := stock.Transfer(ctx, inventory.Transfer{Key: "move", SKU: "tea", To: "shop", Quantity: 6, Reference: "van 2"})
	require.NoError(t, err)
	require.Len(t, made, 2)
	require.Zero(t, made[0].OnHand+made[1].OnHand)
	level, err := stock.Level(ctx, "tea", "shop")
	require.NoError(t, err)
	require.EqualValues(t, 6, level.OnHand)
	requireLevel(t, stock, "tea", 4, 4)
	_, err = stock.Transfer(ctx, inventory.Transfer{Key: "back", SKU: "tea", From: "shop", Quantity: 1})
	require.NoError(t, err)
	requireLevel(t, stock, "tea", 5, 4)
	requireClean(t, stock)
}

func checkReturn(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10), line("cup", 10))
	_, err := stock.Reserve(ctx, order("order", line("tea", 3), line("cup", 1)))
	require.NoError(t, err)
	require.NoError(t, stock.Commit(ctx, "order"))
	give := func(key string, lines ...inventory.Line) error {
		_, err := stock.Return(ctx, inventory.Return{Key: key, Reservation: "order", Lines: lines, Reason: "did not like it"})
		return err
	}
	require.NoError(t, give("first", line("tea", 2)))
	requireLevel(t, stock, "tea", 9, 0)
	require.ErrorIs(t, give("too much", line("tea", 2)), inventory.ErrInvalid)
	require.ErrorIs(t, give("never sold", line("pot", 1)), inventory.ErrInvalid)
	require.NoError(t, give("rest", line("tea", 1), line("cup", 1)))
	require.ErrorIs(t, give("nothing left", line("cup", 1)), inventory.ErrInvalid)
	requireLevel(t, stock, "tea", 10, 0)
	page, err := stock.Movements(ctx, inventory.MovementQuery{Key: "order"})
	require.NoError(t, err)
	require.Len(t, page.Movements, 7, "returns are filed under their reservation")
	requireClean(t, stock)
}

func levelsOf(levels ...inventory.Level) iter.Seq2[inventory.Level, error] {
	return func(yield func(inventory.Level, error) bool) {
		for _, level := range levels {
			if !yield(level, nil) {
				return
			}
		}
	}
}

func checkImport(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("sku 0003", 7))
	_, err := stock.Reserve(ctx, order("hold", line("sku 0003", 2)))
	require.NoError(t, err)
	var levels []inventory.Level
	for n := range 210 {
		levels = append(levels, inventory.Level{SKU: fmt.Sprintf("sku %04d", n), OnHand: int64(n), SafetyStock: 1, ReorderPoint: 2})
	}
	var seen []inventory.ImportProgress
	options := &inventory.ImportOptions{BatchSize: 80, Reason: "opening", Progress: func(p inventory.ImportProgress) { seen = append(seen, p) }}
	progress, err := stock.Import(ctx, "import", levelsOf(levels...), options)
	require.NoError(t, err)
	require.Equal(t, inventory.ImportProgress{Levels: 210}, progress)
	require.Equal(t, []inventory.ImportProgress{{Levels: 80}, {Levels: 160}, {Levels: 210}}, seen)
	requireLevel(t, stock, "sku 0003", 3, 2)
	requireLevel(t, stock, "sku 0209", 209, 0)
	level, err := stock.Level(ctx, "sku 0150", "")
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, []int64{level.SafetyStock, level.ReorderPoint})

	_, err = stock.Adjust(ctx, inventory.Adjustment{Key: "later", Lines: []inventory.Line{line("sku 0150", 5)}})
	require.NoError(t, err)
	progress, err = stock.Import(ctx, "import", levelsOf(levels...), options)
	require.NoError(t, err)
	require.Equal(t, inventory.ImportProgress{Levels: 210, Repeated: 210}, progress)
	requireLevel(t, stock, "sku 0150", 155, 0)
	levels[200].OnHand++
	progress, err = stock.Import(ctx, "import", levelsOf(levels...), options)
	require.ErrorIs(t, err, inventory.ErrConflict)
	require.Equal(t, 160, progress.Repeated)
	requireClean(t, stock)
}

func checkImportFaults(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	two := &inventory.ImportOptions{BatchSize: 2}
	_, err := stock.Import(ctx, "bad", levelsOf(inventory.Level{SKU: "a", OnHand: 1}, inventory.Level{SKU: "b", OnHand: 1},
		inventory.Level{SKU: "c", OnHand: 1}, inventory.Level{SKU: "d", OnHand: -1}), two)
	bad, ok := errorAs[*inventory.InvalidError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "levels[3].OnHand", bad.Field)
	levels, err := stock.Levels(ctx, "a", "b", "c", "d")
	require.NoError(t, err)
	require.Len(t, levels, 2, "the batch before the bad level stays, the one with it does not")

	broken := errors.New("line 3 is not JSON")
	_, err = stock.Import(ctx, "broken", func(yield func(inventory.Level, error) bool) { yield(inventory.Level{}, broken) }, nil)
	require.ErrorIs(t, err, broken)

	_, err = stock.Reserve(ctx, order("hold", line("a", 1)))
	require.NoError(t, err)
	_, err = stock.Import(ctx, "below", levelsOf(inventory.Level{SKU: "a"}), nil)
	require.ErrorIs(t, err, inventory.ErrInsufficient)
	_, err = stock.Import(ctx, "twice", levelsOf(inventory.Level{SKU: "b", OnHand: 5}, inventory.Level{SKU: "b", OnHand: 6}), nil)
	require.NoError(t, err)
	requireLevel(t, stock, "b", 6, 0)
	_, err = stock.Import(ctx, "", levelsOf(), nil)
	require.ErrorIs(t, err, inventory.ErrInvalid)
	requireClean(t, stock)
}

func checkLevels(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	var skus []string
	for n := range 30 {
		sku := fmt.Sprintf("sku %02d", n)
		skus = append(skus, sku)
		receive(t, stock, sku, line(sku, 1), inventory.Line{SKU: sku, Location: "shop", Quantity: 2})
	}
	levels, err := stock.Levels(ctx, append(skus, skus...)...)
	require.NoError(t, err)
	require.Len(t, levels, 60)
	none, err := stock.Levels(ctx)
	require.NoError(t, err)
	require.Empty(t, none)

	var paged []inventory.Level
	for query := (inventory.ListQuery{Limit: 7}); ; {
		page, err := stock.List(ctx, query)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Levels), 7)
		paged = append(paged, page.Levels...)
		if query.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	require.Equal(t, levels, paged)
	page, err := stock.List(ctx, inventory.ListQuery{Location: "shop", Limit: 30})
	require.NoError(t, err)
	require.Len(t, page.Levels, 30)
	require.Empty(t, page.Next, "a full last page is the last")
}

func checkLowStock(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	for n, sku := range []string{"a", "b", "c", "d"} {
		receive(t, stock, sku, line(sku, 5))
		require.NoError(t, stock.Configure(ctx, inventory.Policy{Key: "policy " + sku, SKU: sku, SafetyStock: 1, ReorderPoint: int64(n)}))
	}
	low := func() (skus []string) {
		page, err := stock.LowStock(ctx, inventory.ListQuery{Limit: 1})
		for require.NoError(t, err); ; require.NoError(t, err) {
			for _, level := range page.Levels {
				skus = append(skus, level.SKU)
			}
			if page.Next == "" {
				return skus
			}
			page, err = stock.LowStock(ctx, inventory.ListQuery{Limit: 1, Cursor: page.Next})
		}
	}
	require.Empty(t, low())
	_, err := stock.Reserve(ctx, order("order", line("a", 2), line("b", 3), line("c", 2), line("d", 2)))
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c", "d"}, low())
	require.NoError(t, stock.Release(ctx, "order"))
	require.Empty(t, low())
	page, err := stock.LowStock(ctx, inventory.ListQuery{Location: "shop"})
	require.NoError(t, err)
	require.Empty(t, page.Levels)
}

func checkMovements(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	for n := range 20 {
		if n%3 == 0 {
			b.clock.Advance(time.Second)
		}
		receive(t, stock, fmt.Sprint("delivery ", n), line("tea", 1), inventory.Line{SKU: "tea", Location: "shop", Quantity: 1}, line("cup", 1))
	}
	whole, err := stock.Movements(ctx, inventory.MovementQuery{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, whole.Movements, 60)
	for n := range whole.Movements[1:] {
		require.False(t, whole.Movements[n].At.Before(whole.Movements[n+1].At), "newest first")
	}
	all := func(query inventory.MovementQuery) (found []inventory.Movement) {
		for n := 0; ; n++ {
			page, err := stock.Movements(ctx, query)
			require.NoError(t, err)
			found = append(found, page.Movements...)
			if query.Cursor = page.Next; page.Next == "" {
				return found
			}
			b.clock.Advance(time.Millisecond) // what comes meanwhile is newer, and not on later pages
			receive(t, stock, fmt.Sprint(query.SKU, query.Location, n), line("tea", 1), inventory.Line{SKU: "tea", Location: "shop", Quantity: 1})
		}
	}
	require.Equal(t, whole.Movements, all(inventory.MovementQuery{Limit: 7}))
	require.Len(t, all(inventory.MovementQuery{SKU: "cup", Limit: 6}), 20)
	shop := all(inventory.MovementQuery{SKU: "tea", Location: "shop", Limit: 10})
	require.Greater(t, len(shop), 20)
	for _, m := range shop {
		require.Equal(t, "shop", m.Location)
	}
	one := all(inventory.MovementQuery{Key: "delivery 3"})
	require.Len(t, one, 3)
	require.Empty(t, all(inventory.MovementQuery{Key: "nobody"}))
	requireClean(t, stock)
}

func checkCursors(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("a", 1), line("b", 1), line("c", 1))
	page, err := stock.List(ctx, inventory.ListQuery{Limit: 1})
	require.NoError(t, err)
	for n := range page.Next {
		forged := page.Next[:n] + "!" + page.Next[n+1:]
		_, err := stock.List(ctx, inventory.ListQuery{Cursor: forged})
		require.ErrorIs(t, err, inventory.ErrInvalid)
		_, err = stock.Movements(ctx, inventory.MovementQuery{Cursor: forged})
		require.ErrorIs(t, err, inventory.ErrInvalid)
	}
	// A cursor of another query is harmless: some page, or an InvalidError, never a failure.
	_, err = stock.Movements(ctx, inventory.MovementQuery{Cursor: page.Next})
	if err != nil {
		require.ErrorIs(t, err, inventory.ErrInvalid)
	}
}

func checkEvents(t *testing.T, b *bench) {
	var mu sync.Mutex
	var got []string
	options := b.options()
	options.Events = func(_ context.Context, e inventory.Event) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%s %s %d", e.Kind, e.Level.SKU, e.Level.Available()))
		panic("a hook may be broken")
	}
	ctx, stock := t.Context(), b.openWith(t, options)
	expect := func(err error, want ...string) {
		t.Helper()
		require.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, want, got)
		got = nil
	}
	receive(t, stock, "delivery", line("tea", 5))
	expect(stock.Configure(ctx, inventory.Policy{Key: "policy", SKU: "tea", ReorderPoint: 2}))
	expect(second(stock.Reserve(ctx, order("one", line("tea", 2)))))
	expect(second(stock.Reserve(ctx, order("two", line("tea", 1)))), "low-stock tea 2")
	expect(second(stock.Reserve(ctx, order("two", line("tea", 1))))) // a repeat is no change
	expect(second(stock.Reserve(ctx, order("three", line("tea", 2)))), "out-of-stock tea 0")
	expect(stock.Commit(ctx, "one"))
	expect(stock.Release(ctx, "two"), "back-in-stock tea 1")
	b.clock.Advance(time.Hour)
	expect(second(stock.Sweep(ctx)))
	expect(second(stock.Adjust(ctx, inventory.Adjustment{Key: "fire", Lines: []inventory.Line{line("tea", -3)}})), "out-of-stock tea 0")
	expect(second(stock.Receive(ctx, inventory.Receipt{Key: "new", Lines: []inventory.Line{line("tea", 9)}})), "back-in-stock tea 9")
	requireClean(t, stock)
}

func checkReconcile(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("cup", 4), line("tea", 10))
	_, err := stock.Reserve(ctx, order("hold", line("tea", 3)))
	require.NoError(t, err)
	requireClean(t, stock)
	if b.storage.Damage == nil {
		return
	}
	b.storage.Damage(t, "tea", inventory.DefaultLocation)
	differences, err := stock.Reconcile(ctx)
	require.NoError(t, err)
	require.Equal(t, []inventory.Difference{{SKU: "tea", Location: inventory.DefaultLocation,
		OnHand: 11, Reserved: 3, LedgerOnHand: 10, LedgerReserved: 3, Held: 3}}, differences)
}

func checkCancelled(t *testing.T, b *bench) {
	stock := b.open(t)
	receive(t, stock, "delivery", line("tea", 4))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := stock.Reserve(ctx, order("late", line("tea", 1)))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, inventory.ErrOutcomeUnknown)
	_, err = stock.Reservation(t.Context(), "late")
	require.ErrorIs(t, err, inventory.ErrNotFound)
	_, err = stock.Levels(ctx, "tea")
	require.ErrorIs(t, err, context.Canceled)
	requireLevel(t, stock, "tea", 4, 0)
}

func checkClosed(t *testing.T, b *bench) {
	ctx := t.Context()
	stock, err := b.storage.Open(b.options())
	require.NoError(t, err)
	receive(t, stock, "delivery", line("tea", 4))
	require.NoError(t, stock.Close())
	require.NoError(t, stock.Close(), "closing again is no error")
	for name, err := range map[string]error{
		"reserve":   second(stock.Reserve(ctx, order("o", line("tea", 1)))),
		"commit":    stock.Commit(ctx, "o"),
		"level":     second(stock.Level(ctx, "tea", "")),
		"movements": second(stock.Movements(ctx, inventory.MovementQuery{})),
		"sweep":     second(stock.Sweep(ctx)),
		"reconcile": second(stock.Reconcile(ctx)),
		"import":    second(stock.Import(ctx, "i", levelsOf(inventory.Level{SKU: "a"}), nil)),
	} {
		require.ErrorIs(t, err, inventory.ErrClosed, name)
	}
}

func checkTx(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10))
	if b.storage.DB == nil {
		_, err := stock.ReserveTx(ctx, nil, order("o", line("tea", 1)))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorIs(t, stock.CommitTx(ctx, nil, "o"), errors.ErrUnsupported)
		return
	}
	begin := b.storage.DB.BeginTx
	tx, err := begin(ctx, nil)
	require.NoError(t, err)
	_, err = stock.ReserveTx(ctx, tx, order("undone", line("tea", 3)))
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	requireLevel(t, stock, "tea", 10, 0)
	_, err = stock.Reservation(ctx, "undone")
	require.ErrorIs(t, err, inventory.ErrNotFound)

	tx, err = begin(ctx, nil)
	require.NoError(t, err)
	_, err = stock.ReceiveTx(ctx, tx, inventory.Receipt{Key: "more", Lines: []inventory.Line{line("tea", 1)}})
	require.NoError(t, err)
	_, err = stock.ReserveTx(ctx, tx, order("done", line("tea", 3)))
	require.NoError(t, err)
	_, err = stock.ReserveTx(ctx, tx, order("too much", line("tea", 9)))
	require.ErrorIs(t, err, inventory.ErrInsufficient, "it sees what the same transaction took")
	require.NoError(t, stock.CommitTx(ctx, tx, "done"))
	_, err = stock.AdjustTx(ctx, tx, inventory.Adjustment{Key: "adjusted", Lines: []inventory.Line{line("tea", -1)}})
	require.NoError(t, err)
	_, err = stock.SetTx(ctx, tx, inventory.Count{Key: "counted", SKU: "cup", OnHand: 2})
	require.NoError(t, err)
	_, err = stock.TransferTx(ctx, tx, inventory.Transfer{Key: "moved", SKU: "cup", To: "shop", Quantity: 1})
	require.NoError(t, err)
	_, err = stock.ReturnTx(ctx, tx, inventory.Return{Key: "back", Reservation: "done", Lines: []inventory.Line{line("tea", 2)}})
	require.NoError(t, err)
	_, err = stock.ReserveTx(ctx, tx, order("released", line("tea", 2)))
	require.NoError(t, err)
	require.NoError(t, stock.ReleaseTx(ctx, tx, "released"))
	require.NoError(t, tx.Commit())
	requireLevel(t, stock, "tea", 9, 0)
	requireLevel(t, stock, "cup", 1, 0)
	_, err = stock.ReserveTx(ctx, nil, order("o", line("tea", 1)))
	require.ErrorIs(t, err, inventory.ErrInvalid)
	requireClean(t, stock)
}
