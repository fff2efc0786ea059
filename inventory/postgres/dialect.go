package postgres

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

var readCommitted = []string{"BEGIN ISOLATION LEVEL READ COMMITTED"}

const (
	lockSchema   = "SELECT pg_advisory_lock(hashtext('inventory ' || current_database() || ' ' || current_schema()))"
	unlockSchema = "SELECT pg_advisory_unlock(hashtext('inventory ' || current_database() || ' ' || current_schema()))"
)

var dialect = &sqlstock.Dialect{
	Name:            "postgres",
	Migrations:      migrations,
	LockSchema:      lockSchema,
	UnlockSchema:    unlockSchema,
	AbandonSchema:   unlockSchema,
	Inspect:         inspect,
	Rebind:          rebind,
	Begin:           readCommitted,
	BeginOptimistic: readCommitted,
	ForUpdate:       " FOR UPDATE",
	SkipLocked:      " FOR UPDATE SKIP LOCKED",
	In: func(column string, values []string) (string, []any) {
		return column + " = ANY(?::text[])", []any{values}
	},
	Places: func(places []inventory.Place) (string, []any) {
		skus, locations := columnsOf(places)
		return "(sku, location) IN (SELECT * FROM unnest(?::text[], ?::text[]))", []any{skus, locations}
	},
	Insert: insert,
	Upsert: func(table sqlstock.Table, columns []string, rows [][]any) sqlstock.Statement {
		statement := insert(table, rows)
		statement.Query += sqlstock.OnConflict(table, columns)
		return statement
	},
	Take:     take,
	Due:      "state = 'held' AND expires_at <= ? ORDER BY expires_at",
	Low:      "low",
	Fault:    fault,
	Answered: answered,
}

// rebind numbers the placeholders.
func rebind(query string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, ok := strings.Cut(query, "?")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

func columnsOf(places []inventory.Place) (skus, locations []string) {
	for _, place := range places {
		skus = append(skus, place.SKU)
		locations = append(locations, place.Location)
	}
	return skus, locations
}

// insert takes the rows as one array a column: the text of the statement, and so its plan, is the same for any number of rows.
func insert(table sqlstock.Table, rows [][]any) sqlstock.Statement {
	arrays := make([]string, len(table.Columns))
	args := make([]any, len(table.Columns))
	for n, name := range table.Columns {
		switch name {
		case "hash":
			arrays[n], args[n] = "?::bytea[]", column(rows, n, func(v any) []byte { return v.([]byte) })
		case "expires_at", "settled_at":
			arrays[n], args[n] = "?::bigint[]", column(rows, n, nullable)
		case "line":
			arrays[n], args[n] = "?::integer[]", column(rows, n, func(v any) int32 { return int32(v.(int)) })
		default:
			if _, text := rows[0][n].(string); text {
				arrays[n], args[n] = "?::text[]", column(rows, n, func(v any) string { return v.(string) })
			} else {
				arrays[n], args[n] = "?::bigint[]", column(rows, n, func(v any) int64 { return v.(int64) })
			}
		}
	}
	return sqlstock.Statement{Args: args, Query: "INSERT INTO " + table.Name + " (" + strings.Join(table.Columns, ", ") +
		") SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")"}
}

// column is the values of one column.
func column[T any](rows [][]any, n int, of func(any) T) []T {
	values := make([]T, len(rows))
	for m, row := range rows {
		values[m] = of(row[n])
	}
	return values
}

func nullable(v any) *int64 {
	if n := v.(sql.NullInt64); n.Valid {
		return &n.Int64
	}
	return nil
}

// take locks the levels in order before it changes them, for the join would do it in an order of its own.
func take(takes []sqlstock.Take) sqlstock.Statement {
	skus, locations := make([]string, len(takes)), make([]string, len(takes))
	numbers := [3][]int64{}
	for n, t := range takes {
		skus[n], locations[n] = t.SKU, t.Location
		for m, v := range []int64{t.Quantity, t.Versions, t.UpdatedAt} {
			numbers[m] = append(numbers[m], v)
		}
	}
	return sqlstock.Statement{Args: []any{skus, locations, numbers[0], numbers[1], numbers[2], int64(inventory.MaxQuantity)},
		Query: `WITH t AS (
			SELECT * FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[]) AS u (sku, location, quantity, versions, at)
		), locked AS (
			SELECT l.sku, l.location FROM inventory_levels l WHERE (l.sku, l.location) IN (SELECT sku, location FROM t)
			ORDER BY l.sku, l.location FOR UPDATE
		)
		UPDATE inventory_levels l SET reserved = l.reserved + t.quantity, version = l.version + t.versions, updated_at = t.at
		FROM locked JOIN t ON t.sku = locked.sku AND t.location = locked.location
		WHERE l.sku = locked.sku AND l.location = locked.location
		AND l.on_hand - l.reserved - l.safety_stock + l.backorder_limit >= t.quantity AND l.reserved + t.quantity <= ?`}
}

// Conditions of the server, by their codes.
const (
	divisionByZero     = "22012" // our check of changed rows
	uniqueViolation    = "23505"
	readOnly           = "25006"
	serialization      = "40001"
	deadlock           = "40P01"
	lockNotAvailable   = "55P03"
	adminShutdown      = "57P01"
	crashShutdown      = "57P02"
	cannotConnectNow   = "57P03"
	connectionFailures = "08"
)

func fault(err error) sqlstock.Fault {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if broken(err) {
			return sqlstock.Transient
		}
		return sqlstock.Permanent
	}
	switch e.Code {
	case uniqueViolation:
		return sqlstock.Duplicate
	case readOnly:
		return sqlstock.ReadOnly
	case serialization, deadlock, lockNotAvailable, adminShutdown, crashShutdown, cannotConnectNow:
		return sqlstock.Transient
	}
	if strings.HasPrefix(e.Code, connectionFailures) {
		return sqlstock.Transient
	}
	return sqlstock.Permanent
}

// broken reports whether a connection that was there is not any more. Failing to make one is another matter.
func broken(err error) bool {
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// answered: a server that ends the connection may have committed before; what was not sent has not happened.
func answered(err error) bool {
	if pgconn.SafeToRetry(err) {
		return true
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code != adminShutdown && e.Code != crashShutdown
}
