package session

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	// scs.New, in an example, starts a memory store that cannot be stopped safely.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}

func anyDigest(t *rapid.T, label string) digest {
	return digest(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
}

func anyTime(t *rapid.T, label string) time.Time {
	return fromMicros(rapid.Int64Range(-1e15, 5e15).Draw(t, label))
}

// anyActing is nobody, or somebody.
func anyActing(t *rapid.T) *acting {
	if rapid.Bool().Draw(t, "nobody acts") {
		return nil
	}
	return &acting{
		operator: string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "operator")), authHash: anyDigest(t, "operator's hash"),
		idle: time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "idle")) * time.Microsecond, deadline: anyTime(t, "deadline"),
		remember: rapid.Bool().Draw(t, "operator is remembered"),
	}
}

func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := &content{
			secret: anyDigest(t, "secret"), previous: anyDigest(t, "previous"), authHash: anyDigest(t, "auth hash"),
			previousUntil: anyTime(t, "until"), created: anyTime(t, "created"), authenticated: anyTime(t, "authenticated"),
			previousSees: rapid.Bool().Draw(t, "sees"), hasAuthHash: rapid.Bool().Draw(t, "has hash"), remember: rapid.Bool().Draw(t, "remember"),
			device: []byte(rapid.String().Draw(t, "device")), ip: []byte(rapid.String().Draw(t, "ip")),
			values: rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.Byte())).Draw(t, "values"),
			acting: anyActing(t),
		}
		encoded := want.encode()
		got, err := decodeContent(encoded)
		require.NoError(t, err)
		require.True(t, maps.EqualFunc(want.values, got.all(), bytes.Equal))
		for key, raw := range want.values {
			value, ok := got.value(key)
			require.True(t, ok)
			require.True(t, bytes.Equal(raw, value))
		}
		_, ok := got.value("absent\x00" + rapid.String().Draw(t, "absent"))
		require.False(t, ok)
		require.True(t, want.previousUntil.Equal(got.previousUntil) && want.created.Equal(got.created) && want.authenticated.Equal(got.authenticated))
		require.Equal(t, want.acting, got.acting)
		require.Equal(t, encoded, got.encode(), "equal content has equal bytes")
	})
}

// A string that is read the short way reads as encoding/json reads it.
func TestStringsAreJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.SampledFrom([]byte("\"\"\\u00e9aZ \x1f\x7f\x80n{}1"))).Draw(t, "raw")
		var want, got string
		wantErr := json.Unmarshal(raw, &want)
		gotErr := decodeValue("k", raw, &got)
		require.Equal(t, wantErr == nil, gotErr == nil, "%q: %v, %v", raw, wantErr, gotErr)
		require.Equal(t, want, got)
	})
}

func TestDecodeRefusesEveryDamage(t *testing.T) {
	t.Parallel()
	c := &content{device: []byte("Phone"), values: map[string][]byte{"cart": []byte(`["tea"]`), "n": []byte("1")}}
	c.acting = &acting{operator: "support"}
	good := c.encode()
	for n := range good {
		_, err := decodeContent(good[:n])
		require.ErrorIs(t, err, ErrCorrupt, "cut at %d", n)
		flipped := bytes.Clone(good)
		flipped[n] ^= 0x10
		_, err = decodeContent(flipped)
		require.ErrorIs(t, err, ErrCorrupt, "flipped at %d", n)
	}
	_, err := decodeContent(append(bytes.Clone(good), 0))
	require.ErrorIs(t, err, ErrCorrupt)
	good[0] = 9
	_, err = decodeContent(good)
	require.EqualError(t, err, "session: corrupt: unknown version 9")
}

// FuzzDecode feeds bodies with a right checksum, so that the fields behind it
// are reached.
func FuzzDecode(f *testing.F) {
	for _, c := range []*content{
		{},
		{remember: true, previousSees: true, hasAuthHash: true, device: []byte("Phone"), ip: []byte("::1"), created: time.UnixMicro(1)},
		{acting: &acting{operator: "support", idle: time.Hour, deadline: time.UnixMicro(1), remember: true}},
		{values: map[string][]byte{"a": []byte("1"), "b": nil, "": []byte("{}")}},
	} {
		b := c.encode()
		f.Add(b[:len(b)-4])
	}
	huge := (&content{}).encode()
	f.Add(append(huge[:len(huge)-5], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)) // 2^64-1 values
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := decodeContent(body)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
		}
		sealed := binary.BigEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, castagnoli))
		c, err := decodeContent(sealed)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		again, err := decodeContent(c.encode())
		require.NoError(t, err)
		require.Equal(t, c.encode(), again.encode())
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add(encodeEnvelope(Record{Version: 3, UserID: "42", Seen: time.UnixMicro(5), Idle: time.Minute, Deadline: time.UnixMicro(9), Data: []byte("data")}))
	f.Add([]byte{envelopeVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeEnvelope("id", b)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		again, err := decodeEnvelope("id", encodeEnvelope(r))
		require.NoError(t, err)
		require.Equal(t, r.UserID, again.UserID)
		require.True(t, bytes.Equal(r.Data, again.Data))
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add(newToken().String())
	f.Add("")
	f.Add(".")
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := parseToken(s)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			require.NotContains(t, err.Error(), "\""+s+"\"")
			return
		}
		require.Equal(t, s, parsed.String())
	})
}

func TestTokensAreRandomAndBoundToUsers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		next := newToken()
		require.Len(t, next.String(), tokenLength)
		require.False(t, seen[next.id] || seen[next.secret])
		seen[next.id], seen[next.secret] = true, true
	}
	require.False(t, authDigest("a", "bc").equal(authDigest("ab", "c")))
	require.False(t, authDigest("a", "hash").equal(authDigest("b", "hash")))
}
