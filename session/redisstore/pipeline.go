package redisstore

import (
	"context"
	"runtime"
	"sync"

	"github.com/redis/go-redis/v9"
)

// doer runs one command, and returns when it has its answer. The command's own
// error is returned, redis.Nil included.
type doer interface {
	do(ctx context.Context, cmd redis.Cmder) error
}

// straight sends each command in a round trip of its own.
type straight struct{ client redis.UniversalClient }

func (s straight) do(ctx context.Context, cmd redis.Cmder) error { return s.client.Process(ctx, cmd) }

// joined is a doer that switches by load. While fewer than limit round trips are
// under way a command goes straight, and costs what it costs on a plain client.
// Beyond that, commands wait for the next round trip to end, and then all that
// wait go out together in one pipeline: the group commit of databases. The busier
// the callers, the longer the pipelines, without a timer.
//
// A caller that gives up does not take the others' commands with it: a pipeline
// has no caller's context, and ends by the client's own timeouts.
type joined struct {
	client redis.UniversalClient
	limit  int

	mu      sync.Mutex
	flights int // round trips under way
	waiting []*passenger
}

// maxJoined bounds one pipeline: what is written before the first answer is read
// must fit into the buffers of both sides.
const maxJoined = 256

type passenger struct {
	ctx    context.Context
	cmd    redis.Cmder
	err    error
	landed chan struct{}
}

func (j *joined) do(ctx context.Context, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	if j.flights < j.limit {
		j.flights++
		j.mu.Unlock()
		defer j.land()
		return j.client.Process(ctx, cmd)
	}
	p := &passenger{ctx: ctx, cmd: cmd, landed: make(chan struct{})}
	j.waiting = append(j.waiting, p)
	j.mu.Unlock()
	select {
	case <-p.landed:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// land ends a round trip and begins the next for those who wait.
func (j *joined) land() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		j.flights--
		return
	}
	go j.fly()
}

// board takes those who wait.
func (j *joined) board() []*passenger {
	runtime.Gosched() // whom the round trip before has answered may come along again
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.waiting), maxJoined)
	group := j.waiting[:n:n]
	j.waiting = j.waiting[n:]
	return group
}

func (j *joined) fly() {
	defer j.land()
	group := j.board()
	aboard := group[:0]
	for _, p := range group {
		if p.ctx.Err() == nil { // the others have left; what they asked for is not done
			aboard = append(aboard, p)
		}
	}
	if len(aboard) == 0 {
		return
	}
	pipe := j.client.Pipeline()
	ctx := context.WithoutCancel(aboard[0].ctx)
	for _, p := range aboard {
		_ = pipe.Process(ctx, p.cmd)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, p := range aboard {
		p.err = p.cmd.Err()
		close(p.landed)
	}
}
