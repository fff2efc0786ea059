package redisstore

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

func TestWhatALineLearns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err            error
		spread, single bool
	}{
		{said("NOPERM this user has no permissions to run the 'mget' command"), false, true},
		{said("CROSSSLOT Keys in request don't hash to the same slot"), true, false},
		{said("LOADING Redis is loading the dataset in memory"), false, false},
		{errors.New("ERR is what a proxy of another protocol might say"), false, false},
		{nil, false, false},
	} {
		var l line
		require.Equal(t, c.spread || c.single, l.learn(c.err), "%v", c.err)
		require.Equal(t, c.spread, l.spread.Load(), "%v", c.err)
		require.Equal(t, c.single, l.single.Load(), "%v", c.err)
	}
}
