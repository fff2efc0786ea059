package redisstore

import (
	"context"
	"runtime"
	"sync"

	"github.com/redis/go-redis/v9"
)

// doer asks the server, and returns when it has the answer. The answer's own
// error is returned, redis.Nil included.
type doer interface {
	do(ctx context.Context, cmd redis.Cmder) error
	// get reads the key of a record, and what endings hold at that moment.
	get(ctx context.Context, key string) (answer, error)
}

// answer is what was read.
type answer struct{ value, endings string }

// straight sends each command in a round trip of its own.
type straight struct{ *line }

func (s straight) do(ctx context.Context, cmd redis.Cmder) error { return s.client.Process(ctx, cmd) }

func (s straight) get(ctx context.Context, key string) (answer, error) {
	alone := [1]*passenger{{key: key}}
	s.exchange(ctx, alone[:])
	return alone[0].answer, alone[0].err
}

// joined is a doer that switches by load. While fewer than limit round trips are
// under way a command goes straight, and costs what it costs on a plain client.
// Beyond that, commands wait for the next round trip to end, and then all that
// wait go out together in one pipeline: the group commit of databases. The busier
// the callers, the longer the pipelines, without a timer. Once callers come in
// groups, they do so until one has come alone: one who finds a round trip free
// lets the others catch up.
//
// A caller that gives up does not take the others' commands with it: a pipeline
// has no caller's context, and ends by the client's own timeouts.
type joined struct {
	straight
	limit int

	mu      sync.Mutex
	flights int // round trips under way
	last    int // how many the last group was
	waiting []*passenger
	spare   []*passenger // the memory of a group before, for the next
}

// maxJoined bounds one pipeline: what is written before the first answer is read
// must fit into the buffers of both sides.
const maxJoined = 256

// enough passengers have paid for their round trip: it waits for no more.
const enough = 16

var passengers = sync.Pool{New: func() any { return &passenger{landed: make(chan struct{}, 1)} }}

func (j *joined) do(ctx context.Context, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := j.queue(ctx, cmd, "")
	if p == nil {
		defer j.land()
		return j.straight.do(ctx, cmd)
	}
	_, err := p.arrive(ctx)
	return err
}

func (j *joined) get(ctx context.Context, key string) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	p := j.queue(ctx, nil, key)
	if p == nil {
		defer j.land()
		return j.straight.get(ctx, key)
	}
	return p.arrive(ctx)
}

// queue makes a passenger of a command, or returns nil if it is to go straight: then
// land follows.
func (j *joined) queue(ctx context.Context, cmd redis.Cmder, key string) *passenger {
	j.mu.Lock()
	defer j.mu.Unlock()
	free := j.flights < j.limit
	if free {
		j.flights++
		if j.last <= 1 {
			return nil
		}
	}
	p := passengers.Get().(*passenger)
	p.ctx, p.cmd, p.key = ctx, cmd, key
	j.waiting = append(j.waiting, p)
	if free {
		go j.fly()
	}
	return p
}

// arrive waits for the answer. Nobody else has the passenger after that; one whose
// caller has left is not used again, as a round trip may still hold it.
func (p *passenger) arrive(ctx context.Context) (answer, error) {
	select {
	case <-p.landed:
		answer, err := p.answer, p.err
		*p = passenger{landed: p.landed}
		passengers.Put(p)
		return answer, err
	case <-ctx.Done():
		return answer{}, ctx.Err()
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

// board takes those who wait. Whom the round trip before has answered, and who
// is about to ask again, may come along: while they are few, it lets others run for
// as long as that brings more of them.
func (j *joined) board() []*passenger {
	j.mu.Lock()
	defer j.mu.Unlock()
	for before := 0; before < len(j.waiting) && len(j.waiting) < enough; {
		before = len(j.waiting)
		j.mu.Unlock()
		runtime.Gosched()
		j.mu.Lock()
	}
	group := j.waiting
	j.waiting, j.spare = j.spare[:0], nil
	if len(group) > maxJoined {
		j.waiting = append(j.waiting, group[maxJoined:]...)
		group = group[:maxJoined]
	}
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
	j.exchange(context.WithoutCancel(aboard[0].ctx), aboard)
	for _, p := range aboard {
		p.landed <- struct{}{}
	}
	clear(group)
	j.mu.Lock()
	j.spare, j.last = group[:0], len(group)
	j.mu.Unlock()
}
