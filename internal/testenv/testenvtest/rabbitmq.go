package testenvtest

import (
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
)

var sharedRabbitMQ = shared{env: testenv.RabbitMQEnv, start: testenv.RabbitMQ, at: testenv.RabbitMQAt}

// RabbitMQ returns the shared RabbitMQ broker of the run. Tests share its one virtual
// host, so they give their queues names of their own.
func RabbitMQ(t testing.TB) *testenv.Server {
	t.Helper()
	return sharedRabbitMQ.get(t)
}

// PrivateRabbitMQ starts a RabbitMQ broker for this test alone, to pause, kill and
// restart. It is closed at the end of the test.
func PrivateRabbitMQ(t testing.TB, opts *testenv.Options) *testenv.Server {
	t.Helper()
	return private(t, testenv.RabbitMQ, opts)
}

// PrivateRabbitCluster starts a RabbitMQ cluster of three nodes that the test may hurt.
func PrivateRabbitCluster(t testing.TB) *testenv.RabbitCluster {
	t.Helper()
	return privateGroup(t, testenv.NewRabbitCluster)
}
