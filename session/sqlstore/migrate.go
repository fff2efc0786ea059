package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the tables session_sessions and session_migrations to the
// newest version, in one transaction. Running it again, or in several processes
// at once, is harmless. Tables of a version newer than this program are an error.
func Migrate(ctx context.Context, db *sql.DB, dialect Dialect) error {
	files, err := fs.Glob(migrations, "migrations/"+string(dialect)+"/*.sql")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("session: migrate: unknown dialect %q", dialect)
	}
	return retryBusy(ctx, func() error { return migrate(ctx, db, files) })
}

func migrate(ctx context.Context, db *sql.DB, files []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("session: migrate: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS session_migrations (version INTEGER NOT NULL PRIMARY KEY)`); err != nil {
		return fmt.Errorf("session: migrate: %w", err)
	}
	// A write first: it takes the lock that readers of the version must wait for.
	if _, err := tx.ExecContext(ctx, `DELETE FROM session_migrations WHERE version < 0`); err != nil {
		return fmt.Errorf("session: migrate: %w", err)
	}
	var done int
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM session_migrations`).Scan(&done); err != nil {
		return fmt.Errorf("session: migrate: %w", err)
	}
	newest := 0
	for _, file := range files {
		name := file[strings.LastIndexByte(file, '/')+1:]
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("session: migrate: %s has no number", name)
		}
		newest = max(newest, version)
		if version <= done {
			continue
		}
		statements, err := migrations.ReadFile(file)
		if err != nil {
			return fmt.Errorf("session: migrate: %w", err)
		}
		if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
			return fmt.Errorf("session: migrate: %s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO session_migrations (version) VALUES (?)`, version); err != nil {
			return fmt.Errorf("session: migrate: %w", err)
		}
	}
	if done > newest {
		return fmt.Errorf("session: migrate: the tables have version %d, this program knows %d", done, newest)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("session: migrate: %w", err)
	}
	return nil
}
