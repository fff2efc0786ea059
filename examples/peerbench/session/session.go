// Package session compares session libraries over Redis: each serves the same
// requests to the same handler, through its own middleware and store.
package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/internal/testenv"
)

// Area is the comparison.
var Area = peer.Area{Name: "session", Open: open}

// connections is the pool of every client: as many as there are callers at
// most, so that nobody waits for one.
const connections = 64

// sessionTotal is how many there are, so that a caller seldom meets the same one again.
const sessionTotal = 1024

// manySessions is how many the user of logout-all has.
const manySessions = 10_000

// gcPercent makes up for a heap that is far smaller than a server's: with the
// default, this program would collect its few megabytes hundreds of times a second.
const gcPercent = 400

func open(ctx context.Context, environment *bench.Environment) ([]peer.Case, func() error, error) {
	server, err := testenv.Redis(ctx, &testenv.Options{Args: []string{"--appendonly", "no"}})
	if err != nil {
		return nil, nil, err
	}
	debug.SetGCPercent(gcPercent)
	b := &benchmark{addr: server.Addr}
	cases, err := b.cases(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, b.close(), server.Close())
	}
	if err := describe(ctx, b, environment); err != nil {
		return nil, nil, errors.Join(err, b.close(), server.Close())
	}
	return cases, func() error { return errors.Join(b.close(), server.Close()) }, nil
}

func describe(ctx context.Context, b *benchmark, environment *bench.Environment) error {
	info, err := b.redis(0).InfoMap(ctx, "server").Result()
	if err != nil {
		return err
	}
	environment.Versions["redis"] = info["Server"]["redis_version"]
	build, _ := debug.ReadBuildInfo()
	for _, m := range build.Deps {
		switch m.Path {
		case "github.com/redis/go-redis/v9", "github.com/alexedwards/scs/v2", "github.com/alexedwards/scs/goredisstore",
			"github.com/gorilla/sessions", "github.com/boj/redistore", "github.com/gomodule/redigo":
			environment.Versions[m.Path] = m.Version
		}
	}
	environment.Settings["redis"] = "loopback, no append-only file, no snapshots"
	environment.Settings["GOGC"] = strconv.Itoa(gcPercent) + ", for all subjects"
	environment.Settings["clients"] = fmt.Sprintf("pools of %d connections, one client a subject and case", connections)
	environment.Settings["sessions"] = fmt.Sprintf("%d, three values of about 150 bytes together; each caller walks through its own share", sessionTotal)
	environment.Settings["request"] = "http.Handler called directly: cookie in, middleware, handler, response headers out; no sockets but Redis"
	environment.Settings["round trips"] = "writes to the Redis connections, divided by operations; warm-up included in both"
	return nil
}

// benchmark owns the clients.
type benchmark struct {
	addr    string
	closers []func() error
}

func (b *benchmark) close() error {
	var errs []error
	for _, c := range b.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// writes counts the round trips of a subject's connections.
type writes struct{ n atomic.Int64 }

func (w *writes) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &countingConn{conn, w}, nil
}

type countingConn struct {
	net.Conn
	writes *writes
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.n.Add(1)
	return c.Conn.Write(p)
}

// SyscallConn keeps go-redis's checks of idle connections.
func (c *countingConn) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(*net.TCPConn).SyscallConn()
}

// redis is a plain client for set-up.
func (b *benchmark) redis(db int) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: b.addr, DB: db})
	b.closers = append(b.closers, c.Close)
	return c
}

// counted is a client whose round trips are counted.
func (b *benchmark) counted(change func(*redis.Options)) (*redis.Client, *writes) {
	w := &writes{}
	o := &redis.Options{Addr: b.addr, PoolSize: connections, Dialer: w.dial}
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	b.closers = append(b.closers, c.Close)
	return c, w
}

// subject measures an operation whose round trips go through w.
func subject(name string, w *writes, operation func(ctx context.Context, caller int) error) peer.Subject {
	return peer.Subject{Name: name, Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
		var calls atomic.Int64
		before := w.n.Load()
		sample, err := bench.Run(ctx, load, func(ctx context.Context, caller int) error {
			calls.Add(1)
			return operation(ctx, caller)
		})
		return peer.Sample{Sample: sample, RoundTrips: float64(w.n.Load()-before) / float64(max(calls.Load(), 1))}, err
	}}
}

// values are what every session holds.
func values(i int) map[string]string {
	return map[string]string{"name": fmt.Sprintf("Customer %d", i), "cart": rand.Text() + rand.Text() + rand.Text(), "theme": "dark"}
}
