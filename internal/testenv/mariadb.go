package testenv

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

const mariadbPackage = "mariadb-server"

var mariadbKind = kind{
	name:    "mariadb",
	program: "mariadbd",
	debian:  mariadbPackage,
	prepare: prepareMariaDB,
	args: func(data string, port int) []string {
		return append(mariadbArgs(data),
			"--port="+strconv.Itoa(port),
			"--bind-address=127.0.0.1",
			// Relative, so to the data directory: a socket's path has a length limit.
			"--socket=mariadb.sock",
			"--tmpdir="+filepath.Join(filepath.Dir(data), "tmp"),
			"--skip-name-resolve",
			"--skip-log-bin",
			"--max-connections=500",
			"--innodb-buffer-pool-size=64M",
			// As Debian's configuration has it, which --no-defaults leaves out.
			"--character-set-server=utf8mb4",
			"--collation-server=utf8mb4_general_ci",
		)
	},
	dsn:         func(addr string) string { return mariadbDSN(addr, "") },
	ready:       mariadbReady,
	portTaken:   [][]byte{[]byte("Address already in use")},
	newDatabase: newMariaDBDatabase,
}

// MariaDB starts a MariaDB server with InnoDB as it comes: durable at every
// commit. DSN is in go-sql-driver's form, for root without a password and with
// no database chosen.
//
// It returns an [UnavailableError] when mariadbd is not installed.
func MariaDB(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, mariadbKind, opts)
}

// MariaDBAt is a MariaDB server that runs already, at host:port, and lets root
// in without a password. It cannot be paused, killed or restarted.
func MariaDBAt(addr string) *Server {
	return &Server{Addr: addr, DSN: mariadbKind.dsn(addr), kind: mariadbKind}
}

func mariadbDSN(addr, database string) string {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "root", "tcp", addr, database
	return c.FormatDSN()
}

// mariadbArgs are the arguments of the server and of its installation.
func mariadbArgs(data string) []string {
	// A small redo log: the default of 96 MB would be written at every start.
	args := []string{"--no-defaults", "--datadir=" + data, "--innodb-log-file-size=8M"}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return args
}

// prepareMariaDB fills the data directory. Installing takes a second or more,
// a copy of what an earlier start installed much less.
func prepareMariaDB(ctx context.Context, program, data string) error {
	template, err := mariadbTemplate(ctx, program)
	if err != nil {
		return installMariaDB(ctx, data) // no place for a template: no reason to fail
	}
	if err := os.CopyFS(data, os.DirFS(template)); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := installMariaDB(ctx, data); err != nil {
		return err
	}
	if err := keepTemplate(data, template); err != nil {
		return fmt.Errorf("keep a template: %w", err)
	}
	return nil
}

// mariadbTemplate is the directory of the template, which depends on the
// program's version and our arguments.
func mariadbTemplate(ctx context.Context, program string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, program, "--no-defaults", "--version").Output()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(append(version, strings.Join(mariadbArgs(""), " ")...))
	return filepath.Join(cache, "commerce-testenv", fmt.Sprintf("mariadb-%x", key[:8])), nil
}

func installMariaDB(ctx context.Context, data string) error {
	program, err := LookPath("mariadb-install-db", mariadbPackage)
	if err != nil {
		return err
	}
	args := append(mariadbArgs(data), "--auth-root-authentication-method=normal", "--skip-test-db")
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, tail(out))
	}
	return nil
}

// keepTemplate makes the template appear whole or not at all; when another
// process was faster, its one stays.
func keepTemplate(data, template string) error {
	if err := os.MkdirAll(filepath.Dir(template), 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(template), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	if err := os.CopyFS(temporary, os.DirFS(data)); err != nil {
		return err
	}
	if err := os.Rename(temporary, template); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func mariadbReady(ctx context.Context, s *Server) error {
	return withMariaDB(s, func(db *sql.DB) error {
		var data string
		if err := db.QueryRowContext(ctx, "SELECT @@datadir").Scan(&data); err != nil {
			return err
		}
		if filepath.Clean(data) != s.data() {
			return fmt.Errorf("another server answers on %s", s.Addr)
		}
		return nil
	})
}

func newMariaDBDatabase(ctx context.Context, s *Server) (string, func(context.Context) error, error) {
	name := "test_" + strings.ToLower(rand.Text())
	exec := func(ctx context.Context, statement string) error {
		return withMariaDB(s, func(db *sql.DB) error {
			_, err := db.ExecContext(ctx, statement+" `"+name+"`")
			return err
		})
	}
	drop := func(ctx context.Context) error { return exec(ctx, "DROP DATABASE IF EXISTS") }
	return mariadbDSN(s.Addr, name), drop, exec(ctx, "CREATE DATABASE")
}

func withMariaDB(s *Server, f func(*sql.DB) error) error {
	config, err := mysql.ParseDSN(s.DSN)
	if err != nil {
		return err
	}
	// Until the server is up the driver would log every refused attempt.
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	return errors.Join(f(db), db.Close())
}
