package elasticsearch

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// encode writes the body of a request as encoding/json does, but without reflection for
// what queries are made of. Keys are in order: equal requests are equal bytes, which is
// what the server's cache goes by.
func encode(v any) ([]byte, error) {
	e := encoder{text: make([]byte, 0, 4<<10)}
	e.add(v)
	if e.err != nil {
		return nil, fmt.Errorf("search: encode request: %w", e.err)
	}
	return e.text, nil
}

type encoder struct {
	text []byte
	err  error
}

func (e *encoder) add(v any) {
	switch v := v.(type) {
	case nil:
		e.text = append(e.text, "null"...)
	case object:
		e.addObject(v)
	case []any:
		addEach(e, v, e.add)
	case []object:
		addEach(e, v, e.addObject)
	case []string:
		addEach(e, v, func(s string) { e.text = appendString(e.text, s) })
	case []json.RawMessage:
		addEach(e, v, func(r json.RawMessage) { e.text = append(e.text, r...) })
	case json.RawMessage:
		e.text = append(e.text, v...)
	case string:
		e.text = appendString(e.text, v)
	case bool:
		e.text = strconv.AppendBool(e.text, v)
	case int:
		e.text = strconv.AppendInt(e.text, int64(v), 10)
	case int64:
		e.text = strconv.AppendInt(e.text, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			e.err = fmt.Errorf("%v is no number of JSON", v)
		}
		e.text = strconv.AppendFloat(e.text, v, 'g', -1, 64)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			e.err = err
		}
		e.text = append(e.text, text...)
	}
}

func (e *encoder) addObject(o object) {
	var few [16]string // on the stack: most objects have one key
	keys := few[:0]
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	e.text = append(e.text, '{')
	for i, key := range keys {
		if i > 0 {
			e.text = append(e.text, ',')
		}
		e.text = append(appendString(e.text, key), ':')
		e.add(o[key])
	}
	e.text = append(e.text, '}')
}

func addEach[T any](e *encoder, list []T, one func(T)) {
	e.text = append(e.text, '[')
	for i, v := range list {
		if i > 0 {
			e.text = append(e.text, ',')
		}
		one(v)
	}
	e.text = append(e.text, ']')
}
