package mysql

import (
	"database/sql/driver"
	"errors"
	"strconv"
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
	// MariaDB takes many places of one location for most of it, and would read and lock all of that by its index.
	PlacesIndex: " FORCE INDEX (PRIMARY)",
	Insert:      insert,
	Upsert:      upsert,
	Take:        take,
	Due:         "due_at <= ? ORDER BY due_at",
	Low:         "low = 1",
	Fault:       fault,
	Answered:    answered,
}

// insert has the values in its text: a list of placeholders is dearer on either side.
func insert(rows sqlstock.Rows) sqlstock.Statement {
	b := make([]byte, 0, 256+128*rows.Count)
	b = append(append(append(b, "INSERT INTO "...), rows.Name...), " ("...)
	b = append(append(b, strings.Join(rows.Names(), ",")...), ") VALUES "...)
	for n := range rows.Count {
		b = append(b, '(')
		for c := range rows.Columns {
			b = append(appendValue(b, &rows.Columns[c], n), ',')
		}
		b[len(b)-1] = ')'
		b = append(b, ',')
	}
	return sqlstock.Statement{Text: b[:len(b)-1]}
}

func appendValue(b []byte, c *sqlstock.Column, row int) []byte {
	switch {
	case c.Null(row):
		return append(b, "NULL"...)
	case c.Numbers != nil:
		return strconv.AppendInt(b, c.Numbers[row], 10)
	case c.Texts != nil:
		return appendText(b, c.Texts[row])
	}
	return appendHex(b, c.Bytes[row])
}

func upsert(rows sqlstock.Rows, columns []string) sqlstock.Statement {
	set := make([]string, len(columns))
	for n, column := range columns {
		set[n] = column + " = VALUES(" + column + ")"
	}
	statement := insert(rows)
	statement.Text = append(statement.Text, " ON DUPLICATE KEY UPDATE "+strings.Join(set, ", ")...)
	return statement
}

// take is an upsert, for that is the cheapest way to name many levels and to change each by its own number, in order. A level
// that has too little overflows its number on purpose, which fails in every SQL mode: one condition a row is enough then. One
// that was there counts as two changed rows, and one that is there only now, until the rollback, as one.
func take(takes []sqlstock.Take) sqlstock.Statement {
	most := strconv.Itoa(inventory.MaxQuantity)
	b := make([]byte, 0, 512+96*len(takes))
	b = append(b, "INSERT INTO inventory_levels (sku,location,on_hand,reserved,version,updated_at) VALUES "...)
	for _, t := range takes {
		b = append(appendText(append(b, '('), t.SKU), ',')
		b = append(appendText(b, t.Location), ',')
		for _, v := range []int64{t.Quantity, t.Quantity, t.Versions, t.UpdatedAt} {
			b = append(strconv.AppendInt(b, v, 10), ',')
		}
		b[len(b)-1] = ')'
		b = append(b, ',')
	}
	b = append(b[:len(b)-1], " ON DUPLICATE KEY UPDATE version=version+VALUES(version),updated_at=VALUES(updated_at),"+
		"reserved=IF(on_hand-reserved-safety_stock+backorder_limit>=VALUES(reserved) AND reserved+VALUES(reserved)<="+most+","+
		"reserved+VALUES(reserved),9223372036854775807+VALUES(reserved))"...)
	return sqlstock.Statement{Text: b, Changes: 2 * int64(len(takes))}
}

// Error numbers of the server.
const (
	erNotReady          = 1047 // a Galera node that is joining or cut off
	erShutdown          = 1053
	erDuplicate         = 1062
	erRecordChanged     = 1020 // innodb_snapshot_isolation
	erDiskFull          = 1021
	erTableFull         = 1114 // InnoDB's name for a full disk too
	erErrorDuringCommit = 1180
	erOutOfRange        = 1690 // in what take writes: a level has too little
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
	case erDiskFull, erTableFull:
		return sqlstock.Full
	case erOutOfRange:
		return sqlstock.TooLittle
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
