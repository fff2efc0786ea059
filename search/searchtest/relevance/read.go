package relevance

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const maxLine = 64 << 10

// Read reads judgements: lines of query, document ID and grade with tabs between
// them. A first line whose grade is no number is a heading. Empty lines are skipped; a
// document that a query grades twice is an error.
func Read(r io.Reader) (Judgements, error) {
	judgements := Judgements{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		field := strings.Split(line, "\t")
		if len(field) != 3 || field[0] == "" || field[1] == "" {
			return nil, fmt.Errorf("relevance: line %d: not query, document and grade with tabs between them", n)
		}
		grade, err := strconv.ParseFloat(field[2], 64)
		switch {
		case err != nil && n == 1:
			continue
		case err != nil || grade < 0 || math.IsInf(grade, 0) || math.IsNaN(grade):
			return nil, fmt.Errorf("relevance: line %d: the grade is not a number from 0 on", n)
		}
		if judgements[field[0]] == nil {
			judgements[field[0]] = map[string]float64{}
		}
		if _, twice := judgements[field[0]][field[1]]; twice {
			return nil, fmt.Errorf("relevance: line %d: the document is graded twice for this query", n)
		}
		judgements[field[0]][field[1]] = grade
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("relevance: read judgements: %w", err)
	}
	return judgements, nil
}
