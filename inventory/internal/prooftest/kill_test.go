package prooftest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// TestChaosKilledDatabase kills the database with SIGKILL while every strategy sells on it, and starts it again; every third time
// it is stopped in an orderly way instead.
func TestChaosKilledDatabase(t *testing.T) {
	t.Parallel()
	for _, b := range servers {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			server := b.private(t, nil)
			var shops []*shop
			for _, strategy := range strategies {
				s := &shop{diary: newDiary()}
				s.db = b.db(t, testenvtest.Database(t, server), 10)
				// Small groups and several workers, so that the kill meets transactions at every stage.
				s.stock = b.stockWith(t, s.db, &inventory.Options{Strategy: strategy, SweepInterval: -1, Workers: 4, BatchSize: 4})
				fill(t, s.stock)
				shops = append(shops, s)
			}
			for round := range rounds(2) {
				var stops []func()
				for _, s := range shops {
					stops = append(stops, s.callers(t.Context(), s.stock, 8, fmt.Sprint(round)))
				}
				for _, s := range shops {
					s.waitFor(t, 60)
				}
				if round%3 != 2 {
					require.NoError(t, server.Kill())
				}
				require.NoError(t, server.Restart(t.Context()))
				for _, stop := range stops {
					stop()
				}
			}
			for n, s := range shops {
				t.Log(strategies[n])
				s.check(t, s.stock, s.db)
			}
		})
	}
}
