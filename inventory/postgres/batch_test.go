package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
)

// insertTracer keeps how many rows each insert of the ledger had.
type insertTracer struct {
	tracer
	rows []int
}

func (r *insertTracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if !strings.HasPrefix(data.SQL, "INSERT INTO inventory_movements (request_key") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, len(data.Args[0].([]string)))
}

// TestBatchBytes: the bytes of a group are bounded, and the callers are served all the same.
func TestBatchBytes(t *testing.T) {
	t.Parallel()
	config, err := pgx.ParseConfig(testenvtest.Database(t, testenvtest.Postgres(t)))
	require.NoError(t, err)
	seen := &insertTracer{tracer: tracer{seen: map[string]sqlstocktest.Statement{}}}
	config.Tracer = seen
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	// An order is some 350 bytes, so three of them fit.
	stock := backend.Stock(t, db, &inventory.Options{SweepInterval: -1, BatchBytes: 1200}, 1000)
	var wg sync.WaitGroup
	for caller := range 24 {
		wg.Go(func() {
			for n := range 5 {
				_, err := stock.Reserve(t.Context(), inventory.Order{Key: fmt.Sprintf("%02d/%d", caller, n), Reason: strings.Repeat("x", 200),
					Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
				if err != nil {
					t.Errorf("reserve: %v", err)
				}
			}
		})
	}
	wg.Wait()
	level, err := stock.Level(t.Context(), "tea", "")
	require.NoError(t, err)
	require.EqualValues(t, 120, level.Reserved)
	sum, most := 0, 0
	for _, rows := range seen.rows {
		sum, most = sum+rows, max(most, rows)
	}
	require.Equal(t, 122, sum, "with the receipt's")
	require.Equal(t, 3, most, "they share groups, and the bound holds")
}
