package testenv_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	cluster := testenvtest.PrivateRedisCluster(t)
	require.Len(t, cluster.Addrs(), 6)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()[:1]})
	defer c.Close()
	for _, key := range strings.Fields("a b c d e f g h") {
		require.NoError(t, c.Set(t.Context(), key, key, 0).Err())
		require.Equal(t, key, c.Get(t.Context(), key).Val())
	}
	nodes, err := c.ClusterNodes(t.Context()).Result()
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(nodes, "slave"))
	require.Nil(t, cluster.Node("nowhere"))
	require.NoError(t, cluster.Close())
	require.NoError(t, cluster.Close())
}

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	group := testenvtest.PrivateRedisSentinel(t)
	c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "commerce", SentinelAddrs: group.Addrs()})
	defer c.Close()
	pipe := c.Pipeline()
	pipe.Set(t.Context(), "k", "v", 0)
	wait := pipe.Do(t.Context(), "wait", 2, 0)
	_, err := pipe.Exec(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, wait.Val())
	master, err := group.Master(t.Context())
	require.NoError(t, err)
	require.Equal(t, group.Servers[0], master)
	require.NoError(t, master.Kill())
	next, err := group.Failover(t.Context(), master)
	require.NoError(t, err)
	require.NotEqual(t, master, next)
	after := redis.NewClient(&redis.Options{Addr: next.Addr})
	defer after.Close()
	require.Equal(t, "v", after.Get(t.Context(), "k").Val())
}
