package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/postgres"
)

// tracer keeps the first of each statement that a database is asked.
type tracer struct {
	mu   sync.Mutex
	seen map[string]sqlstocktest.Statement
}

func (r *tracer) record(query string, args []any) {
	explained := strings.HasPrefix(query, "SELECT") || strings.HasPrefix(query, "UPDATE") || strings.HasPrefix(query, "WITH")
	if !explained || !strings.Contains(query, "WHERE") || strings.Contains(query, "UNION ALL") /* Reconcile reads everything */ {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[query]; !ok {
		s := sqlstocktest.Statement{Query: query}
		for _, arg := range args {
			s.Args = append(s.Args, driver.NamedValue{Value: arg})
		}
		r.seen[query] = s
	}
}

func (r *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.record(data.SQL, data.Args)
	return ctx
}
func (r *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (r *tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (r *tracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	r.record(data.SQL, data.Args)
}
func (r *tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func TestEveryStatementHasAnIndex(t *testing.T) {
	t.Parallel()
	for _, strategy := range sqlstocktest.Strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			dsn := testenvtest.Database(t, testenvtest.Postgres(t))
			config, err := pgx.ParseConfig(dsn)
			require.NoError(t, err)
			seen := &tracer{seen: map[string]sqlstocktest.Statement{}}
			config.Tracer = seen
			db := stdlib.OpenDB(*config)
			defer db.Close()
			sqlstocktest.Use(t, func(o *inventory.Options) (*inventory.Inventory, error) { return postgres.Open(t.Context(), db, o) }, strategy)
			require.Greater(t, len(seen.seen), 10)
			explain(t, dsn, seen.seen)
		})
	}
}

// explain asks for the plans with sequential scans made dear, for the tables are small: one that remains has no index.
func explain(t *testing.T, dsn string, statements map[string]sqlstocktest.Statement) {
	t.Helper()
	db, err := sql.Open("pgx", dsn+"&enable_seqscan=off&enable_bitmapscan=off")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("ANALYZE")
	require.NoError(t, err)
	for _, statement := range statements {
		var plan strings.Builder
		for _, row := range sqlstocktest.Explain(t, db, "EXPLAIN ", statement) {
			plan.WriteString(row["QUERY PLAN"] + "\n")
		}
		require.NotContains(t, plan.String(), "Seq Scan", statement.Query)
		if statement.Paged() && !strings.Contains(statement.Query, "movements") {
			require.NotContains(t, plan.String(), "Sort", statement.Query)
		}
	}
}
