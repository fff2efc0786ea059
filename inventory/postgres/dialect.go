package postgres

import (
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
	Upsert: func(rows sqlstock.Rows, columns []string) sqlstock.Statement {
		statement := insert(rows)
		statement.Query += sqlstock.OnConflict(rows.Table, columns)
		return statement
	},
	Take:     take,
	Due:      "settled_at IS NULL AND expires_at <= ? ORDER BY expires_at",
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
func insert(rows sqlstock.Rows) sqlstock.Statement {
	arrays, args := make([]string, len(rows.Columns)), make([]any, len(rows.Columns))
	for n, c := range rows.Columns {
		switch {
		case c.Texts != nil:
			arrays[n], args[n] = "?::text[]", nullable(c.Texts, c.Nulls)
		case c.Numbers != nil:
			arrays[n], args[n] = "?::bigint[]", nullable(c.Numbers, c.Nulls)
		default:
			arrays[n], args[n] = "?::bytea[]", c.Bytes // nil is NULL
		}
	}
	return sqlstock.Statement{Args: args, Query: "INSERT INTO " + rows.Name + " (" + strings.Join(rows.Names(), ", ") +
		") SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")"}
}

// nullable is the values, with nil for those that are none.
func nullable[T any](values []T, nulls []bool) any {
	if nulls == nil {
		return values
	}
	pointers := make([]*T, len(values))
	for n := range values {
		if !nulls[n] {
			pointers[n] = &values[n]
		}
	}
	return pointers
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
	return sqlstock.Statement{Changes: int64(len(takes)), Args: []any{skus, locations, numbers[0], numbers[1], numbers[2], int64(inventory.MaxQuantity)},
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
	invalidText        = "22P02" // our check of changed rows
	uniqueViolation    = "23505"
	readOnly           = "25006"
	serialization      = "40001"
	deadlock           = "40P01"
	diskFull           = "53100"
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
	case diskFull:
		return sqlstock.Full
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
