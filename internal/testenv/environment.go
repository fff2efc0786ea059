package testenv

import "os"

// Environment variables that name the shared servers of a test run, host:port.
const (
	ElasticsearchEnv = "COMMERCE_ELASTICSEARCH_ADDR"
	MariaDBEnv       = "COMMERCE_MARIADB_ADDR"
	MySQLEnv         = "COMMERCE_MYSQL_ADDR"
	NATSEnv          = "COMMERCE_NATS_ADDR"
	PostgresEnv      = "COMMERCE_POSTGRES_ADDR"
	RabbitMQEnv      = "COMMERCE_RABBITMQ_ADDR"
	RedisEnv         = "COMMERCE_REDIS_ADDR"
)

// Required reports whether every test must run, so that one that cannot has
// to fail instead of being skipped: CI=true or COMMERCE_REQUIRE=all.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("COMMERCE_REQUIRE") == "all"
}

// AllSearchEngines reports whether tests of search run on every engine there is, and
// not only on Elasticsearch 8.14: COMMERCE_SEARCH_ENGINES=all.
func AllSearchEngines() bool { return os.Getenv("COMMERCE_SEARCH_ENGINES") == "all" }
