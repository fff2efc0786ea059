package testenv

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// What follows is the same for MariaDB and MySQL.

func mysqlDSN(addr, database string) string {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "root", "tcp", addr, database
	return c.FormatDSN()
}

func mysqlReady(ctx context.Context, s *Server) error {
	return withMySQL(s, func(db *sql.DB) error {
		var data string
		if err := db.QueryRowContext(ctx, "SELECT @@datadir").Scan(&data); err != nil {
			return err
		}
		if filepath.Clean(data) != s.data() {
			return fmt.Errorf("another server answers on %s", s.Addr)
		}
		return nil
	})
}

func newMySQLDatabase(ctx context.Context, s *Server) (string, func(context.Context) error, error) {
	name := "test_" + strings.ToLower(rand.Text())
	exec := func(ctx context.Context, statement string) error {
		return withMySQL(s, func(db *sql.DB) error {
			_, err := db.ExecContext(ctx, statement+" `"+name+"`")
			return err
		})
	}
	drop := func(ctx context.Context) error { return exec(ctx, "DROP DATABASE IF EXISTS") }
	return mysqlDSN(s.Addr, name), drop, exec(ctx, "CREATE DATABASE")
}

func withMySQL(s *Server, f func(*sql.DB) error) error {
	config, err := mysql.ParseDSN(s.DSN)
	if err != nil {
		return err
	}
	// Until the server is up the driver would log every refused attempt.
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	return errors.Join(f(db), db.Close())
}
