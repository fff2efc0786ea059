package inventorytest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// checkLinearizable records what callers saw while they fought for a few units, and lets porcupine look for an
// order of the calls, one after the other, that explains it.
func checkLinearizable(t *testing.T, b *bench) {
	const units, callers, rounds = 4, 6, 5
	ctx, stocks := t.Context(), b.handles(t)
	receive(t, stocks[0], "delivery", line("tea", units))
	var mu sync.Mutex
	var history []porcupine.Operation
	record := func(caller int, input step, call func() outcome) {
		started := time.Now().UnixNano()
		output := call()
		ended := time.Now().UnixNano()
		mu.Lock()
		defer mu.Unlock()
		history = append(history, porcupine.Operation{ClientId: caller, Input: input, Call: started, Output: output, Return: ended})
	}
	together(callers, stocks, func(caller int, stock *inventory.Inventory) {
		for round := range rounds {
			key := fmt.Sprintf("order %d/%d", caller, round)
			quantity := int64(1 + (caller+round)%2)
			had := false
			record(caller, step{kind: inventory.KindReserve, quantity: quantity}, func() outcome {
				_, err := stock.Reserve(ctx, order(key, line("tea", quantity)))
				had = err == nil
				if err != nil && !errors.Is(err, inventory.ErrInsufficient) {
					t.Errorf("reserve: %v", err)
				}
				return outcome{ok: had}
			})
			record(caller, step{}, func() outcome {
				level, err := stock.Level(ctx, "tea", "")
				if err != nil {
					t.Errorf("level: %v", err)
				}
				return outcome{ok: true, onHand: level.OnHand, reserved: level.Reserved}
			})
			if !had {
				continue
			}
			kind, settle := inventory.KindRelease, stock.Release
			if (caller+round)%5 == 0 {
				kind, settle = inventory.KindCommit, stock.Commit
			}
			record(caller, step{kind: kind, quantity: quantity}, func() outcome {
				err := settle(ctx, key)
				if err != nil {
					t.Errorf("%s: %v", kind, err)
				}
				return outcome{ok: err == nil}
			})
		}
	})
	result, info := porcupine.CheckOperationsVerbose(stockModel(units), history, time.Minute)
	if result != porcupine.Ok {
		path := t.TempDir() + "/history.html"
		t.Logf("history: %s (%v)", path, porcupine.VisualizePath(stockModel(units), info, path))
	}
	require.Equal(t, porcupine.Ok, result, "the history has an order that explains it")
}

// step is a call; one without a kind reads the level.
type step struct {
	kind     inventory.Kind
	quantity int64
}

type outcome struct {
	ok               bool
	onHand, reserved int64
}

func stockModel(units int64) porcupine.Model {
	type shelf struct{ onHand, reserved int64 }
	return porcupine.Model{
		Init: func() any { return shelf{onHand: units} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(shelf), input.(step), output.(outcome)
			switch in.kind {
			case inventory.KindReserve:
				if enough := s.onHand-s.reserved >= in.quantity; enough != out.ok || !enough {
					return enough == out.ok, s
				}
				s.reserved += in.quantity
			case inventory.KindRelease:
				s.reserved -= in.quantity
			case inventory.KindCommit:
				s.onHand -= in.quantity
				s.reserved -= in.quantity
			default:
				return s == shelf{out.onHand, out.reserved}, s
			}
			return out.ok, s
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	}
}
