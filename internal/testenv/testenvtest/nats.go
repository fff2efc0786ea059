package testenvtest

import (
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
)

var sharedNATS = shared{env: testenv.NATSEnv, start: testenv.NATS, at: testenv.NATSAt}

// NATS returns the shared NATS server of the run. Tests share it, so they give their streams
// names of their own.
func NATS(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedNATS.get(t)
}

// PrivateNATS starts a NATS server for this test alone, to pause, kill and restart. It is
// closed at the end of the test.
func PrivateNATS(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.NATS, opts)
}

// PrivateNATSCluster starts a NATS cluster of three nodes that the test may hurt.
func PrivateNATSCluster(t testing.TB) *testenv.NATSCluster {
	t.Helper()
	return privateGroup(t, testenv.NewNATSCluster)
}
