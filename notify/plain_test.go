package notify

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type plainSample struct {
	Stamp  int64  `json:"stamp"`
	To     string `json:"to,omitempty"`
	Small  int8
	Count  uint16 `json:"count"`
	Yes    bool   `json:"yes,omitzero"`
	Hidden string `json:"-"`
	Dash   string `json:"to2"`
	own    int    //nolint:unused // package json leaves it out as well
}

// readPlain reads as Task does when it can.
func readPlain[T any](text []byte) (v T, ok bool) {
	ok = plainArgsOf(reflect.TypeFor[T]()).read(text, reflect.ValueOf(&v).Elem())
	return v, ok
}

// TestPlainArgumentsAreReadAsWritten reads what package json writes, and knows what it escapes.
func TestPlainArgumentsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := plainSample{
			Stamp: rapid.Int64().Draw(t, "stamp"), To: rapid.String().Draw(t, "to"), Small: rapid.Int8().Draw(t, "small"),
			Count: rapid.Uint16().Draw(t, "count"), Yes: rapid.Bool().Draw(t, "yes"), Dash: rapid.StringMatching(`[ -~]*`).Draw(t, "dash"),
		}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		if got, ok := readPlain[plainSample](text); ok {
			var reference plainSample
			require.NoError(t, json.Unmarshal(text, &reference))
			require.Equal(t, reference, got)
		}
	})
	for _, want := range []plainSample{
		{}, {Stamp: -5, To: "a@example.com", Small: -128, Count: 65535, Yes: true, Dash: "您的验证码"}, {Stamp: math.MaxInt64}, {Stamp: -math.MaxInt64},
	} {
		text, err := json.Marshal(want)
		require.NoError(t, err)
		got, ok := readPlain[plainSample](text)
		require.True(t, ok, "%s", text)
		require.Equal(t, want, got)
	}
}

func TestOnlyPlainTypesAreReadPlainly(t *testing.T) {
	t.Parallel()
	type embedded struct{ plainSample }
	number := reflect.TypeFor[int]()
	twice := reflect.StructOf([]reflect.StructField{{Name: "A", Type: number, Tag: `json:"b"`}, {Name: "B", Type: number, Tag: `json:"b"`}})
	for _, other := range []any{
		1, "x", []string{"a"}, map[string]int{}, time.Time{}, embedded{},
		struct{ At time.Time }{}, struct{ N json.Number }{}, struct{ P *string }{}, struct{ F float64 }{}, struct{ A any }{},
		struct {
			N int `json:",string"`
		}{},
		struct {
			N int `json:"a b"`
		}{},
		reflect.Zero(twice).Interface(),
	} {
		require.Nil(t, plainArgsOf(reflect.TypeOf(other)), "%T", other)
	}
}

// FuzzPlainArguments requires that what is read plainly is what package json reads.
func FuzzPlainArguments(f *testing.F) {
	for _, seed := range []string{
		`{"stamp":1,"to":"a","Small":-2,"count":3,"yes":true,"to2":""}`, `{}`, `{"stamp":1}`, `{"stamp":1,}`, `{"stamp":01}`, `{"stamp":-0}`,
		`{"stamp":1}x`, `{"stamp":1.5}`, `{"stamp":1e3}`, `{"to":"\u0041"}`, `{"to":"` + "\xff" + `"}`, `{"Small":128}`, `{"stamp":9223372036854775808}`, `{"stamp":-9223372036854775808}`, `{"stamp":99999999999999999999}`, `{"count":-1}`,
		`{"stamp":null}`, `{"stamp":1,"stamp":2}`, `{"to":"a","stamp":2}`, `{"STAMP":1}`, ` {"stamp":1}`, `{"yes":tru}`, `{"yes":false}`, `{"stamp":`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := readPlain[plainSample](text)
		if !ok {
			return
		}
		var want plainSample
		require.NoError(t, json.Unmarshal(text, &want), "%q", text)
		require.Equal(t, want, got, "%q", text)
	})
}

func BenchmarkDecode(b *testing.B) {
	task := NewTask[plainSample]("bench.decode", nil)
	text, err := json.Marshal(plainSample{Stamp: 1_700_000_000_000_000_000, To: "+8613800138000", Dash: "Your code is 123456. It is valid for ten minutes. Your code is 123456."})
	require.NoError(b, err)
	for name, prefix := range map[string]string{"plain": "", "any JSON": " "} {
		payload := append([]byte(prefix), text...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				job := newJob[plainSample]()
				job.about().Version = 1
				if _, err := task.decode(job, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
