// Package postgres keeps stock in PostgreSQL (12 or later), through a database that the host opens with
// github.com/jackc/pgx/v5/stdlib:
//
//	db, err := sql.Open("pgx", "postgres://shop@127.0.0.1:5432/shop")
//	stock, err := postgres.Open(ctx, db, nil)
//
// Durability is the server's: synchronous_commit=on, its default, makes every acknowledged change survive a crash.
//
// A transaction of the package goes to the server in one to three round trips: its statements are pipelined. Each sets READ COMMITTED
// for itself, whatever the server's default. A transaction of the host that uses the …Tx variants should do the same: at
// REPEATABLE READ and SERIALIZABLE they are as exact, but the server may refuse one that meets another, which is an
// inventory.ErrContention and must be tried again by the host.
package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

// Open migrates the database and returns the inventory in it; nil options mean the defaults. It returns
// inventory.ErrSchema if the schema is newer than the program, and an inventory.ServerError if the server is too old.
// db must be of pgx's database/sql driver. Closing the inventory leaves db open.
func Open(ctx context.Context, db *sql.DB, options *inventory.Options) (*inventory.Inventory, error) {
	if db == nil {
		return nil, fmt.Errorf("inventory: open postgres: %w", &inventory.InvalidError{Field: "db", Reason: "is nil"})
	}
	return sqlstock.Open(ctx, db, dialect, options)
}

// Migrate brings the schema up to date, for hosts that set Options.SkipMigrations.
func Migrate(ctx context.Context, db *sql.DB) error { return sqlstock.Migrate(ctx, db, dialect) }

//go:embed migrations/*.sql
var migrations embed.FS
