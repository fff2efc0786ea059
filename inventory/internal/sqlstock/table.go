package sqlstock

import "slices"

// Table is where rows go.
type Table struct {
	Name string
	Key  []string
	// Defaults are what the schema gives to columns that a statement does not name.
	Defaults map[string]any
}

// Rows are some rows of a table, a column at a time.
type Rows struct {
	*Table
	Count   int
	Columns []Column
}

// Column has a value a row: Texts, Numbers or Bytes.
type Column struct {
	Name    string
	Texts   []string
	Numbers []int64
	Bytes   [][]byte
	Nulls   []bool // which rows have none; nil if all have one
}

// Null reports whether a row has no value.
func (c *Column) Null(row int) bool { return c.Nulls != nil && c.Nulls[row] }

// Value is the value of a row as an argument of a statement.
func (c *Column) Value(row int) any {
	switch {
	case c.Null(row):
		return nil
	case c.Texts != nil:
		return c.Texts[row]
	case c.Numbers != nil:
		return c.Numbers[row]
	}
	return c.Bytes[row]
}

// size bounds the bytes of a value in a statement from above.
func (c *Column) size(row int) int {
	switch {
	case c.Texts != nil:
		return 2*len(c.Texts[row]) + 8
	case c.Numbers != nil:
		return 24
	}
	return 2*len(c.Bytes[row]) + 8
}

// all reports whether every row has the value, nil for none.
func (c *Column) all(value any) bool {
	if value == nil {
		return c.Nulls != nil && !slices.Contains(c.Nulls, false)
	}
	if c.Nulls != nil {
		return false
	}
	switch value := value.(type) {
	case string:
		return c.Texts != nil && !slices.ContainsFunc(c.Texts, func(v string) bool { return v != value })
	case int64:
		return c.Numbers != nil && !slices.ContainsFunc(c.Numbers, func(v int64) bool { return v != value })
	}
	return false
}

func (c Column) part(from, to int) Column {
	switch {
	case c.Texts != nil:
		c.Texts = c.Texts[from:to]
	case c.Numbers != nil:
		c.Numbers = c.Numbers[from:to]
	default:
		c.Bytes = c.Bytes[from:to]
	}
	if c.Nulls != nil {
		c.Nulls = c.Nulls[from:to]
	}
	return c
}

// part is some of the rows, without the columns that have nothing but their default there.
func (r Rows) part(from, to int) Rows {
	part := Rows{Table: r.Table, Count: to - from, Columns: make([]Column, 0, len(r.Columns))}
	for _, column := range r.Columns {
		column = column.part(from, to)
		if def, ok := r.Defaults[column.Name]; !ok || !column.all(def) {
			part.Columns = append(part.Columns, column)
		}
	}
	return part
}

// Names are those of the columns.
func (r Rows) Names() []string {
	names := make([]string, len(r.Columns))
	for n := range r.Columns {
		names[n] = r.Columns[n].Name
	}
	return names
}

// size bounds the bytes of a row in a statement from above.
func (r Rows) size(row int) int {
	size := 0
	for n := range r.Columns {
		size += r.Columns[n].size(row)
	}
	return size
}
