package search

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMembers compares with encoding/json: of a valid object it must see the same members.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, ` { "a" : [1,{"b":"}\""}] , "c":"x\\" , "d":null}`, `{"a":"é","\u0061":2}`, `[]`, `{"a"`, `{"a":`, `{"a":}`, `{,}`, `{"a":1,}`, `{"a":"\`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		seen := map[string]string{}
		err := eachMember(text, func(name, value []byte) error {
			seen[string(name)] = string(value)
			return nil
		})
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return // bounded and without a panic is enough
		}
		require.NoError(t, err)
		if bytes.IndexByte(text, '\\') >= 0 {
			return // names with escapes are left out
		}
		for name, value := range seen {
			if have, ok := want[name]; ok { // invalid UTF-8 in a name is replaced there
				require.JSONEq(t, string(have), value)
			}
		}
	})
}

func TestDecodeReadsOnlyWhatIsWanted(t *testing.T) {
	s, err := Schema{Fields: []Field{{Name: "a", Kind: Text}, {Name: "b", Kind: Number}, {Name: "c", Kind: Keyword}}}.check()
	require.NoError(t, err)
	source := []byte(`{"a":"x \"y\"","b":[1,2.5],"c":"plain","gone":{"b":9}}`)
	all, err := s.decode(source, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": `x "y"`, "b": []float64{1, 2.5}, "c": "plain"}, all)
	some, err := s.decode(source, []string{"c"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"c": "plain"}, some)
	for _, bad := range []string{`[]`, `{"a":5}`, `{"b":"x"}`, `{"c":"x"`, `{"c" "x"}`, `{"c":"x" "a":"y"}`} {
		_, err := s.decode([]byte(bad), nil)
		require.Error(t, err, bad)
	}
}
