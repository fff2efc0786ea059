package session

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := make(map[string][]byte)
		for _, key := range rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, "keys") {
			raw, err := json.Marshal(rapid.String().Draw(t, "value"))
			require.NoError(t, err)
			values[key] = raw
		}
		want := &content{
			secret: anyDigest(t, "secret"), previous: anyDigest(t, "previous"), authHash: anyDigest(t, "auth hash"), hasAuthHash: true,
			previousUntil: anyTime(t, "until"), created: anyTime(t, "created"), authenticated: anyTime(t, "authenticated"),
			previousSees: rapid.Bool().Draw(t, "sees"), remember: rapid.Bool().Draw(t, "remember"),
			device: []byte(rapid.String().Draw(t, "device")), ip: []byte(rapid.String().Draw(t, "ip")), values: values, acting: anyActing(t),
		}
		encoded, err := want.encodeJSON()
		require.NoError(t, err)
		require.True(t, json.Valid(encoded))
		match := append([]byte(jsonSecretPrefix), jsonSecret(want.secret[:])...)
		require.True(t, bytes.HasPrefix(encoded, match), "a touch finds the secret where it looks for it")
		got, err := decodeContent(encoded)
		require.NoError(t, err)
		require.True(t, maps.EqualFunc(want.values, got.all(), func(a, b []byte) bool { return sameJSON(t, a, b) }))
		got.values = want.values
		require.Equal(t, want.encode(), got.encode(), "nothing is lost to the other codec")
	})
}

func sameJSON(t *rapid.T, a, b []byte) bool {
	var one, two any
	require.NoError(t, json.Unmarshal(a, &one))
	require.NoError(t, json.Unmarshal(b, &two))
	return one == two
}

func TestJSONIsChecked(t *testing.T) {
	t.Parallel()
	_, err := (&content{values: map[string][]byte{"\xff": []byte("1")}}).encodeJSON()
	require.ErrorIs(t, err, ErrInvalid, "a key would become another")
	good, err := (&content{values: map[string][]byte{"k": []byte("1")}}).encodeJSON()
	require.NoError(t, err)
	for name, bad := range map[string]string{
		"cut":               string(good[:len(good)-1]),
		"more":              string(good) + "x",
		"unknown version":   strings.Replace(string(good), `"v":1`, `"v":2`, 1),
		"no secret":         `{"v":1}`,
		"a short secret":    `{"v":1,"secret":"AAAA"}`,
		"a short digest":    strings.Replace(string(good), `{"v":1,`, `{"v":1,"auth_hash":"AAAA",`, 1),
		"nobody acting":     strings.Replace(string(good), `{"v":1,`, `{"v":1,"acting":{},`, 1),
		"a list":            `{"v":1,"secret":[]}`,
		"an object of none": `{`,
	} {
		_, err := decodeContent([]byte(bad))
		require.ErrorIs(t, err, ErrCorrupt, name)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	good, err := (&content{values: map[string][]byte{"k": []byte("1")}, created: time.UnixMicro(1), acting: &acting{operator: "a"}}).encodeJSON()
	require.NoError(f, err)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeJSON(b)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		again, err := c.encodeJSON()
		if err != nil {
			return // a time that JSON cannot hold
		}
		_, err = decodeJSON(again)
		require.NoError(t, err)
	})
}
