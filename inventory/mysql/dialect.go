package mysql

import (
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

var readCommitted = []string{"SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"}

const releaseSchema = "DO RELEASE_LOCK(CONCAT('inventory_', SHA1(DATABASE())))"

var dialect = &sqlstock.Dialect{
	Name:            "mysql",
	Migrations:      migrations,
	LockSchema:      "DO GET_LOCK(CONCAT('inventory_', SHA1(DATABASE())), 3600)",
	UnlockSchema:    releaseSchema,
	AbandonSchema:   releaseSchema,
	Inspect:         inspect,
	Begin:           readCommitted,
	BeginOptimistic: readCommitted,
	ForUpdate:       " FOR UPDATE",
	SkipLocked:      " FOR UPDATE SKIP LOCKED",
	In:              sqlstock.InList,
	Places: func(places []inventory.Place) (string, []any) {
		condition := strings.Repeat("sku = ? AND location = ? OR ", len(places))
		return "(" + strings.TrimSuffix(condition, " OR ") + ")", sqlstock.PlaceArgs(places)
	},
	Insert:   sqlstock.InsertValues,
	Upsert:   upsert,
	Take:     take,
	Due:      "due_at <= ? ORDER BY due_at",
	Low:      "low = 1",
	Fault:    fault,
	Answered: answered,
}

func upsert(table sqlstock.Table, columns []string, rows [][]any) sqlstock.Statement {
	set := make([]string, len(columns))
	for n, column := range columns {
		set[n] = column + " = VALUES(" + column + ")"
	}
	statement := sqlstock.InsertValues(table, rows)
	statement.Query += " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
	return statement
}

// take joins the levels to the list of what is taken, which comes first and so sets the order of locks.
func take(takes []sqlstock.Take) sqlstock.Statement {
	list := "SELECT ? AS sku, ? AS location, ? AS quantity, ? AS versions, ? AS updated_at" + strings.Repeat(" UNION ALL SELECT ?, ?, ?, ?, ?", len(takes)-1)
	args := make([]any, 0, 5*len(takes)+1)
	for _, t := range takes {
		args = append(args, []byte(t.SKU), []byte(t.Location), t.Quantity, t.Versions, t.UpdatedAt)
	}
	return sqlstock.Statement{Args: append(args, int64(inventory.MaxQuantity)), Query: "UPDATE (" + list + `) AS t
		STRAIGHT_JOIN inventory_levels l ON l.sku = t.sku AND l.location = t.location
		SET l.reserved = l.reserved + t.quantity, l.version = l.version + t.versions, l.updated_at = t.updated_at
		WHERE l.on_hand - l.reserved - l.safety_stock + l.backorder_limit >= t.quantity AND l.reserved + t.quantity <= ?`}
}

// Error numbers of the server.
const (
	erNotReady          = 1047 // a Galera node that is joining or cut off
	erShutdown          = 1053
	erDuplicate         = 1062
	erRecordChanged     = 1020 // innodb_snapshot_isolation
	erErrorDuringCommit = 1180
	erLockWaitTimeout   = 1205
	erDeadlock          = 1213 // Galera's certification failure too
	erReadOnly          = 1290 // the server runs with --read-only, or another option that forbids it
	erReadOnlyTx        = 1792
	erReadOnlyMode      = 1836
	erConnectionKilled  = 1927
)

func fault(err error) sqlstock.Fault {
	if errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) {
		return sqlstock.Transient
	}
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return sqlstock.Permanent
	}
	switch e.Number {
	case erDuplicate:
		return sqlstock.Duplicate
	case erReadOnly, erReadOnlyTx, erReadOnlyMode:
		return sqlstock.ReadOnly
	case erRecordChanged, erLockWaitTimeout, erDeadlock, erErrorDuringCommit, erNotReady, erShutdown, erConnectionKilled:
		return sqlstock.Transient
	}
	return sqlstock.Permanent
}

// answered: a server that ends the connection may have committed before.
func answered(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && e.Number != erShutdown && e.Number != erConnectionKilled
}
