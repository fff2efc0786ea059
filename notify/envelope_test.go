package notify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawEnvelope(t *rapid.T) *Envelope {
	str := rapid.StringN(0, 40, 200)
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	})
	e := &Envelope{
		ID: str.Draw(t, "id"), Kind: str.Draw(t, "kind"), Queue: str.Draw(t, "queue"), Key: str.Draw(t, "key"),
		UniqueKey: str.Draw(t, "unique"), UniqueFor: time.Duration(rapid.Int64().Draw(t, "for")),
		Priority: rapid.Int().Draw(t, "priority"), Attempt: rapid.Int().Draw(t, "attempt"), MaxAttempts: rapid.Int().Draw(t, "max"),
		EnqueuedAt: moment.Draw(t, "enqueued"), RunAt: moment.Draw(t, "run"), ExpiresAt: moment.Draw(t, "expires"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"),
	}
	if h := rapid.MapOfN(str, str, 0, 5).Draw(t, "headers"); len(h) > 0 {
		e.Headers = h
	}
	if rapid.Bool().Draw(t, "second form") {
		e.Version, e.Member = rapid.IntRange(2, 1<<40).Draw(t, "version"), rapid.Int().Draw(t, "member")
		e.Secret, e.Group = str.Draw(t, "secret"), str.Draw(t, "group")
	}
	if rapid.Bool().Draw(t, "failed") {
		e.Failure = &Failure{At: moment.Draw(t, "at"), Reason: Reason(str.Draw(t, "reason")), Error: str.Draw(t, "error"), Stack: str.Draw(t, "stack")}
	}
	return e
}

func TestEnvelopeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawEnvelope(t)
		b, err := want.MarshalBinary()
		require.NoError(t, err)
		var got Envelope
		require.NoError(t, got.UnmarshalBinary(b))
		require.Equal(t, *want, got)
	})
}

func TestEnvelopeKeepsTheZeroTime(t *testing.T) {
	t.Parallel()
	b, err := (&Envelope{ID: "a"}).MarshalBinary()
	require.NoError(t, err)
	var got Envelope
	require.NoError(t, got.UnmarshalBinary(b))
	require.True(t, got.ExpiresAt.IsZero())
}

// TestOlderProgramsReadWhatNeedsNoNewField holds the first form, which programs before the second one know.
func TestOlderProgramsReadWhatNeedsNoNewField(t *testing.T) {
	t.Parallel()
	for want, e := range map[byte]*Envelope{1: {ID: "a", Version: 1}, 2: {ID: "a", Version: 2}} {
		b, err := e.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, want, b[0])
	}
}

func TestEnvelopeTruncated(t *testing.T) {
	t.Parallel()
	whole, err := (&Envelope{ID: "a", Kind: "k", Headers: map[string]string{"a": "b"}, Failure: &Failure{Error: "x"}, Version: 2, Group: "g"}).MarshalBinary()
	require.NoError(t, err)
	for n := range whole {
		var e Envelope
		require.ErrorIs(t, e.UnmarshalBinary(whole[:n]), ErrInvalid, "%d bytes", n)
		require.Equal(t, Envelope{}, e, "nothing is half read")
	}
}

func FuzzEnvelope(f *testing.F) {
	good, _ := (&Envelope{ID: "a", Kind: "k", Queue: "q", Headers: map[string]string{"a": "b"}, Failure: &Failure{Error: "x"}, Payload: []byte("{}")}).MarshalBinary()
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{envelopeVersion1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Envelope
		if err := e.UnmarshalBinary(b); err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		again, err := e.MarshalBinary()
		require.NoError(t, err)
		var second Envelope
		require.NoError(t, second.UnmarshalBinary(again))
		require.Equal(t, e, second)
	})
}

func TestIDsSortInTheOrderTheyWereMade(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	last := ""
	for range 10_000 {
		id := newID(now)
		require.Len(t, id, 26)
		require.Greater(t, id, last)
		last = id
	}
	require.Greater(t, newID(now.Add(time.Millisecond)), last)
}
