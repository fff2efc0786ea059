package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/inventory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestArithmetic plays random requests, with quantities up to the limits, and checks after each what must always hold.
func TestArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := NewBook()
		onHand, reserved := map[inventory.Place]int64{}, map[inventory.Place]int64{} // the sums of all movements
		quantity := rapid.OneOf(rapid.Int64Range(1, 9), rapid.Int64Range(inventory.MaxQuantity-3, inventory.MaxQuantity))
		for n := range rapid.IntRange(1, 25).Draw(rt, "requests") {
			r := drawRequest(rt, n, quantity)
			before := levelsOf(b)
			result, effect := b.Apply(r)
			if result.Err != nil || result.Repeat {
				require.Nil(rt, effect)
				require.Equal(rt, before, levelsOf(b), "what is refused or repeated changes nothing")
				continue
			}
			require.NotNil(rt, effect)
			for _, m := range effect.Movements {
				onHand[m.Place()] += m.OnHand
				reserved[m.Place()] += m.Reserved
			}
			held := map[inventory.Place]int64{}
			for _, record := range b.Records {
				if record.State == inventory.Held {
					for _, line := range record.Reservation().Lines {
						held[line.Place()] += line.Quantity
					}
				}
			}
			for place, level := range b.Levels {
				require.GreaterOrEqual(rt, level.OnHand-level.Reserved+level.BackorderLimit, int64(0), "oversold: %+v", level)
				require.GreaterOrEqual(rt, level.Reserved, int64(0))
				require.LessOrEqual(rt, level.OnHand, int64(inventory.MaxQuantity))
				require.Equal(rt, onHand[place], level.OnHand, "the ledger explains what is on hand")
				require.Equal(rt, reserved[place], level.Reserved, "the ledger explains what is reserved")
				require.Equal(rt, held[place], level.Reserved, "the holds explain what is reserved")
			}
			again, effect := b.Apply(r)
			if r.Kind != inventory.KindExtend {
				require.Nil(rt, effect, "a repeat changes nothing")
				require.NoError(rt, again.Err)
				require.Equal(rt, result.Movements, again.Movements, "a repeat has the first answer")
			}
		}
	})
}

func levelsOf(b *Book) map[inventory.Place]inventory.Level {
	levels := map[inventory.Place]inventory.Level{}
	for place, level := range b.Levels {
		levels[place] = level
	}
	return levels
}

func drawRequest(rt *rapid.T, n int, quantity *rapid.Generator[int64]) inventory.Request {
	kind := rapid.SampledFrom([]inventory.Kind{inventory.KindReceive, inventory.KindReserve, inventory.KindReserve, inventory.KindCommit, inventory.KindRelease,
		inventory.KindExpire, inventory.KindExtend, inventory.KindAdjust, inventory.KindSet, inventory.KindConfigure, inventory.KindImport,
		inventory.KindTransfer, inventory.KindReturn}).Draw(rt, "kind")
	hold := fmt.Sprint("order ", rapid.IntRange(0, 4).Draw(rt, "order"))
	r := inventory.Request{Kind: kind, Key: fmt.Sprint("key ", n), Now: noon.Add(time.Duration(n) * time.Minute)}
	line := inventory.Line{SKU: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "sku"), Location: "main", Quantity: quantity.Draw(rt, "quantity")}
	level := inventory.Level{SKU: line.SKU, Location: line.Location, OnHand: line.Quantity,
		SafetyStock: quantity.Draw(rt, "safety"), BackorderLimit: quantity.Draw(rt, "backorder")}
	switch kind {
	case inventory.KindReserve:
		r.Key, r.Lines, r.Expires = hold, []inventory.Line{line}, r.Now.Add(5*time.Minute)
		r.Hash[0] = byte(line.Quantity)
	case inventory.KindCommit, inventory.KindRelease, inventory.KindExpire, inventory.KindExtend:
		r.Key, r.Expires = hold, r.Now.Add(9*time.Minute)
	case inventory.KindReturn:
		r.Reservation, r.Lines = hold, []inventory.Line{line}
	case inventory.KindTransfer:
		there, back := line, line
		back.Quantity, there.Location = -line.Quantity, "shop"
		r.Lines = []inventory.Line{back, there}
	case inventory.KindAdjust:
		if rapid.Bool().Draw(rt, "down") {
			line.Quantity = -line.Quantity
		}
		r.Lines = []inventory.Line{line}
	case inventory.KindReceive:
		r.Lines = []inventory.Line{line}
	default:
		r.Levels = []inventory.Level{level}
	}
	return r
}

// TestAssume: what the short way of the conditional strategy takes for granted is what the decision with all levels known says.
func TestAssume(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := NewBook()
		small := rapid.Int64Range(1, 5)
		for n := range rapid.IntRange(1, 20).Draw(rt, "requests") {
			r := drawRequest(rt, n, small)
			var assumed *Book
			switch r.Kind {
			case inventory.KindReserve, inventory.KindReceive, inventory.KindAdjust:
				assumed = Assume([]inventory.Request{r}, nil)
			case inventory.KindCommit, inventory.KindRelease:
				if record := b.Records[r.Key]; record != nil {
					twin := *record
					assumed = Assume([]inventory.Request{r}, map[string]*Record{r.Key: &twin})
				}
			}
			result, effect := b.Apply(r)
			if effect == nil || assumed == nil {
				continue
			}
			guess, guessed := assumed.Apply(r)
			require.NoError(rt, guess.Err)
			require.Equal(rt, effect.Movements, guessed.Movements)
			require.Equal(rt, effect.New, guessed.New)
			require.Equal(rt, effect.Record.State, guessed.Record.State)
			require.Equal(rt, result.Reservation, guess.Reservation)
		}
	})
}
