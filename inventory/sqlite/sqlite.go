// Package sqlite keeps stock in an SQLite database that the host opens with modernc.org/sqlite.
package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/seed82d84382/commerce/inventory"
)

// DSN returns the data source name for a database file, with the settings that Open asks for.
func DSN(path string) string { return "" }

// Open returns the inventory in db.
func Open(ctx context.Context, db *sql.DB, options *inventory.Options) (*inventory.Inventory, error) {
	return nil, errors.ErrUnsupported
}

// Migrate brings the schema up to date.
func Migrate(ctx context.Context, db *sql.DB) error { return errors.ErrUnsupported }
