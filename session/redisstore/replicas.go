package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicated is a doer for writes: it returns when enough replicas have them.
type replicated struct {
	straight
	replicas int
	timeout  time.Duration
}

func (r *replicated) do(ctx context.Context, cmd redis.Cmder) error {
	return r.pipelined(ctx, func(p redis.Pipeliner) error { return p.Process(ctx, cmd) })
}

// pipelined sends commands and WAIT down one connection, which is whose writes
// WAIT waits for.
func (r *replicated) pipelined(ctx context.Context, fill func(redis.Pipeliner) error) error {
	wait := redis.NewIntCmd(ctx, "wait", r.replicas, r.timeout.Milliseconds())
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		if err := fill(p); err != nil {
			return err
		}
		return p.Process(ctx, wait)
	})
	if err == nil && wait.Val() < int64(r.replicas) {
		return fmt.Errorf("redisstore: written, but only %d of %d replicas have confirmed it", wait.Val(), r.replicas)
	}
	return err
}
