package redisqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/internal/pause"
)

// How long an answer waits for replicas, below the read timeout of a client, and how often a publish is tried.
const (
	replicaWait = time.Second
	replicaTry  = 4
)

// store runs a script that publishes. It has a slot, so that running it again is harmless.
func (d *driver) store(ctx context.Context, script *redis.Script, keys []string, args []any) *redis.Cmd {
	if d.replicas == 0 {
		return script.Run(ctx, d.rdb, keys, args...)
	}
	for try := 1; ; try++ {
		cmd, err := d.storeReplicated(ctx, script, keys, args)
		if err == nil {
			return cmd
		}
		if try < replicaTry && !final(err) && pause.For(ctx, rand.N(time.Duration(try)*100*time.Millisecond)) == nil {
			continue
		}
		failed := redis.NewCmd(ctx)
		failed.SetErr(err)
		return failed
	}
}

// final tells of an error that trying again will not cure: an answer of the server other than that somebody else has the keys.
func final(err error) bool {
	if _, answer := errors.AsType[redis.Error](err); !answer {
		return false
	}
	for _, prefix := range []string{"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN"} {
		if redis.HasErrorPrefix(err, prefix) {
			return false
		}
	}
	return true
}

// storeReplicated asks the server that has the keys, in one pipeline, since WAIT is for what its own connection wrote. The
// script always writes its slot, also when it finds that it ran before, so there is something to wait for.
func (d *driver) storeReplicated(ctx context.Context, script *redis.Script, keys []string, args []any) (*redis.Cmd, error) {
	var server redis.Cmdable = d.rdb
	cluster, ok := d.rdb.(*redis.ClusterClient)
	if ok {
		master, err := cluster.MasterForKey(ctx, keys[0])
		if err != nil {
			return nil, err
		}
		server = master
	}
	pipe := server.Pipeline()
	cmd := script.EvalSha(ctx, pipe, keys, args...)
	wait := pipe.Do(ctx, "WAIT", d.replicas, replicaWait.Milliseconds())
	_, err := pipe.Exec(ctx)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		pipe = server.Pipeline()
		cmd = script.Eval(ctx, pipe, keys, args...)
		wait = pipe.Do(ctx, "WAIT", d.replicas, replicaWait.Milliseconds())
		_, err = pipe.Exec(ctx)
	}
	if err != nil {
		if cluster != nil {
			cluster.ReloadState(ctx) // another server may have the keys by now
		}
		return nil, err
	}
	have, err := wait.Int()
	if err == nil && have < d.replicas {
		err = fmt.Errorf("%d of %d replicas have it after %v", have, d.replicas, replicaWait)
	}
	return cmd, err
}
