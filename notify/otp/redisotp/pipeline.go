package redisotp

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify/internal/groupcommit"
)

// Bounds of what goes out together.
const (
	lines       = 2                // pipelines under way at once
	maxTogether = 256              // steps in one
	stepTimeout = 10 * time.Second // for a pipeline, which cannot follow the context of one caller
)

// pipeline sends the steps of callers who wait in one round trip. While few do,
// each goes by itself and at once.
type pipeline struct {
	rdb    redis.UniversalClient
	commit *groupcommit.Committer[step, []int64]
}

// step is one script with what it is given.
type step struct {
	script *redis.Script
	keys   []string
	args   []any
}

func newPipeline(rdb redis.UniversalClient) *pipeline {
	p := &pipeline{rdb: rdb}
	p.commit = groupcommit.New(groupcommit.Options[step, []int64]{
		Lines: lines, Most: maxTogether, Timeout: stepTimeout, Alone: p.alone, Together: p.together,
	})
	return p
}

func (p *pipeline) run(ctx context.Context, script *redis.Script, keys []string, args []any) ([]int64, error) {
	return p.commit.Do(ctx, step{script, keys, args})
}

func (p *pipeline) alone(ctx context.Context, s step) ([]int64, error) {
	return s.script.Run(ctx, p.rdb, s.keys, s.args...).Int64Slice()
}

func (p *pipeline) together(ctx context.Context, entries []*groupcommit.Entry[step, []int64]) {
	answers := make([]*redis.Cmd, len(entries))
	_, _ = p.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error { // each answer has its own error
		for i, e := range entries {
			answers[i] = e.Value.script.EvalSha(ctx, pipe, e.Value.keys, e.Value.args...)
		}
		return nil
	})
	for i, e := range entries {
		e.Answer, e.Err = answers[i].Int64Slice()
		if redis.HasErrorPrefix(e.Err, "NOSCRIPT") { // a server that has just started
			e.Answer, e.Err = p.alone(ctx, e.Value)
		}
	}
}
