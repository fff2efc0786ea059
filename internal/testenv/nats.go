package testenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// NATSServer is the server of NATS, with JetStream in it.
var NATSServer = GoProgram{Name: "nats-server", Package: "github.com/nats-io/nats-server/v2", Version: "v2.15.3"}

// NATS starts a NATS server with JetStream, whose settings are the defaults but for a
// max_payload of 8 MB. DSN is a URL, as nats://127.0.0.1:4222. It has no databases: tests
// give their streams names of their own.
//
// It returns an [UnavailableError] when nats-server is not installed.
func NATS(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, natsKind(natsNode{name: "commerce-" + newCookie()}), opts)
}

// NATSAt is a NATS server that runs already, at host:port. It cannot be paused, killed or restarted.
func NATSAt(addr string) *Server {
	k := natsKind(natsNode{})
	return &Server{Addr: addr, DSN: k.dsn(addr), kind: k}
}

// natsNode says how nodes find each other.
type natsNode struct {
	name   string
	port   int   // for other nodes; 0 none
	routes []int // the ports of all nodes
}

func natsKind(node natsNode) kind {
	return kind{
		name:    "nats",
		find:    NATSServer.Look,
		prepare: func(_ context.Context, _, data string) error { return node.prepare(data) },
		args: func(_, data string, port int) []string {
			return []string{"-c", filepath.Join(data, "nats.conf"), "-a", "127.0.0.1", "-p", strconv.Itoa(port), "-n", node.name}
		},
		dsn:       func(addr string) string { return "nats://" + addr },
		ready:     node.ready,
		portTaken: [][]byte{[]byte("address already in use")},
		newDatabase: func(context.Context, *Server) (string, func(context.Context) error, error) {
			return "", nil, errors.New("testenv: nats has no databases")
		},
	}
}

func (n natsNode) prepare(data string) error {
	config := fmt.Sprintf("max_payload: 8MB\njetstream { store_dir: %q, max_file_store: 8GB }\n", filepath.Join(data, "jetstream"))
	if n.port != 0 {
		var routes []string
		for _, port := range n.routes {
			routes = append(routes, fmt.Sprintf("%q", "nats://127.0.0.1:"+strconv.Itoa(port)))
		}
		config += fmt.Sprintf("cluster { name: commerce, listen: \"127.0.0.1:%d\", routes: [%s] }\n", n.port, strings.Join(routes, ", "))
	}
	return os.WriteFile(filepath.Join(data, "nats.conf"), []byte(config), 0o400)
}

// ready asks JetStream about the account: where there is a cluster, its leader answers.
//
// Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
func (n natsNode) ready(ctx context.Context, s *Server) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	const question = "CONNECT {\"verbose\":false}\r\nSUB commerce.ready 1\r\nPUB $JS.API.INFO commerce.ready 0\r\n\r\n"
	if _, err := conn.Write([]byte(question)); err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "INFO ") && !strings.Contains(line, n.name):
			return fmt.Errorf("another server answers on %s", s.Addr)
		case strings.HasPrefix(line, "-ERR"):
			return errors.New(line)
		case strings.HasPrefix(line, "{"):
			if strings.Contains(line, `"error"`) {
				return errors.New(line)
			}
			return nil
		}
	}
	return errors.Join(errors.New("JetStream does not answer"), lines.Err())
}

// natsNodes is how many nodes a NATSCluster has: a majority outlives the loss of one.
const natsNodes = 3

// NATSCluster is a NATS cluster of three nodes.
type NATSCluster struct {
	Nodes []*Server
}

// NewNATSCluster starts three nodes that know each other.
func NewNATSCluster(ctx context.Context) (*NATSCluster, error) {
	c := &NATSCluster{Nodes: make([]*Server, natsNodes)}
	ports := make([]int, natsNodes)
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return nil, fmt.Errorf("testenv: nats cluster: %w", err)
		}
	}
	errs := make([]error, natsNodes)
	var all sync.WaitGroup
	for i, port := range ports {
		node := natsNode{name: "commerce-" + newCookie(), port: port, routes: ports}
		all.Go(func() { c.Nodes[i], errs[i] = start(ctx, natsKind(node), nil) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(fmt.Errorf("testenv: nats cluster: %w", err), c.Close())
	}
	return c, nil
}

// URLs are where clients connect, separated by commas.
func (c *NATSCluster) URLs() string {
	urls := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		urls[i] = n.DSN
	}
	return strings.Join(urls, ",")
}

// Close kills all nodes. It is idempotent.
func (c *NATSCluster) Close() error {
	var started []*Server
	for _, n := range c.Nodes {
		if n != nil {
			started = append(started, n)
		}
	}
	return closeAll(started)
}
