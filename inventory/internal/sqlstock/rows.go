package sqlstock

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// chunk bounds the rows of one statement, to stay below every database's limit of placeholders and depth.
const chunk = 500

const (
	levelColumns    = "sku, location, on_hand, reserved, safety_stock, backorder_limit, reorder_point, version, updated_at"
	requestColumns  = "request_key, kind, hash, state, expires_at, created_at, settled_at"
	movementColumns = "document, kind, request_key, line, sku, location, on_hand, reserved, reason, reference, at"
)

type scanner interface{ Scan(...any) error }

// collect runs a query and scans every row.
func collect[T any](ctx context.Context, q queryer, query string, args []any, scan func(scanner) (T, error)) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanLevel(row scanner) (l inventory.Level, err error) {
	var updated int64
	err = row.Scan(&l.SKU, &l.Location, &l.OnHand, &l.Reserved, &l.SafetyStock, &l.BackorderLimit, &l.ReorderPoint, &l.Version, &updated)
	l.UpdatedAt = time.UnixMicro(updated).UTC()
	return l, err
}

func levelRow(l inventory.Level) []any {
	return []any{l.SKU, l.Location, l.OnHand, l.Reserved, l.SafetyStock, l.BackorderLimit, l.ReorderPoint, l.Version, l.UpdatedAt.UnixMicro()}
}

func scanRecord(row scanner) (*rules.Record, error) {
	var r rules.Record
	var hash []byte
	var created int64
	var expires, settled sql.NullInt64
	err := row.Scan(&r.Key, &r.Kind, &hash, &r.State, &expires, &created, &settled)
	copy(r.Hash[:], hash)
	r.ExpiresAt, r.SettledAt, r.CreatedAt = fromNull(expires), fromNull(settled), time.UnixMicro(created).UTC()
	return &r, err
}

func recordRow(r *rules.Record) []any {
	return []any{r.Key, string(r.Kind), r.Hash[:], string(r.State), toNull(r.ExpiresAt), r.CreatedAt.UnixMicro(), toNull(r.SettledAt)}
}

func fromNull(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64).UTC()
}

func toNull(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func zeroOr(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// The column request_key is empty where it would repeat document.

func scanMovement(row scanner) (m inventory.Movement, err error) {
	var document string
	var at int64
	err = row.Scan(&document, &m.Kind, &m.Key, &m.Line, &m.SKU, &m.Location, &m.OnHand, &m.Reserved, &m.Reason, &m.Reference, &at)
	m.At = time.UnixMicro(at).UTC()
	if m.Key == "" {
		m.Key = document
	}
	switch m.Kind {
	case inventory.KindReserve, inventory.KindCommit, inventory.KindRelease, inventory.KindExpire, inventory.KindReturn:
		m.Reservation = document
	}
	return m, err
}

func movementRow(m inventory.Movement) []any {
	return []any{m.Document(), string(m.Kind), requestKey(m), m.Line, m.SKU, m.Location, m.OnHand, m.Reserved, m.Reason, m.Reference, m.At.UnixMicro()}
}

func requestKey(m inventory.Movement) string {
	if m.Key == m.Document() {
		return ""
	}
	return m.Key
}

// placeholders is "?, ?, ?" of n.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func in(column string, n int) string { return column + " IN (" + placeholders(n) + ")" }

// insert writes rows, many with one statement.
func insert(ctx context.Context, q queryer, table, columns, tail string, rows [][]any) error {
	for part := range slices.Chunk(rows, chunk) {
		row := "(" + placeholders(len(part[0])) + ")"
		query := "INSERT INTO " + table + " (" + columns + ") VALUES " + row + strings.Repeat(", "+row, len(part)-1) + tail
		if _, err := q.ExecContext(ctx, query, slices.Concat(part...)...); err != nil {
			return err
		}
	}
	return nil
}

// selectIn runs a query once for every chunk of values; where makes the condition on n of them.
func selectIn[V, T any](ctx context.Context, q queryer, query string, where func(n int) string, tail string,
	values []V, args func(V) []any, scan func(scanner) (T, error)) ([]T, error) {
	var all []T
	for part := range slices.Chunk(values, chunk) {
		var flat []any
		for _, value := range part {
			flat = append(flat, args(value)...)
		}
		rows, err := collect(ctx, q, query+where(len(part))+tail, flat, scan)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}
