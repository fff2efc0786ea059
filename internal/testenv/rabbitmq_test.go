package testenv_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestRabbitMQComesBackWithItsData(t *testing.T) {
	t.Parallel()
	s := testenvtest.PrivateRabbitMQ(t, nil)
	_, err := s.Control(t.Context(), "add_vhost", "kept")
	require.NoError(t, err)
	require.NoError(t, s.Kill())
	require.NoError(t, s.Restart(t.Context()))
	out, err := s.Control(t.Context(), "list_vhosts")
	require.NoError(t, err)
	require.Contains(t, out, "kept")
	require.NoError(t, s.Pause())
	require.NoError(t, s.Resume())
	dsn, drop, err := s.NewDatabase(t.Context())
	require.NoError(t, err)
	require.Contains(t, dsn, s.Addr+"/test_")
	require.NoError(t, drop(t.Context()))
	_, err = testenv.RabbitMQAt(s.Addr).Control(t.Context(), "status")
	require.Error(t, err)
}

func TestRabbitClusterOutlivesANode(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateRabbitCluster(t)
	require.Len(t, c.URLs(), 3)
	status, err := c.Nodes[1].Control(t.Context(), "cluster_status")
	require.NoError(t, err)
	for _, name := range []string{"commerce1@localhost", "commerce2@localhost", "commerce3@localhost"} {
		require.Contains(t, status, name)
	}
	require.NoError(t, c.Nodes[0].Kill())
	require.NoError(t, c.Nodes[0].Restart(t.Context()))
	_, err = c.Nodes[0].Control(t.Context(), "cluster_status")
	require.NoError(t, err)
}
