package search

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// Values are kept and compared in one Go type a kind: string, float64, bool, or
// time.Time in UTC cut to milliseconds (what every engine can hold).

const (
	maxKeyword = 1024 // bytes
	maxValues  = 1024 // of one field of one document
)

// normalise turns what a caller gave for a field of kind into its values. The
// error is a reason without the field's name.
func normalise(kind Kind, value any) ([]any, string) {
	switch v := value.(type) {
	case nil:
		return nil, ""
	case string, bool, time.Time, json.Number:
		one, reason := normaliseOne(kind, v)
		return []any{one}, reason
	}
	rv := reflect.ValueOf(value)
	if rv.Kind() != reflect.Slice && rv.Kind() != reflect.Array {
		one, reason := normaliseOne(kind, value)
		return []any{one}, reason
	}
	if rv.Len() > maxValues {
		return nil, "has more than 1024 values"
	}
	values := make([]any, 0, rv.Len())
	for i := range rv.Len() {
		one, reason := normaliseOne(kind, rv.Index(i).Interface())
		if reason != "" {
			return nil, reason
		}
		values = append(values, one)
	}
	return values, ""
}

func normaliseOne(kind Kind, value any) (any, string) {
	switch kind {
	case Text:
		if s, ok := stringOf(value); ok {
			return strings.ToValidUTF8(s, "\uFFFD"), ""
		}
	case Keyword:
		if s, ok := stringOf(value); ok {
			return s, checkKeyword(s)
		}
	case Category:
		if s, ok := stringOf(value); ok {
			return normalisePath(s)
		}
	case Number:
		if n, ok := numberOf(value); ok {
			if math.IsNaN(n) || math.IsInf(n, 0) {
				return nil, "is not a finite number"
			}
			return n + 0, "" // -0 becomes 0
		}
	case Bool:
		if b, ok := value.(bool); ok {
			return b, ""
		}
	case Date:
		switch v := value.(type) {
		case time.Time:
			return normaliseTime(v)
		case string:
			t, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return nil, "is not a date in RFC 3339"
			}
			return normaliseTime(t)
		}
	}
	return nil, "a " + string(kind) + " field cannot hold a " + typeName(value)
}

func typeName(value any) string {
	if value == nil {
		return "nil"
	}
	return reflect.TypeOf(value).String()
}

func stringOf(value any) (string, bool) {
	if s, ok := value.(string); ok {
		return s, true
	}
	if rv := reflect.ValueOf(value); rv.IsValid() && rv.Kind() == reflect.String {
		if _, number := value.(json.Number); !number {
			return rv.String(), true
		}
	}
	return "", false
}

func numberOf(value any) (float64, bool) {
	if n, ok := value.(json.Number); ok {
		f, err := n.Float64()
		return f, err == nil
	}
	rv := reflect.ValueOf(value)
	switch {
	case !rv.IsValid():
		return 0, false
	case rv.CanInt():
		return float64(rv.Int()), true
	case rv.CanUint():
		return float64(rv.Uint()), true
	case rv.CanFloat():
		return rv.Float(), true
	}
	return 0, false
}

func checkKeyword(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > maxKeyword:
		return "is longer than 1024 bytes"
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7F {
			return "holds a control character"
		}
	}
	return ""
}

func normalisePath(s string) (any, string) {
	if reason := checkKeyword(s); reason != "" {
		return nil, reason
	}
	for level := range strings.SplitSeq(s, PathSeparator) {
		if strings.TrimSpace(level) == "" {
			return nil, "is a category path with an empty level"
		}
	}
	return s, ""
}

// The years 1678 to 2261 are what a 64-bit count of nanoseconds can hold.
var firstTime, lastTime = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

func normaliseTime(t time.Time) (any, string) {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Before(firstTime) || !t.Before(lastTime) {
		return nil, "is a date outside the years 1678 to 2261"
	}
	return t, ""
}

// ancestors returns a category path and all paths above it, the root first.
func ancestors(path string) []string {
	levels := strings.Split(path, PathSeparator)
	paths := make([]string, len(levels))
	for i := range levels {
		paths[i] = strings.Join(levels[:i+1], PathSeparator)
	}
	return paths
}

// Holds says whether a value is one of those that Contains asks for.
func (f FacetRequest) Holds(value string) bool {
	if f.Contains == "" {
		return true
	}
	analyzer := analysis.Analyzer{Simplify: f.Simplify}
	return strings.Contains(analyzer.Simple(analysis.Fold(value)), f.Contains)
}
