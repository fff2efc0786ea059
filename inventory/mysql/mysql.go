// Package mysql keeps stock in MariaDB (10.6 or later) or MySQL (8.0.16 or later), through a database that the host opens with
// github.com/go-sql-driver/mysql:
//
//	db, err := sql.Open("mysql", "shop:…@tcp(127.0.0.1:3306)/shop?interpolateParams=true")
//	stock, err := mysql.Open(ctx, db, nil)
//
// interpolateParams saves two of three round trips of every statement and is recommended. Durability is the server's:
// innodb_flush_log_at_trx_commit=1, its default, makes every acknowledged change survive a crash.
//
// Every transaction of the package sets READ COMMITTED for itself, whatever the server's default. A transaction of the host
// that uses the …Tx variants should do the same: at REPEATABLE READ they are as exact, but looking for a key that
// does not exist then locks the gap around it, and unrelated orders wait.
package mysql

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

// Open migrates the database and returns the inventory in it; nil options mean the defaults. It returns
// inventory.ErrSchema if the schema is newer than the program. Closing the inventory leaves db open.
func Open(ctx context.Context, db *sql.DB, options *inventory.Options) (*inventory.Inventory, error) {
	if db == nil {
		return nil, fmt.Errorf("inventory: open mysql: %w", &inventory.InvalidError{Field: "db", Reason: "is nil"})
	}
	return sqlstock.Open(ctx, db, dialect, options)
}

// Migrate brings the schema up to date, for hosts that set Options.SkipMigrations.
func Migrate(ctx context.Context, db *sql.DB) error { return sqlstock.Migrate(ctx, db, dialect) }

//go:embed migrations/*.sql
var migrations embed.FS
