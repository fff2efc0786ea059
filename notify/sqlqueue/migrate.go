package sqlqueue

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations
var files embed.FS

// Migrate brings the tables up to date. Several processes may call it at once;
// calling it again changes nothing.
func Migrate(ctx context.Context, db *sql.DB) error {
	d, err := detect(ctx, db)
	if err == nil {
		err = d.migrate(ctx, db)
	}
	return err
}

func (d *dialect) migrate(ctx context.Context, db *sql.DB) error {
	migrations, err := fs.Sub(files, "migrations")
	if err == nil {
		err = d.Migrate(ctx, db, "notify_migrations", migrations)
	}
	if err != nil {
		return fmt.Errorf("sqlqueue: migrate: %w", err)
	}
	return nil
}
