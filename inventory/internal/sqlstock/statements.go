package sqlstock

import (
	"strings"

	"github.com/seed82d84382/commerce/inventory"
)

// What follows are parts of dialects: the ways to name many values or rows that most databases share.

// Placeholders is "?, ?, ?" of n.
func Placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// InList is a Dialect.In with a placeholder a value.
func InList(column string, values []string) (string, []any) {
	args := make([]any, len(values))
	for n, value := range values {
		args[n] = value
	}
	return column + " IN (" + Placeholders(len(values)) + ")", args
}

// PlaceArgs are the arguments of conditions that name each place by SKU and location.
func PlaceArgs(places []inventory.Place) []any {
	args := make([]any, 0, 2*len(places))
	for _, place := range places {
		args = append(args, place.SKU, place.Location)
	}
	return args
}

// InsertValues is a Dialect.Insert with a placeholder a value.
func InsertValues(rows Rows) Statement {
	row := "(" + Placeholders(len(rows.Columns)) + ")"
	args := make([]any, 0, rows.Count*len(rows.Columns))
	for n := range rows.Count {
		for c := range rows.Columns {
			args = append(args, rows.Columns[c].Value(n))
		}
	}
	return Statement{Args: args, Query: "INSERT INTO " + rows.Name + " (" + strings.Join(rows.Names(), ", ") + ") VALUES " +
		row + strings.Repeat(", "+row, rows.Count-1)}
}

// OnConflict is the end of an upsert where the proposed row is called excluded.
func OnConflict(table *Table, columns []string) string {
	set := make([]string, len(columns))
	for n, column := range columns {
		set[n] = column + " = excluded." + column
	}
	return " ON CONFLICT (" + strings.Join(table.Key, ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
}
