package main

import (
	"database/sql"
	"errors"

	driver "github.com/go-sql-driver/mysql"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

var mariadbEngine = &engine{
	name:    "mariadb",
	title:   "MariaDB",
	connect: connectMySQL,
	open:    mysql.Open,
	remote: &remote{
		server:    testenv.MariaDB,
		args:      mysqlArgs,
		binlog:    []string{"--log-bin=binlog", "--sync-binlog=1", "--server-id=1"},
		isolation: mysqlIsolation,
		owns:      isMySQL,
		address:   mysqlAddress,
		moved:     movedMySQL,
	},
	facts:    append([]string{"SELECT 'mariadb', VERSION()"}, mysqlFacts...),
	primary:  mysqlPrimary,
	deadlock: isMySQLDeadlock,
}

// mysqlEngine owns no data source names: they look like MariaDB's, and the report has the server's version.
var mysqlEngine = &engine{
	name:    "mysql",
	title:   "MySQL",
	connect: connectMySQL,
	open:    mysql.Open,
	remote: &remote{
		server:    testenv.MySQL,
		args:      mysqlArgs,
		binlog:    []string{"--log-bin=binlog", "--sync-binlog=1", "--server-id=1"},
		isolation: mysqlIsolation,
		owns:      func(string) bool { return false },
		address:   mysqlAddress,
		moved:     movedMySQL,
	},
	facts:    append([]string{"SELECT 'mysql', VERSION()"}, mysqlFacts...),
	primary:  mysqlPrimary,
	deadlock: isMySQLDeadlock,
}

const mysqlPrimary = " FORCE INDEX (PRIMARY)"

var mysqlArgs = []string{
	"--innodb-flush-log-at-trx-commit=1", "--innodb-log-file-size=256M", "--innodb-buffer-pool-size=512M", "--max-connections=1200",
}

func mysqlIsolation(level string) string { return "--transaction-isolation=" + level }

var mysqlFacts = []string{
	"SHOW GLOBAL VARIABLES LIKE 'innodb_flush_log_at_trx_commit'",
	"SHOW GLOBAL VARIABLES LIKE 'log_bin'",
	"SHOW GLOBAL VARIABLES LIKE 'sync_binlog'",
	"SHOW GLOBAL VARIABLES LIKE 'tx_isolation'",
	"SHOW GLOBAL VARIABLES LIKE 'transaction_isolation'",
}

func isMySQL(dsn string) bool {
	config, err := driver.ParseDSN(dsn)
	return err == nil && config.DBName != ""
}

func mysqlAddress(dsn string) (string, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	return config.Addr, nil
}

func movedMySQL(dsn, address string) (string, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	config.Addr = address
	return config.FormatDSN(), nil
}

// connectMySQL sends a statement and its arguments in one round trip, and, where the inventory asks for it, many statements.
func connectMySQL(dsn string, pool int) (*sql.DB, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.InterpolateParams, config.MultiStatements = true, true
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return pooled(sql.OpenDB(connector), pool), nil
}

func isMySQLDeadlock(err error) bool {
	e, ok := errors.AsType[*driver.MySQLError](err)
	return ok && e.Number == 1213
}
