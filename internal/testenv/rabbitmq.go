package testenv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Debian's programs in /usr/sbin change to a user of their own when root runs
// them; these do not.
const (
	rabbitPrograms = "/usr/lib/rabbitmq/bin/"
	rabbitPackage  = "rabbitmq-server"
)

// rabbitHost is the host in the names of nodes, which Erlang resolves.
const rabbitHost = "@localhost"

// withPortMapper runs Erlang's port mapper in the process group of the node that
// needs it. The one that a node starts by itself is a daemon that would outlive it.
const withPortMapper = `epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec "$0"`

// RabbitMQ starts a RabbitMQ broker with one node. DSN is a URL, as
// amqp://guest:guest@127.0.0.1:5672/. It has no plugins; NewDatabase makes a
// virtual host and takes a second or two.
//
// It returns an [UnavailableError] when rabbitmq-server is not installed.
func RabbitMQ(ctx context.Context, opts *Options) (*Server, error) {
	mapper, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("testenv: rabbitmq: %w", err)
	}
	return start(ctx, rabbitKind(rabbitNode{name: "commerce" + rabbitHost, mapper: mapper, ownMapper: true}), opts)
}

// RabbitMQAt is a RabbitMQ broker that runs already, at host:port, and lets guest in. It
// cannot be paused, killed, restarted or controlled.
func RabbitMQAt(addr string) *Server {
	k := rabbitKind(rabbitNode{})
	return &Server{Addr: addr, DSN: k.dsn(addr), kind: k}
}

// rabbitNode says how nodes find each other.
type rabbitNode struct {
	name      string
	mapper    int    // the port of the port mapper
	ownMapper bool   // which the node brings along
	cookie    string // shared by the nodes of a cluster
}

func rabbitKind(node rabbitNode) kind {
	return kind{
		name:    "rabbitmq",
		program: rabbitPrograms + "rabbitmq-server",
		debian:  rabbitPackage,
		prepare: func(_ context.Context, _, data string) error { return node.prepare(data) },
		launch: func(program string) []string {
			if node.ownMapper {
				return []string{"sh", "-c", withPortMapper, program}
			}
			return []string{program}
		},
		args:        func(string, string, int) []string { return nil },
		environment: node.environment,
		dsn:         func(addr string) string { return "amqp://guest:guest@" + addr + "/" },
		ready:       node.ready,
		portTaken:   [][]byte{[]byte("eaddrinuse"), []byte("address already in use"), []byte("Address already in use")},
		newDatabase: node.newDatabase,
		control:     node.control,
	}
}

func (n rabbitNode) prepare(data string) error {
	cookie := n.cookie
	if cookie == "" {
		cookie = newCookie()
	}
	for name, content := range map[string]string{
		".erlang.cookie":  cookie,
		"enabled_plugins": "[].\n",
		"rabbitmq.conf": "loopback_users = none\nlog.file = false\nlog.console = true\nlog.console.level = info\n" +
			"disk_free_limit.absolute = 50MB\ncluster_partition_handling = pause_minority\n",
		// What was on its way out of a queue with a TTL to one whose leader dies is sent again then; by default after three minutes.
		"advanced.config": "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].\n",
	} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(content), 0o400); err != nil {
			return err
		}
	}
	return nil
}

// environment is the node's configuration. The port between nodes may change
// with every start: the mapper knows it.
func (n rabbitNode) environment(data string, port int) ([]string, error) {
	between, err := freePort()
	if err != nil {
		return nil, err
	}
	return []string{
		"HOME=" + data, "ERL_EPMD_PORT=" + strconv.Itoa(n.mapper), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_NODENAME=" + n.name, "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=" + strconv.Itoa(port),
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(between),
		"RABBITMQ_MNESIA_BASE=" + data, "RABBITMQ_LOG_BASE=" + data, "RABBITMQ_SCHEMA_DIR=" + data, "RABBITMQ_GENERATED_CONFIG_DIR=" + data,
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(data, "enabled_plugins"),
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(data, "rabbitmq.conf"), "RABBITMQ_ADVANCED_CONFIG_FILE=" + filepath.Join(data, "advanced.config"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_PID_FILE=" + filepath.Join(data, "pid"),
		// Busy waiting schedulers would take the processors from everybody else on the machine.
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
	}, nil
}

// ready greets the broker and reads its own greeting, which has the name of its
// cluster, at first that of the node. The listener opens when all else has started.
//
// Protocol: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, 4.2.2 and 4.2.3.
func (n rabbitNode) ready(ctx context.Context, s *Server) error {
	greeting, err := rabbitGreeting(ctx, s.Addr)
	if err != nil {
		return err
	}
	if !bytes.Contains(greeting, []byte("RabbitMQ")) {
		return fmt.Errorf("no RabbitMQ answers on %s", s.Addr)
	}
	if n.ownMapper && !bytes.Contains(s.logSince(0), []byte("127.0.0.1:"+strconv.Itoa(s.port))) {
		return fmt.Errorf("another server answers on %s", s.Addr)
	}
	return nil
}

func rabbitGreeting(ctx context.Context, addr string) ([]byte, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(readyTimeout)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return nil, err
	}
	head := make([]byte, 7) // type, channel, size
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[3:])
	if head[0] != 1 || size > 64<<10 {
		return nil, errors.New("the greeting is no method frame")
	}
	greeting := make([]byte, size)
	_, err = io.ReadFull(conn, greeting)
	return greeting, err
}

// control runs rabbitmqctl on the node.
func (n rabbitNode) control(ctx context.Context, s *Server, args []string) (string, error) {
	program, err := LookPath(rabbitPrograms+"rabbitmqctl", rabbitPackage)
	if err != nil {
		return "", err
	}
	environment, err := n.environment(s.data(), s.port)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, slices.Concat([]string{"--quiet", "--node", n.name}, args)...)
	cmd.Dir = s.data()
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rabbitmqctl %s: %w\n%s", strings.Join(args, " "), err, tail(out))
	}
	return string(out), nil
}

func (n rabbitNode) newDatabase(ctx context.Context, s *Server) (string, func(context.Context) error, error) {
	name := "test_" + strings.ToLower(newCookie())
	run := func(ctx context.Context, args ...string) error {
		_, err := s.Control(ctx, args...)
		return err
	}
	if err := run(ctx, "add_vhost", name); err != nil {
		return "", nil, err
	}
	drop := func(ctx context.Context) error { return run(ctx, "delete_vhost", name) }
	return s.DSN + name, drop, run(ctx, "set_permissions", "-p", name, "guest", ".*", ".*", ".*")
}
