package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/sessiontest"
	"github.com/seed82d84382/commerce/session/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// database is a file: only so do connections really compete.
func database(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func driver(t *testing.T, db *sql.DB) session.Driver {
	t.Helper()
	d, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	return d
}

func TestConformance(t *testing.T) {
	var files sync.Map // by driver
	sessiontest.Run(t, sessiontest.Harness{
		Open: func(t *testing.T) session.Driver {
			file := filepath.Join(t.TempDir(), "s.db")
			d := driver(t, database(t, file))
			files.Store(d, file)
			return d
		},
		Peer: func(t *testing.T, first session.Driver) session.Driver {
			file, _ := files.Load(first)
			return driver(t, database(t, file.(string)))
		},
	})
}

func TestSessionsSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "s.db")
	var token string
	for i := range 2 {
		db, err := sql.Open("sqlite", "file:"+file)
		require.NoError(t, err)
		m, err := sqlstore.Open(t.Context(), db, nil)
		require.NoError(t, err)
		ctx := m.Attach(t.Context(), token)
		if i == 0 {
			require.NoError(t, m.Login(ctx, session.User{ID: "42"}, nil))
			token, err = m.Token(ctx)
			require.NoError(t, err)
		} else {
			user, ok := m.User(ctx)
			require.True(t, ok)
			require.Equal(t, "42", user.ID)
		}
		require.NoError(t, m.Close())
		require.NoError(t, m.Close(), "twice is harmless")
		require.NoError(t, db.PingContext(t.Context()), "the database stays open")
		require.NoError(t, db.Close())
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "s.db")
	errs := make(chan error, 4)
	for range cap(errs) {
		db := database(t, file)
		go func() { errs <- sqlstore.Migrate(context.WithoutCancel(t.Context()), db, sqlstore.SQLite) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	db := database(t, file)
	_, err := sqlstore.New(t.Context(), db, &sqlstore.Options{SkipMigrations: true})
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO session_migrations (version) VALUES (999)`)
	require.NoError(t, err)
	require.ErrorContains(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite), "version 999")
	require.ErrorContains(t, sqlstore.Migrate(t.Context(), db, "oracle"), "oracle")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := sqlstore.New(t.Context(), nil, nil)
	require.ErrorIs(t, err, session.ErrInvalid)
	_, err = sqlstore.New(t.Context(), database(t, filepath.Join(t.TempDir(), "s.db")), &sqlstore.Options{Dialect: "oracle"})
	require.ErrorIs(t, err, session.ErrInvalid)
}

// A database that another connection keeps locked is waited for.
func TestBusy(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "s.db")
	d := driver(t, database(t, file))
	locker := database(t, file)
	conn, err := locker.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	saved := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		close(begun)
		saved <- d.Delete(t.Context(), "absent")
	}()
	<-begun
	_, err = conn.ExecContext(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.NoError(t, <-saved)

	_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { saved <- d.Delete(ctx, "absent") }()
	cancel()
	require.Error(t, <-saved, "but not against the will of the caller")
	_, err = conn.ExecContext(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	ctx := context.Background()
	sessions, err := sqlstore.Open(ctx, db, nil)
	if err != nil {
		panic(err)
	}
	defer sessions.Close()

	visitor := sessions.Attach(ctx, "") // Middleware does this for each request
	if err := sessions.Login(visitor, session.User{ID: "42"}, &session.LoginOptions{Device: "Phone"}); err != nil {
		panic(err)
	}
	devices, err := sessions.List(visitor, "42")
	fmt.Println(len(devices), devices[0].Device, devices[0].Current, err)
	// Output: 1 Phone true <nil>
}
