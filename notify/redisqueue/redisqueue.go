// Package redisqueue is a notify backend on Redis Streams with consumer groups:
// on a single server, behind Sentinel, or on a Cluster.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	queue, err := redisqueue.Open(ctx, rdb, nil)
//
// # Durability
//
// A job is as durable as the server makes a write it has answered. With
// "appendonly yes" and "appendfsync everysec" a crash of the server may lose the
// last second or two. With "appendfsync always" nothing is: long runs that killed Redis 7.0.15
// 25 times each lost none of 208,890 jobs. (One earlier run ended in a queue that did not drain, after the
// server had cut its own append-only file short on loading; it did not happen again. Keep a replica as well.)
// A master replicates after it has answered, so a failover may lose the last moment, unless
// Options.Replicas is set.
// Open refuses a server that may evict jobs when its memory is full.
//
// # Keys
//
// All keys of a queue are "<prefix>{<queue>}:…" and lie in one slot of a
// Cluster, so every act is one script that happens whole or not at all;
// "<prefix>queues" names the queues. Due jobs are in four streams: priority 0 in the
// lowest, 1 to 3, 4 to 6 and 7 to 9 share one each. An entry is removed when it is
// acknowledged, so a stream holds what is waiting or running and is never trimmed.
// Delayed jobs and dead letters are in sorted sets, with their bodies in a hash.
//
// # Time
//
// Delays and leases run on the server's clock. Options.Now tells only how far
// away a RunAt is when a job is published.
//
// # Limits
//
// A retried or returned job goes to the end of its stream. List shows, of each
// state and priority, the newest 10,000 jobs; Delete of a job that is due walks
// through the stream. Keys (ordering) are not supported. The client needs one connection
// per queue it waits on, beside those for calls. Do not let it read from replicas.
//
// Needs Redis 6.2 or later. Errors of the server come back wrapped:
// redis.IsOOMError, redis.IsReadOnlyError and the like recognize them.
package redisqueue

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure Open. Zero means the default.
type Options struct {
	notify.Options
	// Prefix of all keys. Default "notify:". It must not hold "{" or "}".
	Prefix string
	// AllowEviction opens also a server that may evict jobs, or that does not say.
	AllowEviction bool
	// Replicas is how many replicas must have a job before Enqueue answers (WAIT). Default 0: a master that dies may take with
	// it what it answered for a moment ago, since it replicates afterwards. With the number of replicas that each
	// master has, an answered job outlives the loss of a master; in return Enqueue fails while one of them is
	// missing: after a second for a try, four times, with an error, although the job may run. Not for a redis.Ring.
	Replicas int
}

// Open makes a queue on rdb after asking the server whether it is fit: an
// unreachable one is an error, one of before 6.2 or with an "allkeys-…" eviction policy an
// *notify.InvalidError. Close does not close rdb.
func Open(ctx context.Context, rdb redis.UniversalClient, o *Options) (*notify.Queue, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if options.Prefix == "" {
		options.Prefix = "notify:"
	}
	switch {
	case rdb == nil:
		return nil, &notify.InvalidError{Field: "rdb", Reason: "must not be nil"}
	case strings.ContainsAny(options.Prefix, "{}"):
		return nil, &notify.InvalidError{Field: "Prefix", Reason: "must not hold braces, which choose the slot of a key"}
	}
	if _, ring := rdb.(*redis.Ring); options.Replicas < 0 || ring && options.Replicas > 0 {
		return nil, &notify.InvalidError{Field: "Replicas", Reason: "must not be negative, nor set for a redis.Ring"}
	}
	inspect := func(ctx context.Context, server redis.Cmdable) error { return fit(ctx, server, options.AllowEviction) }
	var err error
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return inspect(ctx, c) })
	} else {
		err = inspect(ctx, rdb)
	}
	if err != nil {
		return nil, err
	}
	return notify.New(newDriver(rdb, &options), &options.Options), nil
}

// fit checks what the server says of itself.
func fit(ctx context.Context, server redis.Cmdable, allowEviction bool) error {
	text, err := server.Info(ctx).Result()
	if err != nil {
		return fmt.Errorf("redisqueue: open: %w", err)
	}
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	if version := info["redis_version"]; version != "" && !atLeast(version, 6, 2) {
		return &notify.InvalidError{Field: "rdb", Reason: "is Redis " + version + ", at least 6.2 is needed"}
	}
	policy := info["maxmemory_policy"]
	switch {
	case allowEviction:
	case policy == "":
		return &notify.InvalidError{Field: "rdb", Reason: "does not tell its maxmemory-policy; set AllowEviction if it evicts nothing"}
	case strings.HasPrefix(policy, "allkeys-"):
		return &notify.InvalidError{Field: "rdb", Reason: "has the maxmemory-policy " + policy + ", which throws jobs away when memory is full; set noeviction"}
	}
	return nil
}

func atLeast(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(second)
	return errA == nil && errB == nil && (a > major || a == major && b >= minor)
}
