package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// SentinelMaster is the name under which the sentinels know the master.
const SentinelMaster = "commerce"

// RedisSentinel is a Redis master with two replicas, watched by three sentinels.
type RedisSentinel struct {
	Servers   []*Server // the master of the beginning, then its replicas
	Sentinels []*Server
}

// NewRedisSentinel starts the six servers. A master that is gone for half a
// second is replaced by a replica. With the default settings of Redis an
// acknowledged write may be lost then, for replication is asynchronous.
func NewRedisSentinel(ctx context.Context) (*RedisSentinel, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	r := &RedisSentinel{}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("testenv: redis sentinel: %w", err), r.Close())
	}
	return r, nil
}

func (r *RedisSentinel) start(ctx context.Context) error {
	for i := range 3 {
		args := []string{"--repl-diskless-sync-delay", "0"}
		if i > 0 {
			args = append(append(args, "--replicaof"), strings.Split(r.Servers[0].Addr, ":")...)
		}
		server, err := Redis(ctx, &Options{Args: args})
		if err != nil {
			return err
		}
		r.Servers = append(r.Servers, server)
	}
	if err := eachAnswers(ctx, r.Servers[1:], "INFO replication", "master_link_status:up\r\n"); err != nil {
		return err
	}
	for range 3 {
		sentinel, err := start(ctx, sentinelKind(r.Servers[0].Addr), nil)
		if err != nil {
			return err
		}
		r.Sentinels = append(r.Sentinels, sentinel)
	}
	for _, text := range []string{"slaves=2", "sentinels=3"} {
		if err := eachAnswers(ctx, r.Sentinels, "INFO sentinel", text); err != nil {
			return err
		}
	}
	return nil
}

func sentinelKind(master string) kind {
	k := redisKind
	k.name = "redis-sentinel"
	k.prepare = func(_ context.Context, _, data string) error { // a sentinel rewrites its file
		config := fmt.Sprintf("sentinel monitor %[1]s %[2]s 2\nsentinel down-after-milliseconds %[1]s 500\nsentinel failover-timeout %[1]s 5000\n",
			SentinelMaster, strings.Replace(master, ":", " ", 1))
		return os.WriteFile(filepath.Join(data, "sentinel.conf"), []byte(config), 0o600)
	}
	k.args = func(_, data string, port int) []string {
		return []string{filepath.Join(data, "sentinel.conf"), "--sentinel", "--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--dir", data}
	}
	return k
}

// Addrs are the sentinels, where clients ask for the master.
func (r *RedisSentinel) Addrs() []string { return addrs(r.Sentinels) }

// Master is the server that most sentinels take for the master.
func (r *RedisSentinel) Master(ctx context.Context) (*Server, error) {
	votes := map[string]int{}
	for _, s := range r.Sentinels {
		answer, err := redisCommand(ctx, s.Addr, "INFO sentinel")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(answer, "address=")
		addr, _, _ := strings.Cut(rest, ",")
		if votes[addr]++; votes[addr] > len(r.Sentinels)/2 {
			return at(r.Servers, addr), nil
		}
	}
	return nil, fmt.Errorf("testenv: redis sentinel: no majority: %v", votes)
}

// Failover waits until a server other than old is the master and says so itself.
func (r *RedisSentinel) Failover(ctx context.Context, old *Server) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		master, err := r.Master(ctx)
		if err == nil && master != nil && master != old {
			return master, eachAnswers(ctx, []*Server{master}, "INFO replication", "role:master\r\n")
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("testenv: redis sentinel: no failover: %w (%w)", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Close kills all servers. It is idempotent.
func (r *RedisSentinel) Close() error {
	return errors.Join(closeAll(r.Sentinels), closeAll(r.Servers))
}
