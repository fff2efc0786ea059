package search

import (
	"bytes"
	"errors"
)

var errSource = errors.New("search: decode stored document: it is no JSON object")

// eachMember calls visit with the name, unquoted, and the value of each member of a JSON object. It only looks for
// where values end: visit checks those that it reads. It does so because a hit has many fields, of
// which most are not asked for. Names with escapes are not field names, and are left out.
func eachMember(object []byte, visit func(name, value []byte) error) error {
	rest := skipSpace(object)
	if len(rest) == 0 || rest[0] != '{' {
		return errSource
	}
	rest = skipSpace(rest[1:])
	for first := true; ; first = false {
		if len(rest) > 0 && rest[0] == '}' {
			return nil
		}
		if !first {
			if len(rest) == 0 || rest[0] != ',' {
				return errSource
			}
			rest = skipSpace(rest[1:])
		}
		n := stringEnd(rest)
		if n < 0 {
			return errSource
		}
		name, plain := plainString(rest[:n])
		if rest = skipSpace(rest[n:]); len(rest) == 0 || rest[0] != ':' {
			return errSource
		}
		rest = skipSpace(rest[1:])
		if n = valueEnd(rest); n <= 0 {
			return errSource
		}
		if plain {
			if err := visit(name, rest[:n]); err != nil {
				return err
			}
		}
		rest = skipSpace(rest[n:])
	}
}

func skipSpace(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// stringEnd returns the length of the JSON string that text begins with, or -1.
func stringEnd(text []byte) int {
	if len(text) == 0 || text[0] != '"' {
		return -1
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd returns the length of the JSON value that text begins with, or a number below 1.
func valueEnd(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			n := stringEnd(text[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i // of the object around a bare value
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return -1
}

// plainString returns what is in a JSON string that has no escapes.
func plainString(text []byte) ([]byte, bool) {
	if len(text) < 2 || text[0] != '"' || bytes.IndexByte(text, '\\') >= 0 {
		return nil, false
	}
	return text[1 : len(text)-1], true
}
