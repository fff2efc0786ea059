package redisotp

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
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
	rdb redis.UniversalClient

	mu      sync.Mutex
	leading int
	waiting []*step
}

// step is one script with what it was given.
type step struct {
	script *redis.Script
	keys   []string
	args   []any
	done   chan struct{} // closed when answered, or when chosen to lead
	lead   bool
	answer []int64
	err    error
}

func (p *pipeline) run(ctx context.Context, script *redis.Script, keys []string, args []any) ([]int64, error) {
	p.mu.Lock()
	if p.leading < lines {
		p.leading++
		p.mu.Unlock()
		defer p.handOver()
		return script.Run(ctx, p.rdb, keys, args...).Int64Slice()
	}
	s := &step{script: script, keys: keys, args: args, done: make(chan struct{})}
	p.waiting = append(p.waiting, s)
	p.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
		if p.withdraw(s) {
			return nil, ctx.Err()
		}
		<-s.done // under way, or chosen to lead: either ends soon
	}
	if s.lead {
		p.flush(ctx, s)
	}
	return s.answer, s.err
}

// withdraw takes back a step that nobody has sent.
func (p *pipeline) withdraw(s *step) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiting {
		if other == s {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// flush sends the leader's step and all that wait with it.
func (p *pipeline) flush(ctx context.Context, leader *step) {
	defer p.handOver()
	p.mu.Lock()
	n := min(len(p.waiting), maxTogether-1)
	batch := append([]*step{leader}, p.waiting[:n]...)
	p.waiting = append([]*step(nil), p.waiting[n:]...)
	p.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	answers := make([]*redis.Cmd, len(batch))
	_, _ = p.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error { // each answer has its own error
		for i, s := range batch {
			answers[i] = s.script.EvalSha(ctx, pipe, s.keys, s.args...)
		}
		return nil
	})
	for i, s := range batch {
		s.answer, s.err = answers[i].Int64Slice()
		if redis.HasErrorPrefix(s.err, "NOSCRIPT") { // a server that has just started
			s.answer, s.err = s.script.Run(ctx, p.rdb, s.keys, s.args...).Int64Slice()
		}
		if s != leader {
			close(s.done)
		}
	}
}

// handOver lets the next step lead, or nobody.
func (p *pipeline) handOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.leading--
		return
	}
	next := p.waiting[0]
	p.waiting = p.waiting[1:]
	next.lead = true
	close(next.done)
}
