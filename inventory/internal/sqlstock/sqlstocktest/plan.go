// Package sqlstocktest has the tests that all SQL backends of package inventory share, beyond the public kit.
package sqlstocktest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

// A statement of package sqlstock must be answered by an index. A Recorder keeps what a database is asked while an inventory is
// used; then the database explains it.

// Statement is one that was executed.
type Statement struct {
	Query string
	Args  []driver.NamedValue
}

// Paged reports whether the statement reads a page and so must come in order, from an index. The ledger of a few keys
// is a handful of rows, sorting which needs none.
func (s Statement) Paged() bool {
	return strings.Contains(s.Query, "LIMIT") && !strings.Contains(s.Query, "request_key IN") && !strings.Contains(s.Query, "request_key = ANY")
}

// Recorder is a driver.Connector that keeps the first of each SELECT, UPDATE and DELETE it passes on.
type Recorder struct {
	driver.Connector
	mu   sync.Mutex
	seen map[string]Statement
}

// Record wraps a connector. Its connections must take statements without preparing them.
func Record(connector driver.Connector) *Recorder {
	return &Recorder{Connector: connector, seen: map[string]Statement{}}
}

// Connect is part of driver.Connector.
func (r *Recorder) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &recordedConn{conn.(fullConn), r}, nil
}

type fullConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnBeginTx
}

type recordedConn struct {
	fullConn
	recorder *Recorder
}

func (c *recordedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.recorder.record(query, args)
	return c.fullConn.QueryContext(ctx, query, args)
}

func (c *recordedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.recorder.record(query, args)
	return c.fullConn.ExecContext(ctx, query, args)
}

func (r *Recorder) record(query string, args []driver.NamedValue) {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	if !slices.Contains([]string{"SELECT", "UPDATE", "DELETE"}, verb) || !strings.Contains(query, "WHERE") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[query]; !ok {
		r.seen[query] = Statement{Query: query, Args: slices.Clone(args)}
	}
}

// Statements returns what was recorded, but for the ones that read everything by design.
func (r *Recorder) Statements() []Statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Statement
	for _, statement := range r.seen {
		if !strings.Contains(statement.Query, "UNION ALL") { // Reconcile
			all = append(all, statement)
		}
	}
	return all
}

// Use fills an inventory on the recorder's database with some hundred rows, then calls all of its operations.
func Use(t *testing.T, open func(*inventory.Options) (*inventory.Inventory, error), strategy inventory.Strategy) {
	t.Helper()
	ctx := t.Context()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	stock, err := open(&inventory.Options{Strategy: strategy, SweepInterval: -1, Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer stock.Close()
	for batch := range 4 {
		var lines []inventory.Line
		for n := range 200 {
			lines = append(lines, inventory.Line{SKU: fmt.Sprintf("sku %04d", n), Location: fmt.Sprint("shop ", batch), Quantity: 5})
		}
		_, err := stock.Receive(ctx, inventory.Receipt{Key: fmt.Sprint("delivery ", batch), Lines: lines})
		require.NoError(t, err)
		now = now.Add(time.Second)
	}
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for n := range 20 {
				line := inventory.Line{SKU: fmt.Sprintf("sku %04d", 8*n+caller), Location: "shop 1", Quantity: 1}
				_, err := stock.Reserve(ctx, inventory.Order{Key: fmt.Sprintf("order %d/%d", caller, n), TTL: time.Hour, Lines: []inventory.Line{line}})
				if err != nil {
					t.Errorf("reserve: %v", err)
				}
			}
		})
	}
	wg.Wait()
	some := inventory.Line{SKU: "sku 0008", Location: "shop 1", Quantity: 1}
	require.NoError(t, stock.Commit(ctx, "order 0/1"))
	require.NoError(t, stock.Release(ctx, "order 1/1"))
	_, err = stock.Extend(ctx, "order 2/1", 2*time.Hour)
	require.NoError(t, err)
	_, err = stock.Return(ctx, inventory.Return{Key: "return", Reservation: "order 0/1", Lines: []inventory.Line{some}})
	require.NoError(t, err)
	_, err = stock.Adjust(ctx, inventory.Adjustment{Key: "adjust", Lines: []inventory.Line{some}})
	require.NoError(t, err)
	_, err = stock.Levels(ctx, "sku 0001", "sku 0002", "sku 0003")
	require.NoError(t, err)
	_, err = stock.Reservation(ctx, "order 3/1")
	require.NoError(t, err)
	list(t, stock)
	now = now.Add(time.Minute)
	_, err = stock.Reserve(ctx, inventory.Order{Key: "soon over", TTL: time.Second, Lines: []inventory.Line{some}})
	require.NoError(t, err)
	now = now.Add(time.Minute)
	n, err := stock.Sweep(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	differences, err := stock.Reconcile(ctx)
	require.NoError(t, err)
	require.Empty(t, differences)
}

// list asks for the second page of everything that has pages.
func list(t *testing.T, stock *inventory.Inventory) {
	t.Helper()
	for _, location := range []string{"", "shop 2"} {
		page, err := stock.List(t.Context(), inventory.ListQuery{Location: location, Limit: 10})
		require.NoError(t, err)
		_, err = stock.List(t.Context(), inventory.ListQuery{Location: location, Limit: 10, Cursor: page.Next})
		require.NoError(t, err)
		_, err = stock.LowStock(t.Context(), inventory.ListQuery{Location: location, Limit: 10, Cursor: page.Next})
		require.NoError(t, err)
	}
	for _, query := range []inventory.MovementQuery{{}, {SKU: "sku 0001"}, {SKU: "sku 0001", Location: "shop 1"}, {Key: "order 0/1"}} {
		query.Limit = 1
		page, err := stock.Movements(t.Context(), query)
		require.NoError(t, err)
		query.Cursor = page.Next
		_, err = stock.Movements(t.Context(), query)
		require.NoError(t, err)
	}
}

// Explain runs the statement behind a prefix such as "EXPLAIN " and returns the rows of the answer, by column.
func Explain(t *testing.T, db *sql.DB, prefix string, s Statement) []map[string]string {
	t.Helper()
	args := make([]any, len(s.Args))
	for n, arg := range s.Args {
		args[n] = arg.Value
	}
	rows, err := db.Query(prefix+s.Query, args...)
	require.NoError(t, err, s.Query)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var plan []map[string]string
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for n := range values {
			into[n] = &values[n]
		}
		require.NoError(t, rows.Scan(into...))
		row := map[string]string{}
		for n, column := range columns {
			row[column] = values[n].String
		}
		plan = append(plan, row)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, plan)
	return plan
}
