package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/inventory"
)

// config is what the command line and the environment say.
type config struct {
	addr          string
	addrGiven     bool
	data          string
	catalogue     string
	onBadLine     string
	elasticsearch string // its URL; "" keeps the search index in the data directory
	adminPassword string
	publicURL     *url.URL // nil: the shop is reached at its own address
	trustProxy    bool
	development   bool
	hold          time.Duration
	loginLimit    int
	logLevel      slog.Level
	headlessCheck bool
	mysql         string // data source names; at most one of the two is given
	postgres      string
	strategy      inventory.Strategy
	rabbitmq      string
	nats          string
	queue         string // one of queueNames
	codeKey       string
	redis         *redis.Options // nil: sessions and codes are kept without a Redis
	fastdfs       string         // trackers "host:port,…" that keep the pictures, or "test"; "" keeps them in the data directory
	warmUp        bool           // draw the first pictures before somebody asks
}

const (
	adminPasswordEnv = "STOREFRONT_ADMIN_PASSWORD"
	minAdminPassword = 10
)

func parseConfig(args []string, getenv func(string) string, usage io.Writer) (_ *config, err error) {
	var cfg config
	var publicURL, strategy, redisURL string
	flags := flag.NewFlagSet("storefront", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are ours to print, once
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&cfg.data, "data", "", "`directory` of everything the shop keeps (default: a temporary one, removed at exit)")
	flags.StringVar(&cfg.catalogue, "catalogue", "", "product `file` to sell instead of the demo catalogue: NDJSON, may be gzipped")
	flags.StringVar(&cfg.onBadLine, "on-bad-line", "abort", "what a catalogue line that cannot be read does: `skip` imports the rest, abort imports nothing")
	flags.StringVar(&cfg.elasticsearch, "elasticsearch", "", "`URL` of an Elasticsearch or OpenSearch that keeps the search index, such as http://localhost:9200/shop; from the environment too ("+elasticsearchEnv+")")
	flags.StringVar(&cfg.adminPassword, "admin-password", "", "`password` of /admin, from the environment too ("+adminPasswordEnv+"); without one the first start makes one and prints it")
	flags.StringVar(&publicURL, "url", "", "public `address` when a proxy stands in front, such as https://shop.example; https makes the cookies Secure")
	flags.BoolVar(&cfg.trustProxy, "trust-proxy", false, "take a caller's address from X-Forwarded-For, for rate limits behind a proxy")
	flags.BoolVar(&cfg.development, "dev", false, "show sent codes and mails on /dev/outbox (default: on for a loopback -addr without -url)")
	flags.DurationVar(&cfg.hold, "hold", 10*time.Minute, "how long a checkout holds its stock, 1s to 24h")
	flags.IntVar(&cfg.loginLimit, "login-limit", 20, "log-in attempts and codes a minute from one `address`, 1 to 100000")
	flags.TextVar(&cfg.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	flags.BoolVar(&cfg.warmUp, "warm-up", true, "once the shop is open, draw the pictures of the front page and of the best sellers in the background")
	flags.StringVar(&cfg.mysql, "mysql", "", "data source `name` of a MySQL or MariaDB database for stock, orders and products, such as shop:password@tcp(127.0.0.1:3306)/shop; from the environment too ("+mysqlEnv+"); default: SQLite under -data")
	flags.StringVar(&cfg.postgres, "postgres", "", "the same of a PostgreSQL database, such as postgres://shop:password@127.0.0.1:5432/shop; from the environment too ("+postgresEnv+")")
	flags.StringVar(&strategy, "inventory-strategy", inventory.Grouped.String(), "how stock is kept from being oversold: "+strategyNames())
	flags.StringVar(&redisURL, "redis", "", "`address` of a Redis database of its own for sessions and log-in codes, such as redis://user:password@127.0.0.1:6379/0; from the environment too ("+redisEnv+")")
	flags.StringVar(&cfg.rabbitmq, "rabbitmq", "", "`address` of a RabbitMQ broker for jobs, such as amqp://user:password@127.0.0.1:5672/shop, or of several nodes, with commas; from the environment too ("+rabbitmqEnv+")")
	flags.StringVar(&cfg.nats, "nats", "", "`address` of a NATS server with JetStream for jobs, such as nats://user:password@127.0.0.1:4222, or of several, with commas; from the environment too ("+natsEnv+")")
	flags.StringVar(&cfg.queue, "queue", "", "what carries codes and mails: "+strings.Join(queueNames, ", ")+" (default: the broker that is given, else sql, the database); with any but sql the orders' jobs go through an outbox in their transaction")
	flags.StringVar(&cfg.codeKey, "code-key", "", "`text` that protects log-in codes in Redis, the same for all shops that share one; from the environment too ("+codeKeyEnv+"); default: one made in the data directory")
	flags.StringVar(&cfg.fastdfs, "fastdfs", "", "`trackers` of a FastDFS cluster that keeps the pictures, host:port,host:port, or \"test\" for one in this process; from the environment too ("+fastdfsEnv+")")
	flags.BoolVar(&cfg.headlessCheck, "headless-check", false, "walk the whole journey over HTTP, print each step and exit; a given -addr that answers is walked as it is")

	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(usage, "Usage: storefront [flags]\n\n")
			flags.SetOutput(usage)
			flags.PrintDefaults()
		}
		return nil, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	cfg.addrGiven = given["addr"]
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: every setting is a -flag", flags.Arg(0))
	}
	if !given["elasticsearch"] {
		cfg.elasticsearch = getenv(elasticsearchEnv)
	}
	if !given["admin-password"] {
		cfg.adminPassword = getenv(adminPasswordEnv)
	}
	if cfg.mysql == "" && cfg.postgres == "" {
		cfg.mysql, cfg.postgres = getenv(mysqlEnv), getenv(postgresEnv)
	}
	if err := cfg.checkDatabase(strategy); err != nil {
		return nil, err
	}
	if redisURL == "" {
		redisURL = getenv(redisEnv)
	}
	if cfg.redis, err = parseRedis(redisURL); err != nil {
		return nil, err
	}
	if cfg.rabbitmq == "" {
		cfg.rabbitmq = getenv(rabbitmqEnv)
	}
	if cfg.nats == "" {
		cfg.nats = getenv(natsEnv)
	}
	if cfg.codeKey == "" {
		cfg.codeKey = getenv(codeKeyEnv)
	}
	if err := cfg.checkQueue(); err != nil {
		return nil, err
	}
	if !given["fastdfs"] {
		cfg.fastdfs = getenv(fastdfsEnv)
	}
	if err := cfg.checkFastDFS(); err != nil {
		return nil, err
	}
	if err := cfg.check(publicURL); err != nil {
		return nil, err
	}
	if !given["dev"] {
		cfg.development = isLoopback(cfg.addr) && cfg.publicURL == nil
	}
	return &cfg, nil
}

// check validates what the flag package cannot, naming the flag.
func (c *config) check(publicURL string) error {
	_, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("-addr %q: want host:port, such as 127.0.0.1:8080", c.addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return fmt.Errorf("-addr %q: port %q is not a number from 0 to 65535", c.addr, port)
	}
	if c.onBadLine != "skip" && c.onBadLine != "abort" {
		return fmt.Errorf("-on-bad-line %q: want skip or abort", c.onBadLine)
	}
	if c.hold < time.Second || c.hold > 24*time.Hour {
		return fmt.Errorf("-hold %v: want 1s to 24h", c.hold)
	}
	if c.loginLimit < 1 || c.loginLimit > 100_000 {
		return fmt.Errorf("-login-limit %d: want 1 to 100000", c.loginLimit)
	}
	if c.adminPassword != "" && len(c.adminPassword) < minAdminPassword {
		return fmt.Errorf("-admin-password: want at least %d characters", minAdminPassword)
	}
	if c.codeKey != "" && len(c.codeKey) < minCodeKey {
		return fmt.Errorf("-code-key: want at least %d characters", minCodeKey)
	}
	if c.catalogue != "" {
		info, err := os.Stat(c.catalogue)
		if err != nil {
			return fmt.Errorf("-catalogue: %w", err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("-catalogue %s: not a file", c.catalogue)
		}
	}
	if publicURL != "" {
		u, err := url.Parse(publicURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("-url %q: want https://host without a path", publicURL)
		}
		c.publicURL = u
	}
	return nil
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
