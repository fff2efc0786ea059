package inventorytest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/memory"
)

// checkLikeTheModel plays random histories to the backend and to the memory backend, which must answer and end alike.
func checkLikeTheModel(t *testing.T, b *bench) {
	stock := b.open(t)
	var run atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		if b.storage.Shared && run.Load() >= 15 {
			return // on a disk, rapid's usual hundred would take minutes
		}
		model, err := memory.Open(b.options())
		require.NoError(rt, err)
		defer model.Close()
		// All runs share one storage; the prefix keeps them apart and is as long in each.
		history := player{prefix: fmt.Sprintf("run%06d ", run.Add(1)), clock: b.clock}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			call := history.draw(rt)
			want, got := call(model), call(stock)
			require.Equal(rt, want, got)
		}
		ctx := context.Background()
		want, err := model.Levels(ctx, history.skus()...)
		require.NoError(rt, err)
		got, err := stock.Levels(ctx, history.skus()...)
		require.NoError(rt, err)
		require.Equal(rt, want, got)
		for _, level := range want {
			require.GreaterOrEqual(rt, level.OnHand-level.Reserved+level.BackorderLimit, int64(0), "oversold: %+v", level)
		}
		differences, err := model.Reconcile(ctx)
		require.NoError(rt, err)
		require.Empty(rt, differences)
		// What the run still holds must not be swept in the next one.
		for _, key := range history.orders() {
			require.Equal(rt, answerOf(nil, model.Release(ctx, key)), answerOf(nil, stock.Release(ctx, key)))
		}
	})
	requireClean(t, stock)
}

// player draws calls about few SKUs and few keys, so that they meet.
type player struct {
	prefix string
	clock  *Clock
}

func (p *player) skus() []string { return []string{p.prefix + "a", p.prefix + "b"} }
func (p *player) orders() []string {
	return []string{p.prefix + "o1", p.prefix + "o2", p.prefix + "o3"}
}

// answer is what a call returned, in a form that can be compared.
type answer struct {
	value any
	err   string
}

var sentinels = []error{inventory.ErrInvalid, inventory.ErrInsufficient, inventory.ErrUnknownSKU, inventory.ErrNotFound, inventory.ErrConflict,
	inventory.ErrExpired, inventory.ErrSettled, inventory.ErrChanged}

// answerOf requires that a refusal is one that package inventory documents.
func answerOf(value any, err error) answer {
	if err == nil {
		return answer{value: value}
	}
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			return answer{err: err.Error()}
		}
	}
	return answer{err: "undocumented: " + err.Error()}
}

func (p *player) draw(rt *rapid.T) func(*inventory.Inventory) answer {
	ctx := context.Background()
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(rt, name) }
	sku := pick("sku", p.skus()...)
	location := pick("location", "", "shop")
	hold := pick("order", p.orders()...)
	key := p.prefix + pick("key", "k1", "k2", "k3", "k4")
	quantity := rapid.Int64Range(1, 6).Draw(rt, "quantity")
	lines := []inventory.Line{{SKU: sku, Location: location, Quantity: quantity}}
	if rapid.Bool().Draw(rt, "two lines") {
		lines = append(lines, inventory.Line{SKU: pick("second sku", p.skus()...), Quantity: rapid.Int64Range(1, 3).Draw(rt, "second quantity")})
	}
	switch kind := pick("operation", "receive", "receive", "reserve", "reserve", "commit", "release", "extend", "adjust", "set",
		"configure", "transfer", "return", "import", "sweep"); kind {
	case "receive":
		return func(i *inventory.Inventory) answer {
			return answerOf(i.Receive(ctx, inventory.Receipt{Key: key, Lines: lines}))
		}
	case "reserve":
		ttl := rapid.SampledFrom([]time.Duration{-1, time.Minute, time.Hour}).Draw(rt, "ttl")
		return func(i *inventory.Inventory) answer {
			return answerOf(i.Reserve(ctx, inventory.Order{Key: hold, TTL: ttl, Lines: lines}))
		}
	case "commit":
		return func(i *inventory.Inventory) answer { return answerOf(nil, i.Commit(ctx, hold)) }
	case "release":
		return func(i *inventory.Inventory) answer { return answerOf(nil, i.Release(ctx, hold)) }
	case "extend":
		return func(i *inventory.Inventory) answer { return answerOf(i.Extend(ctx, hold, 30*time.Minute)) }
	case "adjust":
		lines[0].Quantity -= 4
		return func(i *inventory.Inventory) answer {
			return answerOf(i.Adjust(ctx, inventory.Adjustment{Key: key, Lines: lines}))
		}
	case "set":
		count := inventory.Count{Key: key, SKU: sku, Location: location, OnHand: quantity}
		if rapid.Bool().Draw(rt, "expecting") {
			count.IfOnHand = new(rapid.Int64Range(0, 6).Draw(rt, "expected"))
		}
		return func(i *inventory.Inventory) answer { return answerOf(i.Set(ctx, count)) }
	case "configure":
		policy := inventory.Policy{Key: key, SKU: sku, Location: location, SafetyStock: quantity - 1, BackorderLimit: 6 - quantity}
		return func(i *inventory.Inventory) answer { return answerOf(nil, i.Configure(ctx, policy)) }
	case "transfer":
		transfer := inventory.Transfer{Key: key, SKU: sku, From: location, To: "shop", Quantity: quantity}
		return func(i *inventory.Inventory) answer { return answerOf(i.Transfer(ctx, transfer)) }
	case "return":
		return func(i *inventory.Inventory) answer {
			return answerOf(i.Return(ctx, inventory.Return{Key: key, Reservation: hold, Lines: lines}))
		}
	case "import":
		level := inventory.Level{SKU: sku, Location: location, OnHand: quantity, BackorderLimit: 1}
		return func(i *inventory.Inventory) answer { return answerOf(i.Import(ctx, key, levelsOf(level), nil)) }
	default:
		p.clock.Advance(2 * time.Minute)
		return func(i *inventory.Inventory) answer { return answerOf(i.Sweep(ctx)) }
	}
}
