package fastdfs

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media"
)

// Config says how a cluster is reached. Only Trackers is required.
type Config struct {
	// Trackers are the addresses of the trackers, "host:port" or "host" for port 22122. Any of
	// them can answer; one that fails is left alone for a while.
	Trackers []string
	// Group pins uploads to a group. Default: the tracker chooses.
	Group string

	// BaseURL is where web servers serve the files; the address of a file is BaseURL + its name
	// ("group1/M00/…"). GroupURLs are those of single groups and go before it.
	BaseURL   string
	GroupURLs map[string]string
	// OmitGroup leaves the group out of addresses (url_have_group_name=false of the web server's module).
	OmitGroup bool
	// TokenSecret is the key of the web server's anti-steal check (http.anti_steal.secret_key). With
	// it, signed addresses are those of FastDFS.
	TokenSecret []byte
	// TokenTTL is the web server's http.anti_steal.token_ttl. Default DefaultTokenTTL.
	TokenTTL time.Duration

	// AddressMap replaces addresses that trackers name by those that this client can reach: behind NAT, or
	// into containers. Keys are "host:port" or, for all ports, "host"; so are values.
	AddressMap map[string]string

	// Trusted says that no content comes from strangers: it is sent in one request whatever its size. See UploadOptions.Trusted.
	Trusted bool
	// BufferSize is the storages' buff_size in bytes, 4 KiB to 64 MiB: untrusted content above it is sent in pieces.
	// Default DefaultBufferSize; it must not be larger than the servers'.
	BufferSize int

	// MaxOpen bounds the connections per server; callers wait. Default DefaultMaxOpen.
	MaxOpen int
	// MaxIdle bounds those kept for later per server. Default DefaultMaxIdle, -1 none.
	MaxIdle int
	// IdleTimeout is how long one is kept unused. It must be below the servers' network_timeout. Default DefaultIdleTimeout.
	IdleTimeout time.Duration
	// DialTimeout bounds making a connection. Default DefaultDialTimeout.
	DialTimeout time.Duration
	// Timeout is how long a server may keep silent. It begins anew with every piece of a
	// transfer, so large files need no larger one. Default DefaultTimeout.
	Timeout time.Duration
	// TrackerCache is how long answers of a tracker about where to store or to find a file are
	// used again. They are dropped at the first failure. Default DefaultTrackerCache, -1 never.
	TrackerCache time.Duration

	// Dial makes connections. Default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Store holds the options of the store that Open returns. Its BaseURL is for its own Handler.
	Store media.Options
}

// The defaults of Config.
const (
	DefaultBufferSize   = 256 << 10
	DefaultMaxOpen      = 64
	DefaultMaxIdle      = 32
	DefaultIdleTimeout  = 45 * time.Second
	DefaultDialTimeout  = 3 * time.Second
	DefaultTimeout      = 30 * time.Second
	DefaultTrackerCache = 2 * time.Second
	DefaultTokenTTL     = 10 * time.Minute
)

const trackerPort = "22122"

// WithDefaults returns a copy in which everything left out is filled in.
func (c Config) WithDefaults() Config {
	c.Trackers = slices.Clone(c.Trackers)
	for i, address := range c.Trackers {
		if _, _, err := net.SplitHostPort(address); err != nil {
			c.Trackers[i] = net.JoinHostPort(strings.Trim(address, "[]"), trackerPort)
		}
	}
	c.AddressMap, c.GroupURLs = maps.Clone(c.AddressMap), maps.Clone(c.GroupURLs)
	number := func(value *int, def int) {
		if *value == 0 {
			*value = def
		}
	}
	duration := func(value *time.Duration, def time.Duration) {
		if *value == 0 {
			*value = def
		}
	}
	number(&c.BufferSize, DefaultBufferSize)
	number(&c.MaxOpen, DefaultMaxOpen)
	number(&c.MaxIdle, DefaultMaxIdle)
	duration(&c.IdleTimeout, DefaultIdleTimeout)
	duration(&c.DialTimeout, DefaultDialTimeout)
	duration(&c.Timeout, DefaultTimeout)
	duration(&c.TrackerCache, DefaultTrackerCache)
	duration(&c.TokenTTL, DefaultTokenTTL)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if c.Store.Logger == nil {
		c.Store.Logger = slog.Default()
	}
	if c.Store.Now == nil {
		c.Store.Now = time.Now
	}
	return c
}

// validate checks a Config with its defaults.
func (c *Config) validate() error {
	if len(c.Trackers) == 0 {
		return invalid("Trackers", "is empty")
	}
	for _, address := range c.Trackers {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return invalid("Trackers", "has %q, which is not host:port", address)
		}
	}
	if c.Group != "" {
		if err := checkGroup(c.Group); err != nil {
			return err
		}
	}
	bases := map[string]string{"BaseURL": c.BaseURL}
	for group, base := range c.GroupURLs {
		bases["GroupURLs of "+group] = base
	}
	for field, base := range bases {
		u, err := url.Parse(base)
		if err != nil || u.RawQuery != "" || u.Fragment != "" {
			return invalid(field, "is not an address without query and fragment")
		}
	}
	for _, check := range []struct {
		field             string
		value, least, top int64
	}{
		{"BufferSize", int64(c.BufferSize), 4 << 10, 64 << 20},
		{"MaxOpen", int64(c.MaxOpen), 1, 65535},
		{"MaxIdle", int64(c.MaxIdle), -1, 65535},
		{"IdleTimeout", int64(c.IdleTimeout), int64(time.Millisecond), int64(24 * time.Hour)},
		{"DialTimeout", int64(c.DialTimeout), int64(time.Millisecond), int64(time.Hour)},
		{"Timeout", int64(c.Timeout), int64(time.Millisecond), int64(24 * time.Hour)},
		{"TokenTTL", int64(c.TokenTTL), int64(time.Second), int64(10 * 365 * 24 * time.Hour)},
	} {
		if check.value < check.least || check.value > check.top {
			return invalid(check.field, "is out of range")
		}
	}
	if c.TrackerCache != -1 && (c.TrackerCache < 0 || c.TrackerCache > time.Minute) {
		return invalid("TrackerCache", "is %v, allowed are -1 (never) and up to a minute", c.TrackerCache)
	}
	return nil
}

// mapped is the address under which this client reaches a server.
func (c *Config) mapped(host, port string) string {
	address := net.JoinHostPort(host, port)
	if to, ok := c.AddressMap[address]; ok {
		host2, port2, err := net.SplitHostPort(to)
		if err != nil {
			return net.JoinHostPort(to, port)
		}
		return net.JoinHostPort(host2, port2)
	}
	if to, ok := c.AddressMap[host]; ok {
		if _, _, err := net.SplitHostPort(to); err == nil {
			return to
		}
		return net.JoinHostPort(to, port)
	}
	return address
}
