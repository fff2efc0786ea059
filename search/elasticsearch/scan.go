package elasticsearch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// scanner reads the JSON of an answer once, in order, and without copying what it hands
// out. encoding/json goes over each hit three times. After a mistake in the text it
// reads nothing any more, and err tells.
type scanner struct {
	text []byte
	at   int
	err  error
}

var errNotJSON = errors.New("search: the answer of elasticsearch is not the JSON that was expected")

func (s *scanner) fail() {
	if s.err == nil {
		s.err = fmt.Errorf("%w, at byte %d of %d", errNotJSON, s.at, len(s.text))
	}
	s.at = len(s.text)
}

// next is the byte after white space, which is left to be read; 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// object calls member for each key; that must read the value. null is an object without any.
func (s *scanner) object(member func(key []byte)) {
	if s.next() == 'n' {
		s.skip()
		return
	}
	s.each('{', '}', func() {
		key := s.bytes()
		if !s.take(':') {
			s.fail()
			return
		}
		member(key)
	})
}

// array calls element for each one; that must read it. null is an array without any.
func (s *scanner) array(element func()) {
	if s.next() == 'n' {
		s.skip()
		return
	}
	s.each('[', ']', element)
}

func (s *scanner) each(first, last byte, one func()) {
	if !s.take(first) {
		s.fail()
		return
	}
	if s.take(last) {
		return
	}
	for s.err == nil {
		one()
		if s.take(',') {
			continue
		}
		if !s.take(last) {
			s.fail()
		}
		return
	}
}

// bytes reads a string, and hands out the text itself where nothing is escaped in it.
func (s *scanner) bytes() []byte {
	if s.next() != '"' {
		s.fail()
		return nil
	}
	from := s.at
	s.skipString()
	if s.err != nil {
		return nil
	}
	inner := s.text[from+1 : s.at-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var plain string
	if json.Unmarshal(s.text[from:s.at], &plain) != nil {
		s.fail()
		return nil
	}
	return []byte(plain)
}

// string is empty for null.
func (s *scanner) string() string {
	if s.next() == 'n' {
		s.skip()
		return ""
	}
	return string(s.bytes())
}

func (s *scanner) skipString() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
	s.fail()
}

// skip reads a value of any kind, and returns its text. Of what is inside of it only the
// brackets and strings are looked at.
func (s *scanner) skip() json.RawMessage {
	c := s.next()
	from := s.at
	switch c {
	case '"':
		s.skipString()
	case '{', '[':
		for depth := 0; s.at < len(s.text); {
			switch s.text[s.at] {
			case '"':
				s.skipString()
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			s.at++
			if depth == 0 {
				return s.text[from:s.at]
			}
		}
		s.fail()
	default:
		for s.at < len(s.text) && bytes.IndexByte([]byte(",]} \t\n\r"), s.text[s.at]) < 0 {
			s.at++
		}
		if s.at == from {
			s.fail()
		}
	}
	if s.err != nil {
		return nil
	}
	return s.text[from:s.at]
}

// float is nil for null.
func (s *scanner) float() *float64 {
	text := s.skip()
	if s.err != nil || string(text) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		s.fail()
		return nil
	}
	return &f
}

func (s *scanner) int() int {
	text := s.skip()
	if s.err != nil || string(text) == "null" {
		return 0
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		s.fail()
	}
	return n
}

// decode reads the rest by encoding/json.
func (s *scanner) decode(into any) {
	text := s.skip()
	if s.err == nil {
		s.err = json.Unmarshal(text, into)
	}
}

// end wants that nothing comes any more.
func (s *scanner) end() error {
	if s.err == nil && s.next() != 0 {
		s.fail()
	}
	return s.err
}
