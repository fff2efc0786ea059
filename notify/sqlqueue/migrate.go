package sqlqueue

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the tables up to date. Several processes may call it at once;
// calling it again changes nothing.
func Migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	if err != nil {
		return fmt.Errorf("sqlqueue: migrate: %w", err)
	}
	err = patiently(ctx, func() error { return migrate(ctx, db, files) })
	if err != nil {
		return fmt.Errorf("sqlqueue: migrate: %w", err)
	}
	return nil
}

// migrate holds the write lock from before it looks until it is done, so that
// of several processes one migrates and the others find it done.
func migrate(ctx context.Context, db *sql.DB, files []string) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if _, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS notify_migrations (version INTEGER PRIMARY KEY)"); err != nil {
		return err
	}
	done := 0
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM notify_migrations").Scan(&done); err != nil {
		return err
	}
	for i, file := range files[min(done, len(files)):] {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO notify_migrations (version) VALUES (?)", done+i+1); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
