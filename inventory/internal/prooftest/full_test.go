package prooftest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// TestFullDatabase: a database that has no room left refuses orders whole, and what it has acknowledged is there.
func TestFullDatabase(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			server := mariadb.private(t, &testenv.Options{Args: []string{"--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:20M"}})
			db := mariadb.db(t, testenvtest.Database(t, server), 4)
			stock := mariadb.stock(t, db, strategy)
			var lines []inventory.Line
			for n := range 200 {
				lines = append(lines, inventory.Line{SKU: fmt.Sprintf("%s %03d", strings.Repeat("x", 100), n), Quantity: 1})
			}
			receipt := inventory.Receipt{Key: "delivery", Lines: lines}
			for n := range receipt.Lines {
				receipt.Lines[n].Quantity = plenty
			}
			_, err := stock.Receive(t.Context(), receipt)
			require.NoError(t, err)
			for n := range lines {
				lines[n].Quantity = 1
			}
			var kept int64
			for err == nil {
				require.Less(t, kept, int64(1000), "it fills up")
				_, err = stock.Reserve(t.Context(), inventory.Order{Key: fmt.Sprint("order ", kept), Reason: strings.Repeat("y", 200), Lines: lines})
				if err == nil {
					kept++
				}
			}
			t.Logf("after %d orders: %v", kept, err)
			require.Positive(t, kept)
			require.NotErrorIs(t, err, inventory.ErrOutcomeUnknown, "the database has said no")
			require.False(t, errors.Is(err, inventory.ErrInsufficient) || errors.Is(err, inventory.ErrContention), "it is not the order's fault, nor the others'")
			levels, err := stock.Levels(t.Context(), lines[0].SKU, lines[199].SKU)
			require.NoError(t, err)
			require.Equal(t, []int64{kept, kept}, []int64{levels[0].Reserved, levels[1].Reserved})
			requireWhole(t, stock, db)
		})
	}
}
