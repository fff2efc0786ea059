package sqlstock

import (
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

var (
	levelTable    = Table{"inventory_levels", []string{"sku", "location"}, strings.Split(levelColumns, ", ")}
	requestTable  = Table{"inventory_requests", []string{"request_key"}, strings.Split(requestColumns, ", ")}
	movementTable = Table{"inventory_movements", []string{"document", "kind", "request_key", "line"}, strings.Split(movementColumns, ", ")}
)

func scanLevel(row Row) (l inventory.Level, err error) {
	var updated int64
	err = row.Scan(&l.SKU, &l.Location, &l.OnHand, &l.Reserved, &l.SafetyStock, &l.BackorderLimit, &l.ReorderPoint, &l.Version, &updated)
	l.UpdatedAt = time.UnixMicro(updated).UTC()
	return l, err
}

func levelRow(l inventory.Level) []any {
	return []any{l.SKU, l.Location, l.OnHand, l.Reserved, l.SafetyStock, l.BackorderLimit, l.ReorderPoint, l.Version, l.UpdatedAt.UnixMicro()}
}

func scanRecord(row Row) (*rules.Record, error) {
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

func scanMovement(row Row) (m inventory.Movement, err error) {
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

func movementRows(movements []inventory.Movement) [][]any {
	rows := make([][]any, len(movements))
	for n, m := range movements {
		rows[n] = movementRow(m)
	}
	return rows
}

func requestKey(m inventory.Movement) string {
	if m.Key == m.Document() {
		return ""
	}
	return m.Key
}

// inserts are the statements that write rows, many with each.
func (s *Store) inserts(table Table, rows [][]any) []Statement {
	return s.writes(rows, func(part [][]any) Statement { return s.dialect.Insert(table, part) })
}

// upserts are the statements that write rows of which some may be there already.
func (s *Store) upserts(table Table, columns []string, rows [][]any) []Statement {
	return s.writes(rows, func(part [][]any) Statement { return s.dialect.Upsert(table, columns, part) })
}

func (s *Store) writes(rows [][]any, write func([][]any) Statement) (all []Statement) {
	for len(rows) > 0 {
		n := s.fitting(rows)
		all = append(all, write(rows[:n]))
		rows = rows[n:]
	}
	return all
}

// fitting is how many of the rows one statement may write.
func (s *Store) fitting(rows [][]any) int {
	bytes := 0
	for n, row := range rows[:min(chunk, len(rows))] {
		if bytes += rowSize(row); n > 0 && s.abilities.Packet > 0 && bytes > s.abilities.Packet/2 {
			return n
		}
	}
	return min(chunk, len(rows))
}

// rowSize estimates the bytes of a row in a statement, from above.
func rowSize(row []any) int {
	size := 0
	for _, value := range row {
		switch value := value.(type) {
		case string:
			size += 2*len(value) + 8
		case []byte:
			size += 2*len(value) + 8
		default:
			size += 24
		}
	}
	return size
}

// selects are the statements that read the rows of the values, many with each.
func selects[V any](query string, where func([]V) (string, []any), tail string, values []V, scan func(Row) error) (all []Statement) {
	for part := range slices.Chunk(values, chunk) {
		condition, args := where(part)
		all = append(all, Statement{Query: query + condition + tail, Args: args, Scan: scan})
	}
	return all
}
