package testenv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ElasticsearchCluster is three nodes of Elasticsearch, each of which can be the master.
type ElasticsearchCluster struct {
	Nodes []*Server
}

const elasticsearchNodes = 3

// NewElasticsearchCluster starts three nodes that find each other, as with [Options.Brief].
func NewElasticsearchCluster(ctx context.Context) (*ElasticsearchCluster, error) {
	var seeds []string
	for range elasticsearchNodes {
		port, err := freePort()
		if err != nil {
			return nil, fmt.Errorf("testenv: elasticsearch cluster: %w", err)
		}
		seeds = append(seeds, fmt.Sprintf("127.0.0.1:%d", port))
	}
	list := `["` + strings.Join(seeds, `", "`) + `"]`
	c := &ElasticsearchCluster{Nodes: make([]*Server, elasticsearchNodes)}
	errs := make([]error, elasticsearchNodes)
	var all sync.WaitGroup
	for i, seed := range seeds {
		_, port, _ := strings.Cut(seed, ":")
		settings := []string{
			"cluster.name: commerce-" + strings.ReplaceAll(seeds[0], ":", "-"),
			"transport.port: " + port,
			"discovery.seed_hosts: " + list,
			"cluster.initial_master_nodes: " + list,
		}
		all.Go(func() { c.Nodes[i], errs[i] = start(ctx, elasticsearch8.kind(settings), &Options{Brief: true}) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Addrs are the addresses of all nodes.
func (c *ElasticsearchCluster) Addrs() []string {
	all := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		all[i] = node.Addr
	}
	return all
}

// Master is the node that leads the cluster, as the others see it.
func (c *ElasticsearchCluster) Master(ctx context.Context) (*Server, error) {
	var errs []error
	for _, node := range c.Nodes {
		var masters []struct {
			Node string `json:"node"`
		}
		if err := elasticsearchGet(ctx, node.DSN+"/_cat/master?format=json", &masters); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, n := range c.Nodes {
			if len(masters) == 1 && masters[0].Node == elasticsearchName(n) {
				return n, nil
			}
		}
	}
	return nil, fmt.Errorf("testenv: elasticsearch cluster: no master is known: %w", errors.Join(errs...))
}

// AwaitGreen waits until every copy of every index is there.
func (c *ElasticsearchCluster) AwaitGreen(ctx context.Context) error {
	return elasticsearchGet(ctx, c.Nodes[0].DSN+"/_cluster/health?wait_for_status=green&wait_for_nodes=3&timeout=25s", nil)
}

// Close kills all nodes. It is idempotent.
func (c *ElasticsearchCluster) Close() error {
	var started []*Server
	for _, node := range c.Nodes {
		if node != nil {
			started = append(started, node)
		}
	}
	return closeAll(started)
}
