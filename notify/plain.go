package notify

import (
	"bytes"
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// plainArgs reads the JSON that package json writes of a struct of strings, booleans and
// integers: the fields in their order, no space, nothing escaped. That is what most arguments
// are, and reading it needs a fraction of what any JSON does. Nil: the type is not such a one.
type plainArgs []plainField

type plainField struct {
	key   []byte // with quotes and colon
	index int
	kind  reflect.Kind
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonNumber      = reflect.TypeFor[json.Number]()
)

// special types are not read as their kind alone says.
func special(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t == jsonNumber || p.Implements(unmarshaler) || p.Implements(textUnmarshaler)
}

func plainArgsOf(t reflect.Type) plainArgs {
	if t.Kind() != reflect.Struct || special(t) {
		return nil
	}
	var fields plainArgs
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			return nil
		case !f.IsExported() || name == "-" && options == "":
			continue
		case name == "":
			name = f.Name
		}
		key := []byte(`"` + name + `":`)
		if validName("json", name) != nil || strings.Contains(options, "string") || special(f.Type) ||
			slices.ContainsFunc(fields, func(other plainField) bool { return bytes.Equal(other.key, key) }) {
			return nil
		}
		switch kind := f.Type.Kind(); kind {
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			fields = append(fields, plainField{key, f.Index[0], kind})
		default:
			return nil
		}
	}
	return fields
}

// read fills v in. When it returns false the text is of another form, or no JSON, and
// some of v may have been filled in.
func (p plainArgs) read(text []byte, v reflect.Value) bool {
	rest, ok := bytes.CutPrefix(text, []byte("{"))
	if !ok || p == nil {
		return false
	}
	for _, f := range p {
		after, ok := bytes.CutPrefix(rest, f.key)
		if !ok {
			continue // was left out, or another form, which shows below
		}
		if rest = f.read(after, v.Field(f.index)); len(rest) == 0 {
			return false
		}
		switch rest[0] {
		case ',':
			rest = rest[1:]
		case '}':
			return len(rest) == 1
		default:
			return false
		}
	}
	return false
}

// read returns what follows the value; nothing if it is of another form.
func (f *plainField) read(text []byte, v reflect.Value) []byte {
	switch f.kind {
	case reflect.String:
		value, rest := plainString(text)
		if rest != nil {
			v.SetString(string(value))
		}
		return rest
	case reflect.Bool:
		if rest, ok := bytes.CutPrefix(text, []byte("true")); ok {
			v.SetBool(true)
			return rest
		}
		rest, _ := bytes.CutPrefix(text, []byte("false"))
		if len(rest) == len(text) {
			return nil
		}
		v.SetBool(false)
		return rest
	}
	text, negative := bytes.CutPrefix(text, []byte("-"))
	n, rest := plainNumber(text)
	if rest == nil {
		return nil
	}
	if v.CanUint() {
		if negative || v.OverflowUint(n) {
			return nil
		}
		v.SetUint(n)
		return rest
	}
	if n > math.MaxInt64 {
		return nil
	}
	signed := int64(n)
	if negative {
		signed = -signed
	}
	if v.OverflowInt(signed) {
		return nil
	}
	v.SetInt(signed)
	return rest
}

// plainString reads a string of valid UTF-8 without escapes; rest is nil without one.
func plainString(text []byte) (value, rest []byte) {
	if len(text) == 0 || text[0] != '"' {
		return nil, nil
	}
	ascii := true
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			if value = text[1:i]; ascii || utf8.Valid(value) {
				return value, text[i+1:]
			}
			return nil, nil
		case c == '\\' || c < ' ':
			return nil, nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, nil
}

// plainNumber reads a number of at most 19 digits, which always fits; rest is nil without one.
func plainNumber(text []byte) (n uint64, rest []byte) {
	i := 0
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		if i == 19 {
			return 0, nil
		}
		n = 10*n + uint64(text[i]-'0')
	}
	if i == 0 || i > 1 && text[0] == '0' {
		return 0, nil
	}
	return n, text[i:]
}
