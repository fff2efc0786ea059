package testenv_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func connectNATS(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

func TestNATSComesBackWithItsStreams(t *testing.T) {
	t.Parallel()
	s := testenvtest.PrivateNATS(t, nil)
	js := connectNATS(t, s.DSN)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "kept", Subjects: []string{"kept"}})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "kept", []byte("x"))
	require.NoError(t, err)
	require.NoError(t, s.Kill())
	require.NoError(t, s.Restart(t.Context()))
	stream, err := connectNATS(t, s.DSN).Stream(t.Context(), "kept")
	require.NoError(t, err)
	require.EqualValues(t, 1, stream.CachedInfo().State.Msgs)
	_, _, err = s.NewDatabase(t.Context())
	require.Error(t, err)
}

func TestNATSClusterOutlivesANode(t *testing.T) {
	t.Parallel()
	c := testenvtest.PrivateNATSCluster(t)
	js := connectNATS(t, c.URLs())
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "kept", Subjects: []string{"kept"}, Replicas: 3})
	require.NoError(t, err)
	require.NoError(t, c.Nodes[0].Kill())
	require.NoError(t, c.Nodes[0].Restart(t.Context()))
	require.Eventually(t, func() bool { // another leader may have to be chosen first
		stream, err := js.Stream(t.Context(), "kept")
		return err == nil && len(stream.CachedInfo().Cluster.Replicas) == 2
	}, time.Minute, 10*time.Millisecond)
}
