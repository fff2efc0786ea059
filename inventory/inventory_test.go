package inventory

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOptions(t *testing.T) {
	t.Parallel()
	for field, options := range map[string]*Options{
		"Options.Strategy":      {Strategy: 17},
		"Options.TTL":           {TTL: time.Millisecond},
		"Options.MaxTTL":        {MaxTTL: -time.Hour},
		"Options.SweepInterval": {SweepInterval: -2},
		"Options.Timeout":       {Timeout: -1},
		"Options.Retries":       {Retries: -1},
		"Options.QueueSize":     {QueueSize: -1},
		"Options.BatchSize":     {BatchSize: -1},
		"Options.BatchBytes":    {BatchBytes: -1},
		"Options.Workers":       {Workers: 1000},
	} {
		_, err := New(newGate(fine), options)
		bad, ok := errors.AsType[*InvalidError](err)
		require.True(t, ok, field)
		require.Equal(t, field, bad.Field)
	}
	_, err := New(nil, nil)
	require.ErrorIs(t, err, ErrInvalid)
	defaults := (*Options)(nil).WithDefaults()
	require.NoError(t, defaults.validate())
	again := defaults.WithDefaults()
	require.Equal(t, []any{defaults.TTL, defaults.MaxTTL, defaults.SweepInterval, defaults.BatchSize},
		[]any{again.TTL, again.MaxTTL, again.SweepInterval, again.BatchSize})
	short := (&Options{MaxTTL: time.Minute}).WithDefaults()
	require.NoError(t, short.validate(), "the default TTL gives way to a lower maximum")
}

// sweeper counts the background sweeps.
type sweeper struct {
	gate
	sweeps int
	err    error
}

func (s *sweeper) Sweep(context.Context, time.Time, int) ([]Result, error) {
	s.sweeps++
	return nil, s.err
}

func TestBackgroundSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		driver := &sweeper{err: errors.New("disk full")}
		stock, err := New(driver, &Options{SweepInterval: time.Minute, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		require.NoError(t, err)
		<-time.After(5*time.Minute + time.Second) // the bubble's time
		synctest.Wait()
		require.Equal(t, 5, driver.sweeps)
		require.Contains(t, logged.String(), "disk full")
		require.NoError(t, stock.Close())
		<-time.After(time.Hour)
		require.Equal(t, 5, driver.sweeps, "Close ends it")
	})
}

type tracer struct{ seen []string }

func (tr *tracer) Start(ctx context.Context, operation string, _ ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return ctx, func(err error, _ ...slog.Attr) {
		if err != nil {
			operation += " failed"
		}
		tr.seen = append(tr.seen, operation)
	}
}

func TestTracer(t *testing.T) {
	t.Parallel()
	tr := &tracer{}
	g := newGate(func(requests []Request) ([]Result, error) {
		if requests[0].Kind == KindRelease {
			return []Result{{Err: ErrSettled}}, nil
		}
		return fine(requests)
	})
	close(g.open)
	stock := openGate(t, g, Options{Tracer: tr})
	require.NoError(t, stock.Commit(t.Context(), "key"))
	require.EqualError(t, stock.Release(t.Context(), "key"), "inventory: release: "+ErrSettled.Error())
	require.Equal(t, []string{"inventory.commit", "inventory.release failed"}, tr.seen)
	require.NoError(t, stock.Close())
}

func TestHookMayCallTheInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		change := Change{Before: Level{SKU: "tea", OnHand: 1, Version: 1}, After: Level{SKU: "tea", Version: 2}}
		g := newGate(func(requests []Request) ([]Result, error) {
			if requests[0].Key == "first" {
				return []Result{{Changes: []Change{change}}}, nil
			}
			return fine(requests)
		})
		close(g.open)
		var stock *Inventory
		var nested error
		stock = openGate(t, g, Options{Events: func(ctx context.Context, e Event) {
			require.NoError(t, ctx.Err())
			nested = stock.Commit(ctx, "second")
		}})
		require.NoError(t, stock.Commit(t.Context(), "first"))
		require.NoError(t, nested)
		require.NoError(t, stock.Close())
	})
}

// TestDigest: whatever differs in the arguments differs in the digest, and what is the same order does not.
func TestDigest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[ab]{0,3}`)
		draw := func(name string) Request {
			r := Request{Kind: rapid.SampledFrom([]Kind{KindReserve, KindReceive}).Draw(rt, name), Reason: text.Draw(rt, name), Reference: text.Draw(rt, name)}
			for range rapid.IntRange(0, 2).Draw(rt, name) {
				r.Lines = append(r.Lines, Line{SKU: text.Draw(rt, name), Location: text.Draw(rt, name), Quantity: rapid.Int64Range(-2, 2).Draw(rt, name)})
			}
			return r
		}
		a, b := draw("a"), draw("b")
		same := a.Kind == b.Kind && a.Reason == b.Reason && a.Reference == b.Reference && len(a.Lines) == len(b.Lines)
		for n := 0; same && n < len(a.Lines); n++ {
			same = a.Lines[n] == b.Lines[n]
		}
		require.Equal(rt, same, a.digest(0) == b.digest(0))
		require.NotEqual(rt, a.digest(0), a.digest(1))
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor(newMovementCursor(Movement{Key: "k", Kind: KindReserve, Line: 1, At: time.UnixMicro(5)})))
	f.Add(encodeCursor(Place{SKU: "tea", Location: "main"}))
	f.Add("e30")
	f.Add("!")
	f.Fuzz(func(t *testing.T, cursor string) {
		request, err := MovementQuery{Cursor: cursor}.request()
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		if cursor != "" {
			require.NotNil(t, request.After)
			again, err := MovementQuery{Cursor: encodeCursor(newMovementCursor(*request.After))}.request()
			require.NoError(t, err)
			require.Equal(t, request.After, again.After)
		}
	})
}
