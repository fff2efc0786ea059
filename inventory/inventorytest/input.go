package inventorytest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

func errorAs[E error](err error) (E, bool) { return errors.AsType[E](err) }

func checkUnknownSKU(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10))
	_, err := stock.Reserve(ctx, order("order", line("tea", 1), line("unicorn", 1)))
	unknown, ok := errorAs[*inventory.UnknownSKUError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, inventory.UnknownSKUError{SKU: "unicorn", Location: inventory.DefaultLocation}, *unknown)
	require.ErrorIs(t, err, inventory.ErrUnknownSKU)
	require.ErrorIs(t, err, inventory.ErrNotFound)
	elsewhere := inventory.Line{SKU: "tea", Location: "moon", Quantity: 1}
	_, err = stock.Reserve(ctx, order("order", elsewhere))
	unknown, ok = errorAs[*inventory.UnknownSKUError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "moon", unknown.Location)
	_, err = stock.Adjust(ctx, inventory.Adjustment{Key: "a", Lines: []inventory.Line{elsewhere}})
	require.ErrorIs(t, err, inventory.ErrUnknownSKU)
	_, err = stock.Transfer(ctx, inventory.Transfer{Key: "t", SKU: "tea", From: "moon", To: "mars", Quantity: 1})
	require.ErrorIs(t, err, inventory.ErrUnknownSKU)
	_, err = stock.Level(ctx, "unicorn", "")
	require.ErrorIs(t, err, inventory.ErrUnknownSKU)
	levels, err := stock.Levels(ctx, "unicorn", "tea")
	require.NoError(t, err)
	require.Len(t, levels, 1, "unknown SKUs are left out, and none was made by a refusal")
	requireLevel(t, stock, "tea", 10, 0)
	requireClean(t, stock)
}

func checkBadInput(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "delivery", line("tea", 10))
	reserve := func(o inventory.Order) error { _, err := stock.Reserve(ctx, o); return err }
	tea := []inventory.Line{line("tea", 1)}
	long := strings.Repeat("x", 10_000)
	many := make([]inventory.Line, 10_000)
	for n := range many {
		many[n] = line(fmt.Sprint("sku", n), 1)
	}
	cases := []struct {
		field string
		err   error
	}{
		{"Key", reserve(inventory.Order{Lines: tea})},
		{"Key", reserve(order(long, tea...))},
		{"Key", reserve(order("\xff", tea...))},
		{"Key", reserve(order("a\x00b", tea...))},
		{"Key", reserve(order(" a", tea...))},
		{"Lines", reserve(order("k"))},
		{"Lines", reserve(order("k", many...))},
		{"Lines[0].Quantity", reserve(order("k", line("tea", 0)))},
		{"Lines[1].Quantity", reserve(order("k", line("tea", 1), line("tea", -1)))},
		{"Lines[0].Quantity", reserve(order("k", line("tea", inventory.MaxQuantity+1)))},
		{"Lines[1].Quantity", reserve(order("k", line("tea", inventory.MaxQuantity), line("tea", inventory.MaxQuantity)))},
		{"Lines[0].SKU", reserve(order("k", line("", 1)))},
		{"Lines[0].SKU", reserve(order("k", line("tea\xff", 1)))},
		{"Lines[0].SKU", reserve(order("k", line(long, 1)))},
		{"Lines[0].SKU", reserve(order("k", line("tea\n", 1)))},
		{"Lines[0].Location", reserve(order("k", inventory.Line{SKU: "tea", Location: long, Quantity: 1}))},
		{"TTL", reserve(inventory.Order{Key: "k", TTL: time.Millisecond, Lines: tea})},
		{"TTL", reserve(inventory.Order{Key: "k", TTL: -2, Lines: tea})},
		{"TTL", reserve(inventory.Order{Key: "k", TTL: 10_000 * time.Hour, Lines: tea})},
		{"Reason", reserve(inventory.Order{Key: "k", Lines: tea, Reason: long})},
		{"Reference", reserve(inventory.Order{Key: "k", Lines: tea, Reference: "\xff"})},
		{"Key", stock.Commit(ctx, "")},
		{"Key", stock.Release(ctx, long)},
		{"TTL", second(stock.Extend(ctx, "k", -5))},
		{"Lines[0].Quantity", second(stock.Adjust(ctx, inventory.Adjustment{Key: "k", Lines: []inventory.Line{line("tea", 0)}}))},
		{"Lines[0].Quantity", second(stock.Receive(ctx, inventory.Receipt{Key: "k", Lines: []inventory.Line{line("tea", -1)}}))},
		{"OnHand", second(stock.Set(ctx, inventory.Count{Key: "k", SKU: "tea", OnHand: -1}))},
		{"SKU", second(stock.Set(ctx, inventory.Count{Key: "k", OnHand: 1}))},
		{"SafetyStock", stock.Configure(ctx, inventory.Policy{Key: "k", SKU: "tea", SafetyStock: -1})},
		{"BackorderLimit", stock.Configure(ctx, inventory.Policy{Key: "k", SKU: "tea", BackorderLimit: inventory.MaxQuantity + 1})},
		{"To", second(stock.Transfer(ctx, inventory.Transfer{Key: "k", SKU: "tea", To: inventory.DefaultLocation, Quantity: 1}))},
		{"Quantity", second(stock.Transfer(ctx, inventory.Transfer{Key: "k", SKU: "tea", To: "shop", Quantity: -1}))},
		{"Reservation", second(stock.Return(ctx, inventory.Return{Key: "k", Lines: tea}))},
		{"sku", second(stock.Level(ctx, "", ""))},
		{"skus[1]", second(stock.Levels(ctx, "tea", ""))},
		{"skus", second(stock.Levels(ctx, make([]string, inventory.MaxPage+1)...))},
		{"Limit", second(stock.List(ctx, inventory.ListQuery{Limit: -1}))},
		{"Limit", second(stock.Movements(ctx, inventory.MovementQuery{Limit: inventory.MaxPage + 1}))},
		{"Cursor", second(stock.List(ctx, inventory.ListQuery{Cursor: "forged!"}))},
		{"Cursor", second(stock.Movements(ctx, inventory.MovementQuery{Cursor: long}))},
		{"Location", second(stock.Movements(ctx, inventory.MovementQuery{Location: "shop"}))},
		{"Key", second(stock.Movements(ctx, inventory.MovementQuery{SKU: "tea", Key: "k"}))},
	}
	for n, c := range cases {
		bad, ok := errorAs[*inventory.InvalidError](c.err)
		require.True(t, ok, "case %d (%s): %v", n, c.field, c.err)
		require.Equal(t, c.field, bad.Field, "case %d: %v", n, c.err)
		require.ErrorIs(t, c.err, inventory.ErrInvalid)
		require.Less(t, len(c.err.Error()), 300, "a message never repeats what it was given")
	}
	requireLevel(t, stock, "tea", 10, 0)
	page, err := stock.Movements(ctx, inventory.MovementQuery{})
	require.NoError(t, err)
	require.Len(t, page.Movements, 1, "nothing half written")
	requireClean(t, stock)
}

func second[T any](_ T, err error) error { return err }

// checkLimits goes to every limit: what is allowed must work.
func checkLimits(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	count := inventory.MaxLines
	if b.strategy != inventory.Grouped {
		count = 100 // a thousand lines are slow, and once is enough
	}
	lines := make([]inventory.Line, count)
	for n := range lines {
		lines[n] = line(fmt.Sprintf("sku %04d", n), 2)
	}
	key := strings.Repeat("k", inventory.MaxKeyLength)
	text := strings.Repeat("t", inventory.MaxTextLength)
	_, err := stock.Receive(ctx, inventory.Receipt{Key: "all", Lines: lines, Reason: text, Reference: text})
	require.NoError(t, err)
	hold, err := stock.Reserve(ctx, inventory.Order{Key: key, Lines: lines, Reason: text})
	require.NoError(t, err)
	require.Len(t, hold.Lines, count)
	require.NoError(t, stock.Commit(ctx, key))
	found, err := stock.Reservation(ctx, key)
	require.NoError(t, err)
	require.Equal(t, hold.Lines, found.Lines)
	sku, location := strings.Repeat("s", inventory.MaxSKULength), strings.Repeat("l", inventory.MaxLocationLength)
	receive(t, stock, "long names", inventory.Line{SKU: sku, Location: location, Quantity: inventory.MaxQuantity})
	level, err := stock.Level(ctx, sku, location)
	require.NoError(t, err)
	require.EqualValues(t, inventory.MaxQuantity, level.OnHand)
	requireClean(t, stock)
}

func checkOverflow(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	receive(t, stock, "all there is", line("sand", inventory.MaxQuantity))
	for name, err := range map[string]error{
		"receive": second(stock.Receive(ctx, inventory.Receipt{Key: "one more", Lines: []inventory.Line{line("sand", 1)}})),
		"adjust":  second(stock.Adjust(ctx, inventory.Adjustment{Key: "one more", Lines: []inventory.Line{line("sand", 1)}})),
	} {
		require.ErrorIs(t, err, inventory.ErrInvalid, name)
	}
	requireLevel(t, stock, "sand", inventory.MaxQuantity, 0)
	require.NoError(t, stock.Configure(ctx, inventory.Policy{Key: "policy", SKU: "sand", BackorderLimit: inventory.MaxQuantity}))
	_, err := stock.Reserve(ctx, order("everything", line("sand", inventory.MaxQuantity)))
	require.NoError(t, err)
	_, err = stock.Reserve(ctx, order("everything ahead", line("sand", inventory.MaxQuantity)))
	require.ErrorIs(t, err, inventory.ErrInvalid)
	requireClean(t, stock)
}

// checkOddNames: what looks alike to a database's collation is not the same.
func checkOddNames(t *testing.T, b *bench) {
	ctx, stock := t.Context(), b.open(t)
	names := []string{"tea", "Tea", "TEA", "te\u0301a", "téa", "茶", "🍵", "ß", "ss", "ı", "i", "%", "_", "'", `"`, `\`, "--", "a b", "a  b", "{}", "tea/1"}
	for n, name := range names {
		receive(t, stock, name, line(name, int64(n+1)), inventory.Line{SKU: name, Location: name, Quantity: 1})
	}
	for n, name := range names {
		level, err := stock.Level(ctx, name, "")
		require.NoError(t, err)
		require.EqualValues(t, n+1, level.OnHand, name)
		_, err = stock.Reserve(ctx, order("order of "+name, line(name, 1)))
		require.NoError(t, err)
		hold, err := stock.Reservation(ctx, "order of "+name)
		require.NoError(t, err)
		require.Equal(t, name, hold.Lines[0].SKU)
	}
	page, err := stock.List(ctx, inventory.ListQuery{Limit: 500})
	require.NoError(t, err)
	require.Len(t, page.Levels, 2*len(names))
	for n := range page.Levels[1:] {
		require.Negative(t, page.Levels[n].Place().Compare(page.Levels[n+1].Place()), "bytewise order")
	}
	requireClean(t, stock)
}
