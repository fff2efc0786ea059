package main

import (
	"context"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// servers are those that every test run shares: a line each. What only a few
// tests use they start themselves.
var servers = []struct {
	name  string
	env   string
	start func(context.Context, *testenv.Options) (*testenv.Server, error)
}{
	{"Elasticsearch", testenv.ElasticsearchEnv, testenv.Elasticsearch},
	{"MariaDB", testenv.MariaDBEnv, testenv.MariaDB},
	{"MySQL", testenv.MySQLEnv, testenv.MySQL},
	{"NATS", testenv.NATSEnv, testenv.NATS},
	{"PostgreSQL", testenv.PostgresEnv, testenv.Postgres},
	{"RabbitMQ", testenv.RabbitMQEnv, testenv.RabbitMQ},
	{"Redis", testenv.RedisEnv, testenv.Redis},
}
