package testenvtest

import (
	"context"
	"errors"
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// PrivateRedisCluster starts a Redis Cluster of six nodes that the test may hurt.
func PrivateRedisCluster(t testing.TB) *testenv.RedisCluster {
	t.Helper()
	return privateGroup(t, testenv.NewRedisCluster)
}

// PrivateRedisSentinel starts a Redis with replicas and sentinels that the test
// may hurt.
func PrivateRedisSentinel(t testing.TB) *testenv.RedisSentinel {
	t.Helper()
	return privateGroup(t, testenv.NewRedisSentinel)
}

// PrivateGalera starts a Galera cluster of three nodes that the test may hurt.
func PrivateGalera(t testing.TB) *testenv.Galera {
	t.Helper()
	return privateGroup(t, testenv.NewGalera)
}

func privateGroup[T interface{ Close() error }](t testing.TB, start func(context.Context) (T, error)) T {
	t.Helper()
	skipShort(t)
	group, err := start(t.Context())
	switch {
	case errors.Is(err, testenv.ErrUnavailable):
		Skip(t, err.Error())
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	return group
}
