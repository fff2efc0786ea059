package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const postgresPackage = "postgresql"

var postgresKind = kind{
	name:         "postgres",
	find:         func() (string, error) { return postgresProgram("postgres") },
	unprivileged: true,
	scattered:    true,
	prepare:      preparePostgres,
	args: func(_, data string, port int) []string {
		return []string{
			"-D", data, "-p", strconv.Itoa(port), "-h", "127.0.0.1",
			"-c", "unix_socket_directories=", "-c", "max_connections=500",
		}
	},
	orderly:     syscall.SIGINT, // SIGTERM would wait for clients to leave
	dsn:         func(addr string) string { return postgresDSN(addr, "postgres") },
	ready:       postgresReady,
	portTaken:   [][]byte{[]byte("Address already in use")},
	newDatabase: newPostgresDatabase,
}

// Postgres starts a PostgreSQL server as it comes: durable at every commit,
// READ COMMITTED. DSN is a URL for the user postgres without a password and the
// database of that name. Where root starts it, the server runs as nobody, for it
// refuses root; so the system's temporary directory must be open to all.
//
// It returns an [UnavailableError] when postgres is not installed.
func Postgres(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, postgresKind, opts)
}

// PostgresAt is a PostgreSQL server that runs already, at host:port, and lets
// postgres in without a password. It cannot be paused, killed or restarted.
func PostgresAt(addr string) *Server {
	return &Server{Addr: addr, DSN: postgresKind.dsn(addr), kind: postgresKind}
}

func postgresDSN(addr, database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Host: addr, Path: database, RawQuery: "sslmode=disable"}).String()
}

// postgresProgram looks where Debian keeps a directory for each version, and
// takes the newest.
func postgresProgram(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return LookPath(name, postgresPackage)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

func preparePostgres(ctx context.Context, program, data string) error {
	args := []string{"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"}
	return fromTemplate(ctx, "postgres", program, []string{"--version"}, key(args), data, func() error {
		install, err := postgresProgram("initdb")
		if err != nil {
			return err
		}
		if err := handOver(filepath.Dir(data)); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, install, append(args, "--pgdata="+data)...)
		cmd.Dir = data
		cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(filepath.Dir(data), "tmp"))
		drop(cmd)
		return installed(cmd)
	})
}

func postgresReady(ctx context.Context, s *Server) error {
	return withPostgres(ctx, s, func(conn *pgx.Conn) error {
		var data string
		if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&data); err != nil {
			return err
		}
		if filepath.Clean(data) != s.data() {
			return fmt.Errorf("another server answers on %s", s.Addr)
		}
		return nil
	})
}

func newPostgresDatabase(ctx context.Context, s *Server) (string, func(context.Context) error, error) {
	name := "test_" + strings.ToLower(rand.Text())
	exec := func(ctx context.Context, statement string) error {
		return withPostgres(ctx, s, func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, statement)
			return err
		})
	}
	// A test may have left connections behind.
	drop := func(ctx context.Context) error { return exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") }
	return postgresDSN(s.Addr, name), drop, exec(ctx, "CREATE DATABASE "+name)
}

func withPostgres(ctx context.Context, s *Server, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.DSN)
	if err != nil {
		return err
	}
	return errors.Join(f(conn), conn.Close(ctx))
}
