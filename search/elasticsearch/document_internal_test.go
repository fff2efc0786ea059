package elasticsearch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/search"
)

func testDriver() *driver {
	d := newDriver("products", search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 3}, {Name: "price", Kind: search.Number, Facet: true},
		{Name: "variant", Kind: search.Keyword, Collapse: true}, {Name: "at", Kind: search.Date}, {Name: "path", Kind: search.Category, Facet: true}, {Name: "new", Kind: search.Bool},
	}}, Options{Shards: 1, BatchBytes: 4 << 10, Workers: 2})
	d.scale = 1 / (k1 + 1)
	return d
}

func TestDocumentsAreWrittenAsTheyAreIndexed(t *testing.T) {
	t.Parallel()
	d := testDriver()
	op := search.Op{ID: `a"b`, Version: 7, Changed: true, Entry: &search.Entry{
		Source: []byte(`{"title":"x"}`),
		Texts: []search.TextRun{
			{Weight: 2, Terms: nil, Chars: []string{"茶"}, Field: search.FieldOwn + "title"},
			{Weight: 2, Terms: []string{"red", "tea"}, Field: search.FieldOwn + "title"},
			{Weight: 1, Terms: []string{"cup"}, Field: search.FieldOwn + "title"},
			{Weight: 1, Terms: []string{"lid"}},
		},
		Values: map[string][]any{"price": {1.5, 1e9}, "at": {time.UnixMilli(-5).UTC()}, "path": {"x", "x > y"}, "new": {true}},
		Words:  []string{"cup", "red"}, Phrases: []string{"red", "red tea"}, Starts: []string{"r", "r t"}, Present: []string{"price", "title"}, Group: "=g",
	}}
	lines := strings.Split(strings.TrimSuffix(string(d.appendOp(nil, op, condition{set: true, seq: 4, term: 2})), "\n"), "\n")
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"index":{"_id":"a\"b","if_seq_no":4,"if_primary_term":2}}`, lines[0])
	require.JSONEq(t, `{"_schema-`+d.print+`-2":true,"_revision":7,"_changed":true,"_key":"a\"b","_stored":{"title":"x"},
		"_text":"red tea | red tea | cup | lid","_chars":"茶 茶","_own.title":"red tea cup","_words":"cup red","_phrases":["red","red tea"],"_starts":"r r␣t","_present":"price title","_group":"=g",
		"price":[1.5,1e9],"price#":["1.5","1000000000"],"at":[-5],"path":["x","x > y"],"path#":["0:x","1:x > y"],"new":[true]}`, lines[1])

	empty := string(d.appendOp(nil, search.Op{ID: "e", Entry: &search.Entry{Source: []byte("{}")}}, condition{}))
	require.Contains(t, empty, `"_text":"*"`, "statistics count it")
	require.NotContains(t, empty, search.FieldChars)
	require.JSONEq(t, `{"delete":{"_id":"e"}}`, strings.TrimSpace(string(d.appendOp(nil, search.Op{ID: "e"}, condition{}))))
	require.Contains(t, string(d.appendOp(nil, search.Op{ID: "e", Version: 3}, condition{set: true, absent: true})), `{"create":`)
}

func TestStringsAreEscaped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		var back string
		require.NoError(t, json.Unmarshal(appendString(nil, s), &back))
		require.Equal(t, string([]rune(s)), back)
	})
}

func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	d := testDriver()
	rapid.Check(t, func(t *rapid.T) {
		ops := make([]search.Op, rapid.IntRange(0, 3000).Draw(t, "ops"))
		size := rapid.IntRange(0, 6000).Draw(t, "size")
		for i := range ops {
			ops[i].ID = strings.Repeat("x", 1+i%9)
			ops[i].Version = int64(i % 2)
			if i%100 == 0 {
				ops[i].Entry = &search.Entry{Source: []byte(strings.Repeat("y", size))}
			}
		}
		total := 0
		for _, part := range d.parts(ops) {
			total += len(part)
			bytes := 0
			for _, op := range part {
				bytes += sizeOf(op)
				require.Equal(t, part[0].Version > 0, op.Version > 0)
			}
			require.LessOrEqual(t, len(part), maxBulkOps)
			require.True(t, len(part) == 1 || bytes <= d.options.BatchBytes)
		}
		require.Equal(t, len(ops), total)
	})
}

func TestPositionsAreOnlyValues(t *testing.T) {
	t.Parallel()
	keys := []search.Sort{search.Relevance, {Field: "price"}, search.ByID}
	after, err := position([]string{"1.5", "null", `"a"`}, keys)
	require.NoError(t, err)
	require.Len(t, after, 3)
	for _, bad := range [][]string{
		nil, {"1.5", `"a"`}, {"1.5", "2", "3"}, {`"x"`, "2", `"a"`}, {"1.5", `{"a":1}`, `"a"`}, {"1.5", "[1]", `"a"`},
		{"1.5", `1},{"x":2`, `"a"`}, {"", "1", `"a"`}, {"1.5", strings.Repeat("1", 100), `"a"`}, {"1.5", `"a`, `"a"`},
	} {
		_, err := position(bad, keys)
		require.ErrorIs(t, err, search.ErrInvalid, bad)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("tea \x00\x1f \"\\ \xff 茶")
	f.Fuzz(func(t *testing.T, s string) {
		text := appendString(nil, s)
		var back string
		require.NoError(t, json.Unmarshal(text, &back))
		require.NotContains(t, string(text), "\n", "a line of a bulk request stays one")
	})
}
