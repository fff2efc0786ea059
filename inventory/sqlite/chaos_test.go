package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

// victimEnv makes the test binary the process that is killed; it names the database.
const victimEnv = "INVENTORY_VICTIM_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		if err := sellUntilKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// sellUntilKilled prints every answer it was given, one a line.
func sellUntilKilled(path string) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", sqlite.DSN(path))
	if err != nil {
		return err
	}
	stock, err := sqlite.Open(ctx, db, nil)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for caller := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d/%d/%d", os.Getpid(), caller, n)
				lines := []inventory.Line{{SKU: "tea", Quantity: 1}, {SKU: "cup", Quantity: 2}}
				if _, err := stock.Reserve(ctx, inventory.Order{Key: key, Lines: lines}); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println("held", key)
				if n%3 == 0 {
					continue
				}
				if err := stock.Commit(ctx, key); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println("committed", key)
			}
		})
	}
	wg.Wait()
	return nil
}

// TestChaosKilledProcess kills a process in the middle of selling, again and again, and looks for what it had been promised.
func TestChaosKilledProcess(t *testing.T) {
	t.Parallel()
	rounds := 3
	if testenvtest.Long() {
		rounds = 20
	}
	const units = 1_000_000
	path := filepath.Join(t.TempDir(), "stock.db")
	stock, err := sqlite.Open(t.Context(), openDB(t, sqlite.DSN(path)), &inventory.Options{SweepInterval: -1})
	require.NoError(t, err)
	defer stock.Close()
	_, err = stock.Receive(t.Context(), inventory.Receipt{Key: "delivery",
		Lines: []inventory.Line{{SKU: "tea", Quantity: units}, {SKU: "cup", Quantity: 2 * units}}})
	require.NoError(t, err)
	promised := map[string]inventory.State{}
	for round := range rounds {
		for key, state := range killInTheMiddle(t, path, 150+50*round) {
			promised[key] = state
		}
		differences, err := stock.Reconcile(t.Context())
		require.NoError(t, err)
		require.Empty(t, differences)
	}
	for key, state := range promised {
		found, err := stock.Reservation(t.Context(), key)
		require.NoError(t, err, "acknowledged and lost: %s", key)
		if state == inventory.Committed {
			require.Equal(t, inventory.Committed, found.State, key)
		}
	}
	tea, err := stock.Level(t.Context(), "tea", "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, units-tea.OnHand+tea.Reserved, int64(len(promised)))
	cup, err := stock.Level(t.Context(), "cup", "")
	require.NoError(t, err)
	require.Equal(t, 2*tea.Available(), cup.Available(), "orders are whole")
	require.Positive(t, tea.OnHand-tea.Reserved)
}

// killInTheMiddle returns what the victim was answered before it was killed, some answers later than after.
func killInTheMiddle(t *testing.T, path string, after int) map[string]inventory.State {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), victimEnv+"="+path)
	var complaints strings.Builder
	victim.Stderr = &complaints
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	promised := map[string]inventory.State{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		state, key, ok := strings.Cut(lines.Text(), " ")
		require.True(t, ok, "whole lines only: %q", lines.Text())
		promised[key] = inventory.State(state)
		if n == after {
			require.NoError(t, victim.Process.Kill()) // SIGKILL; what it had printed by then is still read
		}
	}
	require.Error(t, victim.Wait())
	require.Greater(t, len(promised), after/3, "it sold until it was killed: %s", complaints.String())
	return promised
}
