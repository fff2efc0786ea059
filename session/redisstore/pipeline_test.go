package redisstore

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

func TestRefusesMany(t *testing.T) {
	t.Parallel()
	require.True(t, refusesMany(said("NOPERM this user has no permissions to run the 'mget' command")))
	require.True(t, refusesMany(said("CROSSSLOT Keys in request don't hash to the same slot")))
	require.False(t, refusesMany(said("LOADING Redis is loading the dataset in memory")))
	require.False(t, refusesMany(errors.New("ERR is what a proxy of another protocol might say")))
}
