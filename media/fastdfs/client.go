package fastdfs

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/seed82d84382/commerce/media"
)

// Client speaks to a FastDFS cluster. It is safe for concurrent use and must be closed.
type Client struct {
	config   Config
	trackers []*pool
	next     atomic.Uint32 // tracker to begin with
	known    *targets
	mu       sync.RWMutex
	storages map[string]*pool // by address
	closed   bool
}

// maxPools bounds the storages remembered; a real cluster has fewer.
const maxPools = 4096

// NewClient returns a client for a cluster. It only checks the config, a *media.InvalidError names the wrong
// field; connections are made when they are needed. Ping tells whether the cluster answers.
func NewClient(config *Config) (*Client, error) {
	if config == nil {
		config = &Config{}
	}
	c := &Client{config: config.WithDefaults(), storages: map[string]*pool{}}
	if err := c.config.validate(); err != nil {
		return nil, named("new client", err)
	}
	c.known = newTargets(c.config.TrackerCache)
	for _, address := range c.config.Trackers {
		c.trackers = append(c.trackers, newPool(&c.config, address))
	}
	return c, nil
}

// Close closes the idle connections; those in use are closed when their operation ends. Operations
// that begin later fail with media.ErrClosed. Idempotent.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, p := range c.trackers {
		p.close()
	}
	for _, p := range c.storages {
		p.close()
	}
	return nil
}

// storage returns the pool of a storage.
func (c *Client) storage(address string) (*pool, error) {
	c.mu.RLock()
	p, closed := c.storages[address], c.closed
	c.mu.RUnlock()
	if closed {
		return nil, media.ErrClosed
	}
	if p != nil {
		return p, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, media.ErrClosed
	}
	if p := c.storages[address]; p != nil {
		return p, nil
	}
	if len(c.storages) >= maxPools {
		for address, p := range c.storages {
			if p.unused() {
				delete(c.storages, address)
			}
		}
	}
	p = newPool(&c.config, address)
	c.storages[address] = p
	return p, nil
}

// connect takes a connection to a storage.
func (c *Client) connect(ctx context.Context, address string) (*conn, error) {
	p, err := c.storage(address)
	if err != nil {
		return nil, err
	}
	return p.get(ctx)
}

// isDown reports whether a storage has failed a moment ago.
func (c *Client) isDown(address string) bool {
	c.mu.RLock()
	p := c.storages[address]
	c.mu.RUnlock()
	return p != nil && p.isDown()
}
