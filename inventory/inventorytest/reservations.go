package inventorytest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

func receive(t *testing.T, stock *inventory.Inventory, key string, lines ...inventory.Line) {
	t.Helper()
	_, err := stock.Receive(t.Context(), inventory.Receipt{Key: key, Lines: lines})
	require.NoError(t, err)
}

func line(sku string, quantity int64) inventory.Line {
	return inventory.Line{SKU: sku, Quantity: quantity}
}

func order(key string, lines ...inventory.Line) inventory.Order {
	return inventory.Order{Key: key, TTL: 10 * time.Minute, Lines: lines}
}

// requireLevel compares the quantities of a level at the default location.
func requireLevel(t *testing.T, stock *inventory.Inventory, sku string, onHand, reserved int64) {
	t.Helper()
	level, err := stock.Level(t.Context(), sku, "")
	require.NoError(t, err)
	require.Equal(t, []int64{onHand, reserved}, []int64{level.OnHand, level.Reserved}, "on hand and reserved of %s", sku)
}

func requireClean(t *testing.T, stock *inventory.Inventory) {
	t.Helper()
	differences, err := stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences, "levels, ledger and holds must agree")
}

func checkLifeCycle(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10), line("cup", 5))
	start := b.clock.Now()

	hold, err := stock.Reserve(ctx, inventory.Order{Key: "order", TTL: time.Hour, Reason: "web", Reference: "cart 7",
		Lines: []inventory.Line{line("tea", 1), line("cup", 2), line("tea", 2)}})
	require.NoError(t, err)
	want := inventory.Reservation{Key: "order", State: inventory.Held, ExpiresAt: start.Add(time.Hour), CreatedAt: start,
		Reason: "web", Reference: "cart 7", Lines: []inventory.Line{
			{SKU: "cup", Location: inventory.DefaultLocation, Quantity: 2},
			{SKU: "tea", Location: inventory.DefaultLocation, Quantity: 3}}}
	require.Equal(t, want, hold)
	requireLevel(t, stock, "tea", 10, 3)
	requireLevel(t, stock, "cup", 5, 2)

	b.clock.Advance(time.Minute)
	require.NoError(t, stock.Commit(ctx, "order"))
	requireLevel(t, stock, "tea", 7, 0)
	requireLevel(t, stock, "cup", 3, 0)
	want.State, want.SettledAt = inventory.Committed, start.Add(time.Minute)
	found, err := stock.Reservation(ctx, "order")
	require.NoError(t, err)
	require.Equal(t, want, found)

	page, err := stock.Movements(ctx, inventory.MovementQuery{Key: "order"})
	require.NoError(t, err)
	require.Len(t, page.Movements, 4)
	require.Equal(t, inventory.Movement{Key: "order", Reservation: "order", Kind: inventory.KindCommit, Line: 2, SKU: "tea",
		Location: inventory.DefaultLocation, OnHand: -3, Reserved: -3, Reason: "web", Reference: "cart 7", At: start.Add(time.Minute)},
		page.Movements[0])
	require.Equal(t, inventory.KindReserve, page.Movements[3].Kind)
	requireClean(t, stock)
}

// checkStates tries every operation on a reservation in every state.
func checkStates(t *testing.T, b *bench) {
	ctx, stock := context.Background(), b.open(t)
	receive(t, stock, "delivery", line("tea", 1000))
	reach := map[inventory.State]func(key string) error{
		inventory.Held:      func(string) error { return nil },
		inventory.Committed: func(key string) error { return stock.Commit(ctx, key) },
		inventory.Released:  func(key string) error { return stock.Release(ctx, key) },
		inventory.Expired: func(string) error {
			b.clock.Advance(11 * time.Minute)
			_, err := stock.Sweep(ctx)
			return err
		},
	}
	operations := map[string]func(key string) error{
		"commit":  func(key string) error { return stock.Commit(ctx, key) },
		"release": func(key string) error { return stock.Release(ctx, key) },
		"extend": func(key string) error {
			_, err := stock.Extend(ctx, key, 20*time.Minute)
			return err
		},
		"return": func(key string) error {
			_, err := stock.Return(ctx, inventory.Return{Key: "return " + key, Reservation: key, Lines: []inventory.Line{line("tea", 1)}})
			return err
		},
	}
	cases := []struct {
		from      inventory.State
		operation string
		err       error
		to        inventory.State
	}{
		{inventory.Held, "commit", nil, inventory.Committed},
		{inventory.Held, "release", nil, inventory.Released},
		{inventory.Held, "extend", nil, inventory.Held},
		{inventory.Committed, "commit", nil, inventory.Committed},
		{inventory.Committed, "release", inventory.ErrSettled, inventory.Committed},
		{inventory.Committed, "extend", inventory.ErrSettled, inventory.Committed},
		{inventory.Committed, "return", nil, inventory.Committed},
		{inventory.Released, "commit", inventory.ErrSettled, inventory.Released},
		{inventory.Released, "release", nil, inventory.Released},
		{inventory.Released, "extend", inventory.ErrSettled, inventory.Released},
		{inventory.Released, "return", inventory.ErrSettled, inventory.Released},
		{inventory.Expired, "commit", inventory.ErrExpired, inventory.Expired},
		{inventory.Expired, "release", nil, inventory.Expired},
		{inventory.Expired, "extend", inventory.ErrExpired, inventory.Expired},
		{inventory.Expired, "return", inventory.ErrExpired, inventory.Expired},
	}
	for _, c := range cases {
		key := string(c.from) + " " + c.operation
		_, err := stock.Reserve(ctx, order(key, line("tea", 3)))
		require.NoError(t, err, key)
		require.NoError(t, reach[c.from](key), key)
		require.ErrorIs(t, operations[c.operation](key), c.err, key)
		found, err := stock.Reservation(ctx, key)
		require.NoError(t, err, key)
		require.Equal(t, c.to, found.State, key)
		requireClean(t, stock)
	}
	_, err := stock.Reserve(ctx, order("a hold", line("tea", 3)))
	require.NoError(t, err)
	state, ok := errorAs[*inventory.StateError](operations["return"]("a hold"))
	require.True(t, ok, "a return of what is only held")
	require.Equal(t, inventory.Held, state.State)
	for name, operation := range operations {
		require.ErrorIs(t, operation("nobody"), inventory.ErrNotFound, name)
		require.ErrorIs(t, operation("delivery"), inventory.ErrNotFound, name+" of another request's key")
	}
	_, err = stock.Reservation(ctx, "nobody")
	require.ErrorIs(t, err, inventory.ErrNotFound)
	_, err = stock.Reservation(ctx, "delivery")
	require.ErrorIs(t, err, inventory.ErrNotFound)
}

func checkExpiry(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10))
	start := b.clock.Now()
	for _, key := range []string{"short", "long", "forever"} {
		ttl := map[string]time.Duration{"short": time.Minute, "long": time.Hour, "forever": -1}[key]
		hold, err := stock.Reserve(ctx, inventory.Order{Key: key, TTL: ttl, Lines: []inventory.Line{line("tea", 2)}})
		require.NoError(t, err)
		require.Equal(t, ttl == -1, hold.ExpiresAt.IsZero())
	}
	n, err := stock.Sweep(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "nothing is over yet")

	hold, err := stock.Extend(ctx, "short", 2*time.Minute)
	require.NoError(t, err)
	require.Equal(t, start.Add(2*time.Minute), hold.ExpiresAt)
	hold, err = stock.Extend(ctx, "long", time.Minute)
	require.NoError(t, err)
	require.Equal(t, start.Add(time.Hour), hold.ExpiresAt, "Extend never shortens")
	hold, err = stock.Extend(ctx, "forever", time.Minute)
	require.NoError(t, err)
	require.Zero(t, hold.ExpiresAt, "Extend never shortens what never ends")

	b.clock.Advance(2*time.Minute - time.Microsecond)
	n, err = stock.Sweep(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "one microsecond too early")
	b.clock.Advance(time.Microsecond)

	// Over, and not swept yet: the deadline counts.
	found, err := stock.Reservation(ctx, "short")
	require.NoError(t, err)
	require.Equal(t, inventory.Expired, found.State)
	state, ok := errorAs[*inventory.StateError](stock.Commit(ctx, "short"))
	require.True(t, ok)
	require.Equal(t, inventory.StateError{Key: "short", State: inventory.Expired}, *state)
	requireLevel(t, stock, "tea", 10, 6)

	n, err = stock.Sweep(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	requireLevel(t, stock, "tea", 10, 4)
	require.ErrorIs(t, stock.Commit(ctx, "short"), inventory.ErrExpired)
	page, err := stock.Movements(ctx, inventory.MovementQuery{Key: "short", Limit: 1})
	require.NoError(t, err)
	require.Equal(t, inventory.KindExpire, page.Movements[0].Kind)
	require.EqualValues(t, -2, page.Movements[0].Reserved)

	// Released after its time but before the sweep.
	b.clock.Advance(time.Hour)
	require.NoError(t, stock.Release(ctx, "long"))
	n, err = stock.Sweep(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
	requireLevel(t, stock, "tea", 10, 2)
	require.NoError(t, stock.Commit(ctx, "forever"))
	requireLevel(t, stock, "tea", 8, 0)
	requireClean(t, stock)
}

func checkAllOrNothing(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("cup", 5), line("pot", 1), line("tea", 5))
	_, err := stock.Reserve(ctx, order("too much", line("tea", 1), line("pot", 2), line("cup", 1)))
	short, ok := errorAs[*inventory.InsufficientError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, inventory.InsufficientError{SKU: "pot", Location: inventory.DefaultLocation, Want: 2, Available: 1}, *short)
	require.ErrorIs(t, err, inventory.ErrInsufficient)
	for sku, onHand := range map[string]int64{"cup": 5, "pot": 1, "tea": 5} {
		requireLevel(t, stock, sku, onHand, 0)
	}
	_, err = stock.Reservation(ctx, "too much")
	require.ErrorIs(t, err, inventory.ErrNotFound, "a refusal leaves nothing")

	_, err = stock.Reserve(ctx, order("summed", line("tea", 3), line("tea", 3)))
	short, ok = errorAs[*inventory.InsufficientError](err)
	require.True(t, ok, "lines of one SKU are summed: %v", err)
	require.EqualValues(t, 6, short.Want)

	// A refusal is not recorded: with new goods the same key does it.
	receive(t, stock, "second delivery", line("pot", 1))
	_, err = stock.Reserve(ctx, order("too much", line("tea", 1), line("pot", 2), line("cup", 1)))
	require.NoError(t, err)
	requireClean(t, stock)
}

func checkIdempotency(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	lines := []inventory.Line{line("tea", 5), line("cup", 2)}
	calls := []struct {
		name string
		call func() (any, error)
	}{
		{"receive", func() (any, error) { return stock.Receive(ctx, inventory.Receipt{Key: "k receive", Lines: lines}) }},
		{"adjust", func() (any, error) {
			return stock.Adjust(ctx, inventory.Adjustment{Key: "k adjust", Lines: []inventory.Line{line("tea", -1)}, Reason: "broken"})
		}},
		{"set", func() (any, error) {
			return stock.Set(ctx, inventory.Count{Key: "k set", SKU: "tea", OnHand: 9, IfOnHand: new(int64(4))})
		}},
		{"configure", func() (any, error) {
			return nil, stock.Configure(ctx, inventory.Policy{Key: "k configure", SKU: "tea", SafetyStock: 1})
		}},
		{"transfer", func() (any, error) {
			return stock.Transfer(ctx, inventory.Transfer{Key: "k transfer", SKU: "tea", To: "shop", Quantity: 2})
		}},
		{"reserve", func() (any, error) { return stock.Reserve(ctx, order("k reserve", line("tea", 2))) }},
		{"extend", func() (any, error) { return stock.Extend(ctx, "k reserve", time.Hour) }},
		{"commit", func() (any, error) { return nil, stock.Commit(ctx, "k reserve") }},
		{"return", func() (any, error) {
			return stock.Return(ctx, inventory.Return{Key: "k return", Reservation: "k reserve", Lines: []inventory.Line{line("tea", 1)}})
		}},
	}
	for _, c := range calls {
		first, err := c.call()
		require.NoError(t, err, c.name)
		before, err := stock.Levels(ctx, "tea", "cup")
		require.NoError(t, err)
		ledger, err := stock.Movements(ctx, inventory.MovementQuery{})
		require.NoError(t, err)
		for range 2 {
			again, err := c.call()
			require.NoError(t, err, c.name)
			require.Equal(t, first, again, c.name)
		}
		after, err := stock.Levels(ctx, "tea", "cup")
		require.NoError(t, err)
		require.Equal(t, before, after, c.name)
		ledgerAfter, err := stock.Movements(ctx, inventory.MovementQuery{})
		require.NoError(t, err)
		require.Equal(t, ledger, ledgerAfter, c.name)
	}
	// The answers stay what they were after all that followed.
	again, err := calls[0].call()
	require.NoError(t, err)
	require.Len(t, again, 2)
	hold, err := stock.Reserve(ctx, order("k reserve", line("tea", 2)))
	require.NoError(t, err)
	require.Equal(t, inventory.Committed, hold.State, "the reservation as it stands by now")
	requireClean(t, stock)
}

func checkKeyReused(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 100))
	_, err := stock.Reserve(ctx, order("key", line("tea", 1)))
	require.NoError(t, err)
	reuses := map[string]func() error{
		"other quantity": func() error { _, err := stock.Reserve(ctx, order("key", line("tea", 2))); return err },
		"other SKU":      func() error { _, err := stock.Reserve(ctx, order("key", line("cup", 1))); return err },
		"other TTL": func() error {
			_, err := stock.Reserve(ctx, inventory.Order{Key: "key", TTL: time.Hour, Lines: []inventory.Line{line("tea", 1)}})
			return err
		},
		"receive": func() error {
			_, err := stock.Receive(ctx, inventory.Receipt{Key: "key", Lines: []inventory.Line{line("tea", 1)}})
			return err
		},
		"adjust": func() error {
			_, err := stock.Adjust(ctx, inventory.Adjustment{Key: "key", Lines: []inventory.Line{line("tea", 1)}})
			return err
		},
		"set":       func() error { _, err := stock.Set(ctx, inventory.Count{Key: "key", SKU: "tea", OnHand: 1}); return err },
		"configure": func() error { return stock.Configure(ctx, inventory.Policy{Key: "key", SKU: "tea"}) },
		"transfer": func() error {
			_, err := stock.Transfer(ctx, inventory.Transfer{Key: "key", SKU: "tea", To: "shop", Quantity: 1})
			return err
		},
		"return": func() error {
			_, err := stock.Return(ctx, inventory.Return{Key: "key", Reservation: "key", Lines: []inventory.Line{line("tea", 1)}})
			return err
		},
	}
	for name, reuse := range reuses {
		conflict, ok := errorAs[*inventory.ConflictError](reuse())
		require.True(t, ok, name)
		require.Equal(t, "key", conflict.Key, name)
	}
	requireLevel(t, stock, "tea", 100, 1)
	requireClean(t, stock)
}
