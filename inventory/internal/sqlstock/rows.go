package sqlstock

import (
	"cmp"
	"database/sql"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// chunk bounds the rows of one statement, to stay below every database's limit of placeholders and depth.
const chunk = 500

const (
	levelColumns    = "sku, location, on_hand, reserved, safety_stock, backorder_limit, reorder_point, version, updated_at"
	movementColumns = "request_key, line, kind, sku, location, on_hand, reserved, reason, reference, reservation, at, hash, expires_at, settled_at"
)

var (
	levelTable    = &Table{Name: "inventory_levels", Key: []string{"sku", "location"}}
	movementTable = &Table{Name: "inventory_movements", Key: []string{"request_key", "step", "line"}, Defaults: map[string]any{
		"step": int64(0), "line": int64(1), "location": inventory.DefaultLocation, "on_hand": int64(0), "reserved": int64(0), "reason": "", "reference": "",
		"reservation": "", "kind": string(inventory.KindReserve), "hash": nil, "expires_at": nil, "settled_at": nil}}
	returnTable = &Table{Name: "inventory_returns", Key: []string{"reservation", "request_key"}}
)

func scanLevel(row Row) (l inventory.Level, err error) {
	var updated int64
	err = row.Scan(&l.SKU, &l.Location, &l.OnHand, &l.Reserved, &l.SafetyStock, &l.BackorderLimit, &l.ReorderPoint, &l.Version, &updated)
	l.UpdatedAt = time.UnixMicro(updated).UTC()
	return l, err
}

func levelRows(levels []inventory.Level) Rows {
	column := func(name string, of func(inventory.Level) int64) Column {
		c := Column{Name: name}
		for _, l := range levels {
			c.Numbers = append(c.Numbers, of(l))
		}
		return c
	}
	skus, locations := Column{Name: "sku"}, Column{Name: "location"}
	for _, l := range levels {
		skus.Texts = append(skus.Texts, l.SKU)
		locations.Texts = append(locations.Texts, l.Location)
	}
	return Rows{Table: levelTable, Count: len(levels), Columns: []Column{skus, locations,
		column("on_hand", func(l inventory.Level) int64 { return l.OnHand }),
		column("reserved", func(l inventory.Level) int64 { return l.Reserved }),
		column("safety_stock", func(l inventory.Level) int64 { return l.SafetyStock }),
		column("backorder_limit", func(l inventory.Level) int64 { return l.BackorderLimit }),
		column("reorder_point", func(l inventory.Level) int64 { return l.ReorderPoint }),
		column("version", func(l inventory.Level) int64 { return l.Version }),
		column("updated_at", func(l inventory.Level) int64 { return l.UpdatedAt.UnixMicro() }),
	}}
}

// entry is a row of the ledger: a movement, and in the first row of a request the request's record.
type entry struct {
	*inventory.Movement
	record *rules.Record // or nil
}

func (e entry) compare(other entry) int {
	return cmp.Or(compareText(e.Key, other.Key), cmp.Compare(e.Step(), other.Step()), cmp.Compare(e.Line, other.Line))
}

func scanEntry(row Row) (entry, error) {
	var m inventory.Movement
	var hash []byte
	var at int64
	var expires, settled sql.NullInt64
	err := row.Scan(&m.Key, &m.Line, &m.Kind, &m.SKU, &m.Location, &m.OnHand, &m.Reserved, &m.Reason, &m.Reference, &m.Reservation, &at,
		&hash, &expires, &settled)
	m.At = time.UnixMicro(at).UTC()
	if m.Kind == inventory.KindReserve || m.Step() != 0 {
		m.Reservation = m.Key
	}
	if hash == nil {
		return entry{&m, nil}, err
	}
	record := &rules.Record{Kind: m.Kind, Key: m.Key, Hash: [16]byte(hash), CreatedAt: m.At, ExpiresAt: fromNull(expires), SettledAt: fromNull(settled)}
	if m.Kind == inventory.KindReserve {
		record.State = inventory.Held // unless the ledger goes on
	}
	return entry{&m, record}, err
}

func scanMovement(row Row) (inventory.Movement, error) {
	e, err := scanEntry(row)
	return *e.Movement, err
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

// entries are the rows that an effect adds to the ledger.
func entries(effect *rules.Effect) []entry {
	all := make([]entry, len(effect.Movements))
	for n := range effect.Movements {
		all[n].Movement = &effect.Movements[n]
	}
	if effect.New {
		all[0].record = effect.Record
	}
	return all
}

// firstEntry is the row of the ledger that has the record.
func firstEntry(record *rules.Record) entry {
	n := slices.IndexFunc(record.Movements, func(m inventory.Movement) bool {
		return m.Key == record.Key && m.Step() == 0 && m.Line == 1
	})
	return entry{&record.Movements[n], record}
}

func movementRows(entries []entry) Rows {
	count := len(entries)
	rows := Rows{Table: movementTable, Count: count, Columns: make([]Column, 0, 16)}
	text := func(name string, of func(*inventory.Movement) string) {
		values := make([]string, count)
		for n := range entries {
			values[n] = of(entries[n].Movement)
		}
		rows.Columns = append(rows.Columns, Column{Name: name, Texts: values})
	}
	number := func(name string, of func(*inventory.Movement) int64) {
		values := make([]int64, count)
		for n := range entries {
			values[n] = of(entries[n].Movement)
		}
		rows.Columns = append(rows.Columns, Column{Name: name, Numbers: values})
	}
	text("request_key", func(m *inventory.Movement) string { return m.Key })
	number("step", func(m *inventory.Movement) int64 { return int64(m.Step()) })
	number("line", func(m *inventory.Movement) int64 { return int64(m.Line) })
	text("kind", func(m *inventory.Movement) string { return string(m.Kind) })
	text("sku", func(m *inventory.Movement) string { return m.SKU })
	text("location", func(m *inventory.Movement) string { return m.Location })
	number("on_hand", func(m *inventory.Movement) int64 { return m.OnHand })
	number("reserved", func(m *inventory.Movement) int64 { return m.Reserved })
	text("reason", func(m *inventory.Movement) string { return m.Reason })
	text("reference", func(m *inventory.Movement) string { return m.Reference })
	text("reservation", func(m *inventory.Movement) string {
		if m.Reservation == m.Key { // would say the same again
			return ""
		}
		return m.Reservation
	})
	number("at", func(m *inventory.Movement) int64 { return m.At.UnixMicro() })
	rows.Columns = append(rows.Columns, recordColumns(entries)...)
	return rows
}

func recordColumns(entries []entry) []Column {
	count := len(entries)
	hash := Column{Name: "hash", Bytes: make([][]byte, count)}
	expires := Column{Name: "expires_at", Numbers: make([]int64, count)}
	settled := Column{Name: "settled_at", Numbers: make([]int64, count)}
	null := func(c *Column, n int) {
		if c.Nulls == nil {
			c.Nulls = make([]bool, count)
		}
		c.Nulls[n] = true
	}
	for n, e := range entries {
		record := e.record
		if record == nil {
			record = &rules.Record{}
			null(&hash, n)
		} else {
			hash.Bytes[n] = record.Hash[:]
		}
		if expires.Numbers[n] = zeroOr(record.ExpiresAt); record.ExpiresAt.IsZero() {
			null(&expires, n)
		}
		if settled.Numbers[n] = zeroOr(record.SettledAt); record.SettledAt.IsZero() {
			null(&settled, n)
		}
	}
	return []Column{hash, expires, settled}
}

// returnRows link returns to their reservations.
func returnRows(entries []entry) Rows {
	reservations, keys := Column{Name: "reservation"}, Column{Name: "request_key"}
	for _, e := range entries {
		if e.record != nil && e.Kind == inventory.KindReturn {
			reservations.Texts = append(reservations.Texts, e.Reservation)
			keys.Texts = append(keys.Texts, e.Key)
		}
	}
	return Rows{Table: returnTable, Count: len(keys.Texts), Columns: []Column{reservations, keys}}
}

// append adds entries to the ledger.
func (s *Store) append(tx *transaction, entries []entry) {
	tx.later(s.inserts(movementRows(entries))...)
	tx.later(s.inserts(returnRows(entries))...)
}

// inserts are the statements that write rows, many with each.
func (s *Store) inserts(rows Rows) []Statement { return s.writes(rows, s.dialect.Insert) }

// upserts are the statements that write rows of which some may be there already.
func (s *Store) upserts(rows Rows, columns []string) []Statement {
	return s.writes(rows, func(part Rows) Statement { return s.dialect.Upsert(part, columns) })
}

func (s *Store) writes(rows Rows, write func(Rows) Statement) (all []Statement) {
	for from := 0; from < rows.Count; {
		to := s.fitting(rows, from)
		all = append(all, write(rows.part(from, to)))
		from = to
	}
	return all
}

// fitting is the end of the rows that one statement may write.
func (s *Store) fitting(rows Rows, from int) int {
	end, bytes := min(from+chunk, rows.Count), 0
	if s.abilities.Packet == 0 {
		return end
	}
	for n := from; n < end; n++ {
		if bytes += rows.size(n); n > from && bytes > s.abilities.Packet/2 {
			return n
		}
	}
	return end
}

// perValue is what one key or place takes of a statement, at most.
const perValue = 512

// room is how many keys or places one statement may name.
func (s *Store) room() int {
	if s.abilities.Packet == 0 {
		return chunk
	}
	return max(1, min(chunk, s.abilities.Packet/2/perValue))
}

// selects are the statements that read the rows of the values, many with each.
func selects[V any](s *Store, query string, where func([]V) (string, []any), tail string, values []V, scan func(Row) error) (all []Statement) {
	for part := range slices.Chunk(values, s.room()) {
		condition, args := where(part)
		all = append(all, Statement{Query: query + condition + tail, Args: args, Scan: scan})
	}
	return all
}
