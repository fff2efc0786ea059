package redisstore

import (
	"context"
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
// the callers, the longer the pipelines, without a timer.
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
	waiting []*passenger
}

// maxJoined bounds one pipeline: what is written before the first answer is read
// must fit into the buffers of both sides.
const maxJoined = 256

// passenger is a command under way in company: a key to read, or cmd.
type passenger struct {
	ctx    context.Context
	cmd    redis.Cmder
	key    string
	value  []byte
	err    error
	landed chan struct{}
}

func (j *joined) do(ctx context.Context, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.alone() {
		defer j.land()
		return j.straight.do(ctx, cmd)
	}
	_, err := j.join(ctx, cmd, "")
	return err
}

func (j *joined) get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.alone() {
		defer j.land()
		return j.straight.get(ctx, key)
	}
	return j.join(ctx, nil, key)
}

// alone reports whether a command may go straight; then land follows it.
func (j *joined) alone() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.flights >= j.limit {
		return false
	}
	j.flights++
	return true
}

func (j *joined) join(ctx context.Context, cmd redis.Cmder, key string) ([]byte, error) {
	p := &passenger{ctx: ctx, cmd: cmd, key: key, landed: make(chan struct{})}
	j.mu.Lock()
	if j.flights < j.limit { // all have landed since
		j.flights++
		go j.fly()
	}
	j.waiting = append(j.waiting, p)
	j.mu.Unlock()
	select {
	case <-p.landed:
		return p.value, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
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
// is about to ask again, may come along: it lets others run for as long as that
// brings more of them.
func (j *joined) board() []*passenger {
	j.mu.Lock()
	defer j.mu.Unlock()
	for before := 0; before < len(j.waiting) && len(j.waiting) < maxJoined; {
		before = len(j.waiting)
		j.mu.Unlock()
		runtime.Gosched()
		j.mu.Lock()
	}
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
	j.exchange(context.WithoutCancel(aboard[0].ctx), aboard)
	for _, p := range aboard {
		close(p.landed)
	}
}

// exchange gets the answers of a group, in one round trip but for keys that MGET
// does not answer: they are asked for singly, as GET tells a key that is absent from
// one of another type, and has the errors of the server go to whom they concern.
func (j *joined) exchange(ctx context.Context, group []*passenger) {
	readers := make([]*passenger, 0, len(group))
	pipe := j.client.Pipeline()
	for _, p := range group {
		if p.cmd == nil && j.many.Load() {
			readers = append(readers, p)
			continue
		}
		if p.cmd == nil {
			p.cmd = redis.NewStringCmd(ctx, "get", p.key)
		}
		_ = pipe.Process(ctx, p.cmd)
	}
	var all *redis.RawCmd
	if len(readers) > 0 {
		args := make([]any, 1, 1+len(readers))
		args[0] = "mget"
		for _, p := range readers {
			args = append(args, p.key)
		}
		all = redis.NewRawCmd(ctx, args...)
		_ = pipe.Process(ctx, all)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, p := range group {
		if p.cmd != nil {
			p.take()
		}
	}
	if all != nil {
		j.deal(ctx, readers, all)
	}
}

// take is the answer of a passenger's own command.
func (p *passenger) take() {
	p.err = p.cmd.Err()
	if text, ok := p.cmd.(*redis.StringCmd); ok && p.key != "" && p.err == nil {
		p.value = []byte(text.Val())
	}
}

// deal hands out the values of an MGET.
func (j *joined) deal(ctx context.Context, readers []*passenger, all *redis.RawCmd) {
	if err := all.Err(); err != nil { // of the line, not of the server
		for _, p := range readers {
			p.err = err
		}
		return
	}
	answers, ok := values(all.Val(), len(readers))
	if !ok {
		if refusesMany(all.Val()) {
			j.many.Store(false) // for good, whatever another round trip has met
		}
		answers = make([][]byte, len(readers))
	}
	pipe := j.client.Pipeline()
	var again []*passenger
	for i, p := range readers {
		if p.value = answers[i]; p.value == nil {
			p.cmd = redis.NewStringCmd(ctx, "get", p.key)
			_ = pipe.Process(ctx, p.cmd)
			again = append(again, p)
		}
	}
	_, _ = pipe.Exec(ctx)
	for _, p := range again {
		p.take()
	}
}
