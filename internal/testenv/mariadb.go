package testenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

const mariadbPackage = "mariadb-server"

var mariadbKind = kind{
	name:    "mariadb",
	program: "mariadbd",
	debian:  mariadbPackage,
	prepare: prepareMariaDB,
	args: func(_, data string, port int) []string {
		return append(mariadbServerArgs(data, port), asRoot()...)
	},
	dsn:         func(addr string) string { return mysqlDSN(addr, "") },
	ready:       mysqlReady,
	portTaken:   [][]byte{[]byte("Address already in use")},
	newDatabase: newMySQLDatabase,
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

func mariadbServerArgs(data string, port int) []string {
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
}

// mariadbArgs are the arguments of the server and of its installation.
func mariadbArgs(data string) []string {
	// A small redo log: the default of 96 MB would be written at every start.
	return []string{"--no-defaults", "--datadir=" + data, "--innodb-log-file-size=8M"}
}

// asRoot tells MariaDB and MySQL that root may run them.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func prepareMariaDB(ctx context.Context, program, data string) error {
	return fromTemplate(ctx, "mariadb", program, []string{"--no-defaults", "--version"}, key(mariadbArgs("")), data, func() error {
		install, err := LookPath("mariadb-install-db", mariadbPackage)
		if err != nil {
			return err
		}
		args := append(mariadbArgs(data), "--auth-root-authentication-method=normal", "--skip-test-db")
		return installed(exec.CommandContext(ctx, install, append(args, asRoot()...)...))
	})
}
