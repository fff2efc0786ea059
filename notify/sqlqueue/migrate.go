package sqlqueue

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations
var migrations embed.FS

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
	files, err := fs.Glob(migrations, "migrations/"+d.name+"/*.sql")
	if err == nil {
		err = patiently(ctx, func() error { return d.apply(ctx, db, files) })
	}
	if err != nil {
		return fmt.Errorf("sqlqueue: migrate: %w", err)
	}
	return nil
}

// locks keep other processes away from before one looks until it is done, so that of
// several one migrates and the others find it done. MySQL's statements on tables commit
// by themselves, so its lock belongs to the connection.
var locks = map[string]struct{ begin, end, fail []string }{
	"sqlite":   {[]string{"BEGIN IMMEDIATE"}, []string{"COMMIT"}, []string{"ROLLBACK"}},
	"postgres": {[]string{"BEGIN", "SELECT pg_advisory_xact_lock(7307498631)"}, []string{"COMMIT"}, []string{"ROLLBACK"}},
	"mysql": {
		[]string{"DO GET_LOCK(CONCAT('notify_migrate.', DATABASE()), 60)"}, []string{"DO RELEASE_LOCK(CONCAT('notify_migrate.', DATABASE()))"},
		[]string{"DO RELEASE_LOCK(CONCAT('notify_migrate.', DATABASE()))"},
	},
}

func (d *dialect) apply(ctx context.Context, db *sql.DB, files []string) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	run := func(ctx context.Context, statements ...string) error {
		for _, s := range statements {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	lock := locks[d.name]
	if err := run(ctx, lock.begin...); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = run(context.WithoutCancel(ctx), lock.fail...)
		}
	}()
	if err := run(ctx, "CREATE TABLE IF NOT EXISTS notify_migrations (version INTEGER PRIMARY KEY)"); err != nil {
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
		if err := run(ctx, statements(string(text))...); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := run(ctx, fmt.Sprintf("INSERT INTO notify_migrations (version) VALUES (%d)", done+i+1)); err != nil {
			return err
		}
	}
	return run(ctx, lock.end...)
}

// statements are the parts of a file; not all drivers take several at once.
func statements(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(part) != "" {
			all = append(all, part)
		}
	}
	return all
}
