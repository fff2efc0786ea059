package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the database/sql driver of package inventory/sqlite

	"github.com/seed82d84382/commerce/inventory/sqlite"
)

var sqliteEngine = &engine{
	name:    "sqlite",
	title:   "SQLite",
	connect: connectSQLite,
	open:    sqlite.Open,
	start:   startSQLite,
	facts: []string{
		"SELECT 'sqlite', sqlite_version()",
		"SELECT 'journal_mode', journal_mode FROM pragma_journal_mode",
		"SELECT 'synchronous', CASE synchronous WHEN 2 THEN 'FULL' ELSE synchronous END FROM pragma_synchronous",
	},
	deadlock: never,
}

func startSQLite() (*server, error) {
	dir, err := os.MkdirTemp("", "lockbench-")
	if err != nil {
		return nil, err
	}
	return &server{
		newDatabase: func(context.Context) (string, func(context.Context) error, error) {
			path := filepath.Join(dir, rand.Text())
			return sqlite.DSN(path), func(context.Context) error {
				return errors.Join(removeIfThere(path), removeIfThere(path+"-wal"), removeIfThere(path+"-shm"))
			}, nil
		},
		close: func() error { return os.RemoveAll(dir) },
	}, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func connectSQLite(dsn string, pool int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return pooled(db, min(pool, 16)), nil // readers; there is one writer
}
