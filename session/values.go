package session

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"
)

// Values are the values of a session by key. Each is kept as JSON, so that any
// type encoding/json can round-trip may be stored, without registration, and
// a value that is not asked for is never decoded. A Values is not safe for
// concurrent use and valid only inside the function it was handed to.
type Values struct {
	raw map[string][]byte
	err error
}

// Set stores a value. A key has 1 to 256 bytes. What cannot be stored is
// reported by the Update around it, and nothing is saved then.
func (v *Values) Set(key string, value any) {
	raw, err := encodeValue(key, value)
	if err != nil {
		v.err = errors.Join(v.err, err)
		return
	}
	v.set(key, raw)
}

// Delete removes a value if there is one.
func (v *Values) Delete(key string) { delete(v.raw, key) }

// Clear removes all values.
func (v *Values) Clear() { clear(v.raw) }

// Has reports whether there is a value.
func (v *Values) Has(key string) bool { _, ok := v.raw[key]; return ok }

// Len returns the number of values.
func (v *Values) Len() int { return len(v.raw) }

// Keys returns the keys in sorted order.
func (v *Values) Keys() []string { return slices.Sorted(maps.Keys(v.raw)) }

// Decode stores a value in what target points to, as json.Unmarshal does. The
// error wraps ErrNotFound if there is no such value; one of another type gives
// an *InvalidError.
func (v *Values) Decode(key string, target any) error {
	raw, ok := v.raw[key]
	if !ok {
		return errNoValue
	}
	return decodeValue(key, raw, target)
}

// String returns a value, or "" if there is none or of another type. So do the
// other getters with their zero values; Decode and Value tell these apart.
func (v *Values) String(key string) string { s, _ := Value[string](v, key); return s }

// Int returns an int value, or 0.
func (v *Values) Int(key string) int { n, _ := Value[int](v, key); return n }

// Bool returns a bool value, or false.
func (v *Values) Bool(key string) bool { b, _ := Value[bool](v, key); return b }

// Time returns a time value, or the zero time.
func (v *Values) Time(key string) time.Time { t, _ := Value[time.Time](v, key); return t }

// Value returns a value of type T; ok is false if there is none or of another type.
func Value[T any](v *Values, key string) (value T, ok bool) {
	if err := v.Decode(key, &value); err != nil {
		var zero T
		return zero, false
	}
	return value, true
}

func (v *Values) set(key string, raw []byte) {
	if v.raw == nil {
		v.raw = make(map[string][]byte)
	}
	v.raw[key] = raw
}

func encodeValue(key string, value any) ([]byte, error) {
	switch {
	case key == "":
		return nil, &InvalidError{"key", "is empty"}
	case len(key) > maxKey:
		return nil, &InvalidError{"key", "is longer than 256 bytes"}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, &InvalidError{"value of " + key, err.Error()}
	}
	return raw, nil
}

func decodeValue(key string, raw []byte, target any) error {
	if err := json.Unmarshal(raw, target); err != nil {
		return &InvalidError{"value of " + key, err.Error()}
	}
	return nil
}

var errNoValue = &missingValue{}

type missingValue struct{}

func (*missingValue) Error() string        { return "session: no such value" }
func (*missingValue) Is(target error) bool { return target == ErrNotFound }
