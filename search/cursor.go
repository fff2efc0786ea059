package search

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// cursor is the state of a search between two pages. It is opaque, not secret:
// changing it can only give another page of the same query, or an error.
type cursor struct {
	Step   StepKind `json:"s"`
	Text   string   `json:"t,omitempty"` // what was searched, when it is not the query's text
	After  []string `json:"a,omitempty"`
	Offset int      `json:"o,omitempty"` // instead of After, of a collapsed query
}

const (
	cursorVersion = 1
	maxCursor     = 16 << 10
	maxPosition   = 2 << 10 // bytes of one sort value
)

func (c cursor) encode(bind [16]byte) string {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings always marshal
	}
	raw := append([]byte{cursorVersion}, bind[:]...)
	return base64.RawURLEncoding.EncodeToString(append(raw, body...))
}

// decodeCursor reads a cursor of a query with so many sort keys, or with 0 of one that goes by offset up to depth.
func decodeCursor(text string, bind [16]byte, keys, depth int) (*cursor, error) {
	if len(text) > maxCursor {
		return nil, invalid("Cursor", "has %d bytes, more than %d", len(text), maxCursor)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") || // which the decoder would skip
		len(raw) < 1+len(bind) || raw[0] != cursorVersion {
		return nil, invalid("Cursor", "is not one this index gave out")
	}
	if [16]byte(raw[1:1+len(bind)]) != bind {
		return nil, invalid("Cursor", "belongs to another query")
	}
	var c cursor
	if err := json.Unmarshal(raw[1+len(bind):], &c); err != nil || len(c.After) != keys || (keys == 0) != (c.Offset > 0) || c.Offset < 0 || c.Offset > depth {
		return nil, invalid("Cursor", "is not one this index gave out")
	}
	for _, position := range c.After {
		if len(position) > maxPosition || !utf8.ValidString(position) {
			return nil, invalid("Cursor", "is not one this index gave out")
		}
	}
	switch c.Step {
	case StepTyped, StepRelaxed:
	case StepCorrected:
		if c.Text, err = checkText("Cursor", c.Text); err != nil {
			return nil, err
		}
	default:
		return nil, invalid("Cursor", "is not one this index gave out")
	}
	return &c, nil
}
