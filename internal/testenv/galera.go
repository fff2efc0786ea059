package testenv

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	galeraNodes    = 3
	galeraProvider = "/usr/lib/galera/libgalera_smm.so"
)

// galeraArtifact has the scripts that copy a node's data to one that joins. The
// server itself is the installed one; this package would set up its service.
var galeraArtifact = Artifact{Name: "mariadb-galera", Debian: mariadbPackage, Program: "usr/bin/wsrep_sst_rsync"}

// Galera is a cluster of three MariaDB servers that all take writes.
type Galera struct {
	Nodes []*Server
}

// NewGalera starts the three nodes, one after the other. Transactions that touch
// the same rows on two nodes meet at their COMMIT, and one of them gets error
// 1213 then. A node can be paused and killed, but not restarted.
//
// It returns an [UnavailableError] when Galera, rsync or lsof is not installed.
func NewGalera(ctx context.Context) (*Galera, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if _, err := os.Stat(galeraProvider); err != nil {
		return nil, &UnavailableError{Program: galeraProvider, Package: "galera-4"}
	}
	for _, program := range []string{"rsync", "lsof"} {
		if _, err := LookPath(program, program); err != nil {
			return nil, err
		}
	}
	scripts, err := galeraArtifact.look()
	if err != nil {
		return nil, err
	}
	g := &Galera{}
	var group []string
	for range galeraNodes {
		node, addr, err := startGaleraNode(ctx, filepath.Dir(scripts), group)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("testenv: galera: %w", err), g.Close())
		}
		g.Nodes, group = append(g.Nodes, node), append(group, addr)
	}
	return g, nil
}

// startGaleraNode starts a node that joins the group, or makes one if it is
// empty, and returns the node's address in it.
func startGaleraNode(ctx context.Context, scripts string, group []string) (node *Server, addr string, err error) {
	for try := 1; ; try++ {
		var ports [3]int
		for i := range ports {
			if ports[i], err = freePort(); err != nil {
				return nil, "", err
			}
		}
		addr = "127.0.0.1:" + strconv.Itoa(ports[0])
		node, err = start(ctx, galeraKind(scripts), &Options{Args: galeraArgs(ports, group)})
		if err == nil || try == portTries || !errors.Is(err, errPortTaken) {
			return node, addr, err
		}
	}
}

// galeraArgs are those of a node: ports are for the group, for the changes that
// a joining node lacks, and for the whole of the data.
//
// https://galeracluster.com/documentation/html_docs_/galera-parameters.html
func galeraArgs(ports [3]int, group []string) []string {
	listen := "127.0.0.1:" + strconv.Itoa(ports[0])
	return []string{
		"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
		"--wsrep-on=ON", "--wsrep-provider=" + galeraProvider,
		"--wsrep-cluster-address=gcomm://" + strings.Join(group, ","),
		"--wsrep-node-address=" + listen,
		"--wsrep-provider-options=" + strings.Join([]string{
			"base_host=127.0.0.1", "base_port=" + strconv.Itoa(ports[0]),
			"gmcast.listen_addr=tcp://" + listen,
			"ist.recv_addr=127.0.0.1:" + strconv.Itoa(ports[1]),
			"gcache.size=16M",
		}, ";"),
		"--wsrep-sst-method=rsync", "--wsrep-sst-receive-address=127.0.0.1:" + strconv.Itoa(ports[2]),
	}
}

// galeraKind runs as nobody under root, because the rsync that copies the data
// turns to an ordinary user by itself there.
func galeraKind(scripts string) kind {
	k := mariadbKind
	k.name, k.unprivileged = "galera", true
	k.args = func(_, data string, port int) []string { return mariadbServerArgs(data, port) }
	k.prepare = func(ctx context.Context, program, data string) error {
		if err := copyScripts(scripts, filepath.Join(filepath.Dir(data), "bin")); err != nil {
			return err
		}
		return prepareMariaDB(ctx, program, data)
	}
	k.environment = func(data string, _ int) ([]string, error) {
		return []string{"PATH=" + filepath.Join(filepath.Dir(data), "bin") + ":/usr/sbin:" + os.Getenv("PATH")}, nil
	}
	k.ready = func(ctx context.Context, s *Server) error {
		if err := mysqlReady(ctx, s); err != nil {
			return err
		}
		return withMySQL(s, func(db *sql.DB) error {
			var name, ready string
			if err := db.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_ready'").Scan(&name, &ready); err != nil {
				return err
			}
			if ready != "ON" {
				return errors.New("the node has not joined")
			}
			return nil
		})
	}
	return k
}

// copyScripts puts the scripts where nobody may read them, unlike root's cache.
func copyScripts(from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"wsrep_sst_common", "wsrep_sst_rsync"} {
		script, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), script, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Close kills all nodes. It is idempotent.
func (g *Galera) Close() error { return closeAll(g.Nodes) }
