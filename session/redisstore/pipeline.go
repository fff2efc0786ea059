package redisstore

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// doer asks the server, and returns when it has the answer. The answer's own
// error is returned, redis.Nil included.
type doer interface {
	do(ctx context.Context, cmd redis.Cmder) error
	// get reads a key. The bytes are the caller's.
	get(ctx context.Context, key string) ([]byte, error)
}

// straight sends each command in a round trip of its own.
type straight struct{ client redis.UniversalClient }

func (s straight) do(ctx context.Context, cmd redis.Cmder) error { return s.client.Process(ctx, cmd) }

func (s straight) get(ctx context.Context, key string) ([]byte, error) {
	cmd := redis.NewStringCmd(ctx, "get", key)
	if err := s.client.Process(ctx, cmd); err != nil {
		return nil, err
	}
	return []byte(cmd.Val()), nil
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
	// many: keys may be read together by one MGET, one command to parse and one reply
	// to read. Not on a Cluster, where they lie on different nodes.
	many atomic.Bool

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

// passenger is a command under way in company: a key to read, or cmd.
type passenger struct {
	ctx    context.Context
	cmd    redis.Cmder
	key    string
	value  string
	err    error
	landed chan struct{} // gets one word when the answer is there
}

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

func (j *joined) get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := j.queue(ctx, nil, key)
	if p == nil {
		defer j.land()
		return j.straight.get(ctx, key)
	}
	value, err := p.arrive(ctx)
	if err != nil {
		return nil, err
	}
	return []byte(value), nil
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
func (p *passenger) arrive(ctx context.Context) (string, error) {
	select {
	case <-p.landed:
		value, err := p.value, p.err
		*p = passenger{landed: p.landed}
		passengers.Put(p)
		return value, err
	case <-ctx.Done():
		return "", ctx.Err()
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

// exchange gets the answers of a group, in one round trip but for keys that MGET
// does not answer: they are asked for singly, as GET tells a key that is absent from
// one of another type, and has the errors of the server go to whom they concern.
func (j *joined) exchange(ctx context.Context, group []*passenger) {
	pipe := j.client.Pipeline()
	many := j.many.Load()
	args := make([]any, 1, 1+len(group))
	for _, p := range group {
		if p.cmd == nil && many {
			args = append(args, &p.key)
			continue
		}
		p.ask(ctx, pipe)
	}
	var all *redis.StringSliceCmd
	if len(args) > 1 {
		args[0] = "mget"
		all = redis.NewStringSliceCmd(ctx, args...)
		_ = pipe.Process(ctx, all)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, p := range group {
		if p.cmd != nil {
			p.take()
		}
	}
	if all != nil {
		j.deal(ctx, group, all)
	}
}

// ask puts the passenger's own command into a pipeline.
func (p *passenger) ask(ctx context.Context, pipe redis.Pipeliner) {
	if p.cmd == nil {
		p.cmd = redis.NewStringCmd(ctx, "get", p.key)
	}
	_ = pipe.Process(ctx, p.cmd)
}

// take is the answer of a passenger's own command.
func (p *passenger) take() {
	p.err = p.cmd.Err()
	if text, ok := p.cmd.(*redis.StringCmd); ok && p.key != "" && p.err == nil {
		p.value = text.Val()
	}
}

// deal hands out the values of an MGET.
func (j *joined) deal(ctx context.Context, group []*passenger, all *redis.StringSliceCmd) {
	err := all.Err()
	_, answered := errors.AsType[redis.Error](err)
	if answered && refusesMany(err) {
		j.many.Store(false) // for good, whatever another round trip has met
	}
	values, pipe := all.Val(), j.client.Pipeline()
	var again []*passenger
	for _, p := range group {
		if p.cmd != nil { // not of the MGET
			continue
		}
		if len(values) > 0 {
			p.value, values = values[0], values[1:]
		}
		switch {
		case err != nil && !answered: // of the line, not of the server
			p.err = err
		case p.value == "":
			p.ask(ctx, pipe)
			again = append(again, p)
		}
	}
	_, _ = pipe.Exec(ctx)
	for _, p := range again {
		p.take()
	}
}

// refusesMany reports whether an error says that this server, or a proxy before it,
// takes no MGET from us at all: the keys lie on different nodes, or the user may not.
func refusesMany(err error) bool {
	for _, code := range []string{"CROSSSLOT", "NOPERM", "ERR"} {
		if redis.HasErrorPrefix(err, code) {
			return true
		}
	}
	return false
}
