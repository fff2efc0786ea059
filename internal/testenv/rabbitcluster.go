package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// rabbitNodes is how many nodes a RabbitCluster has: a majority outlives the loss of one.
const rabbitNodes = 3

// RabbitCluster is a RabbitMQ cluster of three nodes.
type RabbitCluster struct {
	Nodes  []*Server
	mapper *Server
}

func newCookie() string { return rand.Text() }

// mapperKind is Erlang's port mapper, which outlives the nodes that register with it.
var mapperKind = kind{
	name:    "epmd",
	program: "epmd",
	debian:  "erlang-base",
	args: func(_, _ string, port int) []string {
		return []string{"-port", strconv.Itoa(port), "-address", "127.0.0.1"}
	},
	dsn: func(addr string) string { return addr },
	ready: func(ctx context.Context, s *Server) error {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", s.Addr)
		if err != nil {
			return err
		}
		return conn.Close()
	},
	portTaken: [][]byte{[]byte("already in use")},
}

// NewRabbitCluster starts three nodes and joins them. It takes ten seconds and more.
func NewRabbitCluster(ctx context.Context) (*RabbitCluster, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*startTimeout)
	defer cancel()
	mapper, err := start(ctx, mapperKind, nil)
	if err != nil {
		return nil, err
	}
	c := &RabbitCluster{Nodes: make([]*Server, rabbitNodes), mapper: mapper}
	errs := make([]error, rabbitNodes)
	cookie := newCookie()
	var all sync.WaitGroup
	for i := range rabbitNodes {
		node := rabbitNode{name: fmt.Sprintf("commerce%d%s", i+1, rabbitHost), mapper: mapper.port, cookie: cookie}
		all.Go(func() { c.Nodes[i], errs[i] = start(ctx, rabbitKind(node), nil) })
	}
	all.Wait()
	err = errors.Join(errs...)
	for _, node := range c.Nodes[1:] {
		if err == nil {
			err = join(ctx, node, "commerce1"+rabbitHost)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("testenv: rabbitmq cluster: %w", err), c.Close())
	}
	return c, nil
}

// join makes a fresh node a member of another one's cluster.
func join(ctx context.Context, node *Server, first string) error {
	for _, args := range [][]string{{"stop_app"}, {"reset"}, {"join_cluster", first}, {"start_app"}} {
		if _, err := node.Control(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// URLs are where clients connect, the first node first.
func (c *RabbitCluster) URLs() []string {
	urls := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		urls[i] = n.DSN
	}
	return urls
}

// Close kills all nodes. It is idempotent.
func (c *RabbitCluster) Close() error {
	var started []*Server
	for _, n := range append(c.Nodes[:len(c.Nodes):len(c.Nodes)], c.mapper) {
		if n != nil {
			started = append(started, n)
		}
	}
	return closeAll(started)
}
