package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// WriteJSON writes {"environment": …, "results": …} to a file, as a whole or
// not at all.
func WriteJSON(path string, environment Environment, results any) error {
	content, err := json.MarshalIndent(struct {
		Environment Environment `json:"environment"`
		Results     any         `json:"results"`
	}{environment, results}, "", "  ")
	if err != nil {
		return fmt.Errorf("bench: report: %w", err)
	}
	return replace(path, append(content, '\n'))
}

// replace writes a file beside its place and renames it there.
func replace(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return fmt.Errorf("bench: report: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("bench: report: %w", err)
	}
	return nil
}

// Table writes rows in aligned columns, the first row as the head; an empty row
// sets those before it apart from those after it.
func Table(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		for column := range rows[0] {
			cell := "" // a line without cells would end the columns
			if column < len(row) {
				cell = row[column]
			}
			fmt.Fprintf(table, "%s\t", cell)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// Rate prints a rate with as many digits as it is worth.
func Rate(perSecond float64) string {
	switch {
	case perSecond >= 100_000:
		return fmt.Sprintf("%.0fk", perSecond/1000)
	case perSecond >= 1000:
		return fmt.Sprintf("%.1fk", perSecond/1000)
	default:
		return fmt.Sprintf("%.0f", perSecond)
	}
}

// Milliseconds prints a latency with as many digits as it is worth.
func Milliseconds(ms float64) string {
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f", ms)
	default:
		return fmt.Sprintf("%.3f", ms)
	}
}
