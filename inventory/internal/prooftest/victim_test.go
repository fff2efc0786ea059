package prooftest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// victimEnv makes the test binary a client that is killed. It holds the victim.
const victimEnv = "INVENTORY_VICTIM"

type victim struct {
	Backend, DSN, Name string
	Strategy           inventory.Strategy
}

// sell prints every answer it was given, one a line, until it is killed.
func (v victim) sell() error {
	ctx := context.Background()
	b := backendNamed(v.Backend)
	db, err := b.connect(v.DSN)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(10)
	stock, err := b.open(ctx, db, &inventory.Options{Strategy: v.Strategy, SkipMigrations: true})
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				s := newSale(fmt.Sprintf("%s/%d/%d", v.Name, caller, n), n)
				s.run(ctx, stock)
				switch {
				case s.broken():
					fmt.Fprintln(os.Stderr, s.reserveError, s.settlementError)
					return
				case s.settled == done:
					fmt.Println(s.as, s.order.Key)
				case s.reserved == done:
					fmt.Println(inventory.Held, s.order.Key)
				}
			}
		})
	}
	all.Wait()
	return nil
}

// killed runs the victim and returns what it was promised before it was killed, so many promises later.
func (v victim) killed(t testing.TB, after int) map[string]inventory.State {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Env = append(os.Environ(), victimEnv+"="+string(text))
	var complaints strings.Builder
	process.Stderr = &complaints
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	promised := map[string]inventory.State{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		state, key, ok := strings.Cut(lines.Text(), " ")
		require.True(t, ok, "whole lines only: %q", lines.Text())
		promised[key] = inventory.State(state)
		if len(promised) == after {
			require.NoError(t, process.Process.Kill()) // what it had printed by then is still read
		}
	}
	require.Error(t, process.Wait())
	require.GreaterOrEqual(t, len(promised), after, "it sold until it was killed: %s", complaints.String())
	return promised
}

// TestChaosKilledClient kills a client in the middle of selling, again and again, while another goes on.
func TestChaosKilledClient(t *testing.T) {
	t.Parallel()
	each(t, backends, func(t *testing.T, b *backend, strategy inventory.Strategy) {
		dsn := b.database(t)
		db := b.db(t, dsn, 6)
		stock := b.stock(t, db, strategy)
		fill(t, stock)
		promised := map[string]inventory.State{}
		for round := range rounds(2) {
			d := newDiary()
			stop := d.callers(t.Context(), stock, 2, fmt.Sprint("survivor ", round))
			v := victim{Backend: b.name, DSN: dsn, Name: fmt.Sprint("victim ", round), Strategy: strategy}
			for key, state := range v.killed(t, 40+20*(round%4)) {
				promised[key] = state
			}
			d.waitFor(t, 20) // nothing that the dead one held stands in the way
			stop()
			for _, s := range d.sales {
				require.False(t, s.broken(), "the survivor: %v, %v", s.reserveError, s.settlementError)
				require.NoError(t, s.check(t.Context(), stock))
			}
			requireWhole(t, stock, db)
		}
		for key, state := range promised {
			found, err := stock.Reservation(t.Context(), key)
			require.NoError(t, err, "acknowledged and lost: %s", key)
			require.Equal(t, state, found.State, key)
		}
		levels, err := stock.Levels(t.Context(), "tea", "cup")
		require.NoError(t, err)
		require.Equal(t, 2*(plenty-levels[1].OnHand), 2*plenty-levels[0].OnHand, "orders are whole: levels come in order of SKU")
	})
}
