package redisotp

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// How steps share round trips.
const (
	maxFlights = 2   // round trips under way before others wait and go together
	maxJoined  = 128 // steps in one
)

// joiner runs scripts. While few round trips are under way a step goes by itself, and costs
// what it costs on a plain client. Beyond that steps wait for one of them to end, and then all
// that wait go out together, without a timer. Each is still one atomic script.
type joiner struct {
	rdb redis.UniversalClient

	mu      sync.Mutex
	flights int
	waiting []*step
}

// step is a script on its way in company.
type step struct {
	script *redis.Script
	keys   []string
	args   []any
	answer *redis.Cmd
	done   chan struct{}
}

func (j *joiner) run(ctx context.Context, script *redis.Script, keys []string, args []any) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	if j.flights < maxFlights {
		j.flights++
		j.mu.Unlock()
		defer j.land()
		return script.Run(ctx, j.rdb, keys, args...).Int64Slice()
	}
	s := &step{script: script, keys: keys, args: args, done: make(chan struct{})}
	j.waiting = append(j.waiting, s)
	j.mu.Unlock()
	select {
	case <-s.done:
		return s.answer.Int64Slice()
	case <-ctx.Done():
		return nil, ctx.Err() // the step may be carried out all the same
	}
}

// land ends a round trip and begins the next one for those who wait.
func (j *joiner) land() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		j.flights--
		return
	}
	n := min(len(j.waiting), maxJoined)
	batch := j.waiting[:n:n]
	j.waiting = j.waiting[n:]
	go j.fly(batch)
}

// fly has no caller's context: it ends by the client's own timeouts.
func (j *joiner) fly(batch []*step) {
	defer j.land()
	ctx := context.Background()
	pipeline := j.rdb.Pipeline()
	for _, s := range batch {
		s.answer = pipeline.EvalSha(ctx, s.script.Hash(), s.keys, s.args...)
	}
	_, _ = pipeline.Exec(ctx) // each step has its own answer
	for _, s := range batch {
		if redis.HasErrorPrefix(s.answer.Err(), "NOSCRIPT") {
			s.answer = s.script.Run(ctx, j.rdb, s.keys, s.args...) // which also teaches it to the server
		}
		close(s.done)
	}
}
