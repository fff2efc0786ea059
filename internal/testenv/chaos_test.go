package testenv_test

import (
	"database/sql"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
)

// What a server has acknowledged outlives every kill, and what stands before
// it heals: the ground that other tests of that kind stand on.
func TestChaosAcknowledgedRowsOutliveKills(t *testing.T) {
	t.Parallel()
	for _, kind := range sqlServers {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			server := kind.private(t, nil)
			acknowledgedRowsOutliveKills(t, server, kind.open(t, testenvtest.Database(t, server)))
		})
	}
}

func acknowledgedRowsOutliveKills(t *testing.T, server *testenv.Server, db *sql.DB) {
	rounds := 2
	if testenvtest.Long() {
		rounds = 25
	}
	_, err := db.ExecContext(t.Context(), "CREATE TABLE acknowledged (n INT PRIMARY KEY)")
	require.NoError(t, err)
	acknowledged := 0
	for round := range rounds {
		writer := make(chan int)
		go func() { // writes until the server dies under it
			n := acknowledged
			for {
				if _, err := db.ExecContext(t.Context(), "INSERT INTO acknowledged VALUES ("+strconv.Itoa(n)+")"); err != nil {
					break
				}
				n++
				select {
				case writer <- n:
				default:
				}
			}
			writer <- -1 // it is dead
			writer <- n
		}()
		for target := acknowledged + 1 + rand.IntN(50); ; {
			if n := <-writer; n >= target || n < 0 {
				require.Positive(t, n, "round %d: the server died by itself", round)
				break
			}
		}
		require.NoError(t, server.Kill())
		for n := range writer {
			if n < 0 {
				acknowledged = <-writer
				break
			}
		}
		require.NoError(t, server.Restart(t.Context()))
		var found int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM acknowledged WHERE n < "+strconv.Itoa(acknowledged)).Scan(&found))
		require.Equal(t, acknowledged, found, "round %d", round)
		// The one that was under way may have been committed without an answer.
		_, err = db.ExecContext(t.Context(), "DELETE FROM acknowledged WHERE n >= "+strconv.Itoa(acknowledged))
		require.NoError(t, err)
	}
}
