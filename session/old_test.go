package session

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A session written by the first version of this package is read as it was then.
func TestSessionOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/session-v1.bin")
	require.NoError(t, err)
	c, err := decodeContent(data)
	require.NoError(t, err)
	require.Equal(t, token{id: "0123456789abcdefghijkl", secret: "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"}.digest(), c.secret)
	require.Equal(t, digest{1, 2, 3}, c.previous)
	require.True(t, c.previousSees)
	require.True(t, c.remember)
	require.True(t, c.hasAuthHash)
	require.Equal(t, authDigest("42", "hash"), c.authHash)
	at := time.Date(2026, 11, 24, 3, 0, 0, 123456000, time.UTC)
	require.WithinDuration(t, at, c.created, 0)
	require.WithinDuration(t, at.Add(time.Minute), c.authenticated, 0)
	require.WithinDuration(t, at.Add(2*time.Minute), c.previousUntil, 0)
	require.Equal(t, "Telefon für Bücher", string(c.device))
	require.Equal(t, "2001:db8::7", string(c.ip))
	require.Nil(t, c.acting)
	require.Equal(t, map[string][]byte{"cart": []byte(`["tea","茶"]`), "n": []byte("7"), "\xff": []byte("null")}, c.all())
	require.Equal(t, data, c.encode(), "and written so that the older version reads it")
}
