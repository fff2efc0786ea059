package redisstore

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValuesOfAReply(t *testing.T) {
	t.Parallel()
	all, ok := values([]byte("*4\r\n$3\r\na\r\n\r\n$-1\r\n$0\r\n\r\n_\r\n"), 4)
	require.True(t, ok)
	require.Equal(t, [][]byte{[]byte("a\r\n"), nil, {}, nil}, all)
	all, ok = values([]byte("*1\r\n$-1\r\n"), 1)
	require.True(t, ok)
	require.Equal(t, [][]byte{nil}, all)
	for _, bad := range []string{
		"", "*", "*1", "*1\r\n", "*2\r\n$1\r\na\r\n", "*1\r\n$1\r\na", "*1\r\n$1\r\naxx", "*1\r\n$5\r\na\r\n", "*1\r\n$-2\r\n", "*1\r\n:1\r\n", "*x\r\n",
		"*1\r\n$1\r\na\r\nmore", "$1\r\na\r\n", "-CROSSSLOT Keys in request don't hash to the same slot\r\n", "*-1\r\n", "*1\r\n$999999999999\r\n",
	} {
		_, ok := values([]byte(bad), 1)
		require.False(t, ok, "%q", bad)
	}
	require.True(t, refusesMany([]byte("-NOPERM this user has no permissions to run the 'mget' command\r\n")))
	require.False(t, refusesMany([]byte("-LOADING Redis is loading the dataset in memory\r\n")))
}

func FuzzValues(f *testing.F) {
	f.Add([]byte("*1\r\n$1\r\na\r\n"))
	f.Add([]byte("*2\r\n$-1\r\n_\r\n"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		for n := range 4 {
			all, ok := values(reply, n)
			if !ok {
				continue
			}
			var again bytes.Buffer // what was read is what a server would say
			fmt.Fprintf(&again, "*%d\r\n", n)
			for _, value := range all {
				if value == nil {
					again.WriteString("$-1\r\n")
					continue
				}
				fmt.Fprintf(&again, "$%d\r\n%s\r\n", len(value), value)
			}
			back, ok := values(again.Bytes(), n)
			require.True(t, ok)
			require.Equal(t, all, back)
		}
	})
}
