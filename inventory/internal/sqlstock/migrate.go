package sqlstock

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed82d84382/commerce/inventory"
)

// Migrate brings the schema up to date; any number of processes may try at once. A schema newer than
// the program is inventory.ErrSchema, and nothing is changed.
func Migrate(ctx context.Context, db *sql.DB, dialect *Dialect) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, dialect.LockSchema); err != nil {
		return fmt.Errorf("inventory: migrate %s: %w", dialect.Name, err)
	}
	err = migrate(ctx, conn, dialect)
	end := dialect.UnlockSchema
	if err != nil {
		end = dialect.AbandonSchema
	}
	if _, failed := conn.ExecContext(context.WithoutCancel(ctx), end); failed != nil {
		err = errors.Join(err, failed)
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // it may still hold the lock
	}
	if err != nil {
		return fmt.Errorf("inventory: migrate %s: %w", dialect.Name, err)
	}
	return nil
}

func migrate(ctx context.Context, conn *sql.Conn, dialect *Dialect) error {
	const table = "CREATE TABLE IF NOT EXISTS inventory_schema (version INTEGER NOT NULL PRIMARY KEY)"
	if _, err := conn.ExecContext(ctx, table); err != nil {
		return err
	}
	version, err := schemaVersion(ctx, dialect, conn)
	if err != nil {
		return err
	}
	files, err := fs.Glob(dialect.Migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if version > len(files) {
		return newer(version, len(files))
	}
	for n := version; n < len(files); n++ {
		script, err := fs.ReadFile(dialect.Migrations, files[n])
		if err != nil {
			return err
		}
		for statement := range strings.SplitSeq(string(script), ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", files[n], err)
			}
		}
		if err := dialect.send(ctx, conn, Statement{Query: "INSERT INTO inventory_schema (version) VALUES (?)", Args: []any{n + 1}}); err != nil {
			return err
		}
	}
	return nil
}

// checkSchema is for hosts that migrate themselves.
func checkSchema(ctx context.Context, db *sql.DB, dialect *Dialect) error {
	version, err := schemaVersion(ctx, dialect, db)
	if err != nil {
		return fmt.Errorf("inventory: %w: %w", inventory.ErrSchema, err)
	}
	files, err := fs.Glob(dialect.Migrations, "migrations/*.sql")
	switch {
	case err != nil:
		return err
	case version > len(files):
		return fmt.Errorf("inventory: %w", newer(version, len(files)))
	case version < len(files):
		return fmt.Errorf("inventory: %w: it has version %d, this program needs %d: call Migrate", inventory.ErrSchema, version, len(files))
	}
	return nil
}

func newer(version, known int) error {
	return fmt.Errorf("%w: it has version %d, this program knows %d", inventory.ErrSchema, version, known)
}

func schemaVersion(ctx context.Context, d *Dialect, q queryer) (int, error) {
	versions, err := collect(ctx, d, q, Statement{Query: "SELECT COALESCE(MAX(version), 0) FROM inventory_schema"},
		func(row Row) (v int, err error) { return v, row.Scan(&v) })
	if err != nil {
		return 0, err
	}
	return versions[0], nil
}
