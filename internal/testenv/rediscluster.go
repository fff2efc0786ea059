package testenv

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clusterMasters is how many masters a RedisCluster has; each has one replica.
const clusterMasters = 3

// RedisCluster is a Redis Cluster of three masters with one replica each.
type RedisCluster struct {
	Nodes []*Server // the masters of the beginning, then their replicas in the same order
}

// NewRedisCluster starts six servers and joins them. A master that is gone for a
// second is replaced by its replica.
func NewRedisCluster(ctx context.Context) (*RedisCluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c := &RedisCluster{}
	for range 2 * clusterMasters {
		node, err := Redis(ctx, &Options{Args: []string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--databases", "1", "--appendonly", "no",
			"--cluster-replica-validity-factor", "0",
		}})
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.Nodes = append(c.Nodes, node)
	}
	if err := c.join(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("testenv: redis cluster: %w", err), c.Close())
	}
	return c, nil
}

// join makes the servers one cluster, as redis-cli --cluster create does.
//
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
func (c *RedisCluster) join(ctx context.Context) error {
	const slots = 16384
	for i, node := range c.Nodes {
		commands := []string{"CLUSTER SET-CONFIG-EPOCH " + strconv.Itoa(i+1)}
		if i < clusterMasters {
			first, last := i*slots/clusterMasters, (i+1)*slots/clusterMasters-1
			commands = append(commands, fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", first, last))
		}
		if i > 0 {
			commands = append(commands, "CLUSTER MEET "+strings.Replace(c.Nodes[0].Addr, ":", " ", 1))
		}
		if _, err := redisCommand(ctx, node.Addr, commands...); err != nil {
			return err
		}
	}
	known := "cluster_known_nodes:" + strconv.Itoa(len(c.Nodes)) + "\r\n"
	if err := eachAnswers(ctx, c.Nodes, "CLUSTER INFO", known); err != nil {
		return err
	}
	for i, replica := range c.Nodes[clusterMasters:] {
		id, err := redisCommand(ctx, c.Nodes[i].Addr, "CLUSTER MYID")
		if err != nil {
			return err
		}
		if _, err := redisCommand(ctx, replica.Addr, "CLUSTER REPLICATE "+id); err != nil {
			return err
		}
	}
	if err := eachAnswers(ctx, c.Nodes, "CLUSTER INFO", "cluster_state:ok\r\n"); err != nil {
		return err
	}
	return eachAnswers(ctx, c.Nodes[clusterMasters:], "INFO replication", "master_link_status:up\r\n")
}

// eachAnswers waits until every server's answer has a text.
func eachAnswers(ctx context.Context, servers []*Server, command, text string) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for _, s := range servers {
		for {
			answer, err := redisCommand(ctx, s.Addr, command)
			if err == nil && strings.Contains(answer, text) {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: no %q in the answer to %s: %w (%w)", s.Addr, strings.TrimSpace(text), command, ctx.Err(), err)
			case <-tick.C:
			}
		}
	}
	return nil
}

// Addrs are where clients connect.
func (c *RedisCluster) Addrs() []string { return addrs(c.Nodes) }

func addrs(servers []*Server) []string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Addr
	}
	return all
}

// Node is the server at an address, nil if there is none.
func (c *RedisCluster) Node(addr string) *Server { return at(c.Nodes, addr) }

func at(servers []*Server, addr string) *Server {
	for _, s := range servers {
		if s.Addr == addr {
			return s
		}
	}
	return nil
}

// Close kills all servers. It is idempotent.
func (c *RedisCluster) Close() error { return closeAll(c.Nodes) }

func closeAll(servers []*Server) error {
	var errs []error
	for _, s := range servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
