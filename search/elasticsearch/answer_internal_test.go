package elasticsearch

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAnswersAreRead(t *testing.T) {
	t.Parallel()
	var a searchAnswer
	require.NoError(t, scan([]byte(` {"took":3,"_shards":{"total":1,"failures":[{"x":"}]"}]},"hits":{"total":{"value":12,"relation":"eq"},"max_score":null,"hits":[
		{"_index":"p","_id":"a\"\u00e9","_score":1.5e0,"_source":{"_stored":{"t":"}"},"_revision":7,"_gone":true,"_changed":false},"sort":[1.5,null,"x"],"fields":{"other":[1],"_group":["=g"]},
		"_explanation":{"value":2,"description":"d","details":[{"value":1,"description":"e","details":[]}]}},{"_id":"b","_score":null}]},
		"aggregations":{"g0":{"doc_count":3,"v0":{"buckets":[{"key":"x","doc_count":2},{"key":1,"key_as_string":"true","doc_count":1}]},
		"m0":{"doc_count":4},"n0":{"count":5,"min":1.0,"max":2.0},"lo0":{"value":-1.5},"hi0":{"value":null}}}}`), &a))
	require.NoError(t, a.refusal())
	require.Equal(t, 12, a.Total)
	require.Len(t, a.Hits, 2)
	hit := a.Hits[0]
	require.Equal(t, `a"é`, hit.ID)
	require.InDelta(t, 1.5, hit.Score, 0)
	require.JSONEq(t, `{"t":"}"}`, string(hit.Source.Stored))
	require.Equal(t, source{Stored: hit.Source.Stored, Version: 7, Gone: true}, hit.Source)
	require.Equal(t, []json.RawMessage{json.RawMessage("1.5"), json.RawMessage("null"), json.RawMessage(`"x"`)}, hit.Sort)
	require.Equal(t, "=g", hit.Group)
	require.Equal(t, "e", hit.Explanation.Details[0].Description)
	require.Equal(t, searchHit{ID: "b"}, a.Hits[1])
	group, err := decodeGroup(a.Aggregations["g0"])
	require.NoError(t, err)
	low := -1.5
	require.Equal(t, counts{
		"v0": {Buckets: []bucket{{Key: "x", Count: 2}, {Text: "true", Count: 1}}},
		"m0": {Count: 4}, "n0": {Number: 5}, "lo0": {Value: &low}, "hi0": {},
	}, group)

	var many manyAnswers
	require.NoError(t, scan([]byte(`{"took":1,"responses":[{"hits":{"total":{"value":1},"hits":[]},"status":200},{"error":{"type":"x_exception","reason":"r"},"status":400}]}`), &many))
	require.Len(t, many, 2)
	require.NoError(t, many[0].refusal())
	require.True(t, isType(many[1].refusal(), "x_exception"))

	for _, bad := range []string{"", "x", "[]", `{"hits":`, `{"hits":{"hits":[{"_id":1}]}}`, `{"hits":{"total":{"value":"many"}}}`, `{"a":1} x`, `{"a" 1}`,
		`{"hits":{"hits":[{"_id":"a" "b"}]}}`, `{"hits":{"hits":[{"_id":"a\q"}]}}`, `{"a":"`, `{"a":[{}`, `{"a":}`, strings.Repeat(`{"a":`, 1e5)} {
		require.Error(t, scan([]byte(bad), new(searchAnswer)), "%.50s", bad)
	}
}

func TestRequestsAreWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var draw func(depth int) any
		draw = func(depth int) any {
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				return rapid.Float64().Draw(t, "float")
			case 1:
				return rapid.String().Draw(t, "string")
			case 2:
				return rapid.Bool().Draw(t, "bool")
			case 3:
				return rapid.Int().Draw(t, "int")
			case 4:
				return rapid.SliceOf(rapid.String()).Draw(t, "strings")
			case 5:
				return json.RawMessage(`{"raw": 1}`)
			case 6:
				return []json.RawMessage{json.RawMessage("1"), json.RawMessage("null")}
			case 7:
				return map[string]string{"of": "another type"}
			}
			if depth == 0 {
				return nil
			}
			o, list := object{}, make([]any, 0, 3)
			for range rapid.IntRange(0, 20).Draw(t, "size") {
				v := draw(depth - 1)
				o[rapid.String().Draw(t, "key")] = v
				list = append(list, v)
			}
			if rapid.Bool().Draw(t, "list") {
				return list
			}
			return o
		}
		v := draw(2)
		got, err := encode(v)
		require.NoError(t, err)
		want, err := json.Marshal(v)
		require.NoError(t, err)
		if len(want) != len("null") || string(want) != "null" {
			require.JSONEq(t, string(want), string(got))
		}
		again, err := encode(v)
		require.NoError(t, err)
		require.Equal(t, got, again, "equal requests are equal bytes")
	})
	_, err := encode(object{"a": math.NaN()})
	require.Error(t, err)
	_, err = encode([]any{func() {}})
	require.Error(t, err)
}

// FuzzScan compares with encoding/json wherever that takes the text.
func FuzzScan(f *testing.F) {
	f.Add(`{"hits":{"total":{"value":12},"hits":[{"_id":"a","_score":1.5,"sort":[1,"x"]}]}}`)
	f.Add(`{"hits":{"hits":[{"_id":"\u00e9\"","_source":{"_stored":{"a":"}"}}}]}}`)
	f.Add(`{"hits":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var a searchAnswer
		err := scan([]byte(text), &a)
		var want struct {
			Hits struct {
				Total struct{ Value int }
				Hits  []struct {
					ID    string   `json:"_id"`
					Score *float64 `json:"_score"`
				}
			}
		}
		if json.Unmarshal([]byte(text), &want) != nil || err != nil || strings.Count(text, `"hits"`) > 2 || strings.Contains(text, `\`) {
			return // repeated and escaped keys are nothing that servers write
		}
		for i, h := range want.Hits.Hits {
			if i < len(a.Hits) && a.Hits[i].ID != "" {
				require.Equal(t, h.ID, a.Hits[i].ID)
			}
		}
		require.LessOrEqual(t, len(a.Hits), len(want.Hits.Hits))
	})
}
