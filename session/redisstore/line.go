package redisstore

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// line is the way to the server, and what is known of how it may be asked.
type line struct {
	client  redis.UniversalClient
	endings string // key, read along with records
	// spread: keys may lie on different nodes, as on a Cluster. A command gets only one
	// then, and there are no endings.
	spread atomic.Bool
	// single: keys are to be read one by one all the same, as the user may not MGET.
	single atomic.Bool
}

// passenger is a command on its way: cmd, or a key to read.
type passenger struct {
	ctx    context.Context
	cmd    redis.Cmder
	key    string
	answer answer
	err    error
	landed chan struct{} // gets one word when the answer is there, if somebody waits
}

// exchange gets the answers of a group, in one round trip but for keys that MGET
// does not answer: they are asked for singly, as GET tells a key that is absent from
// one of another type, and has the errors of the server go to whom they concern.
func (l *line) exchange(ctx context.Context, group []*passenger) {
	pipe := l.client.Pipeline()
	spread := l.spread.Load()
	together := !spread && !l.single.Load()
	keys := make([]any, 1, 2+len(group))
	singly := false
	for _, p := range group {
		switch {
		case p.cmd == nil && together:
			keys = append(keys, &p.key)
		default:
			singly = singly || p.cmd == nil
			p.ask(ctx, pipe)
		}
	}
	var all *redis.StringSliceCmd
	if len(keys) > 1 { // one command to parse, and one reply to read
		keys[0] = "mget"
		all = redis.NewStringSliceCmd(ctx, append(keys, l.endings)...)
		_ = pipe.Process(ctx, all)
	}
	var endings *redis.StringCmd
	if singly && !spread {
		endings = pipe.Get(ctx, l.endings)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, p := range group {
		if p.cmd != nil {
			p.take(endings)
		}
	}
	if all != nil {
		l.deal(ctx, group, all)
	}
}

// ask puts the passenger's own command into a pipeline.
func (p *passenger) ask(ctx context.Context, pipe redis.Pipeliner) {
	if p.cmd == nil {
		p.cmd = redis.NewStringCmd(ctx, "get", p.key)
	}
	_ = pipe.Process(ctx, p.cmd)
}

// take is the answer of a passenger's own command, and, of one who reads, what was
// asked of endings meanwhile.
func (p *passenger) take(endings *redis.StringCmd) {
	p.err = p.cmd.Err()
	text, ok := p.cmd.(*redis.StringCmd)
	if !ok || p.key == "" || p.err != nil {
		return
	}
	p.answer.value = text.Val()
	if endings == nil {
		return
	}
	if err := endings.Err(); err != nil && !errors.Is(err, redis.Nil) {
		p.err = err // whether the session was ended is not known
		return
	}
	p.answer.endings = endings.Val()
}

// deal hands out the values of an MGET, the last of which are the endings.
func (l *line) deal(ctx context.Context, group []*passenger, all *redis.StringSliceCmd) {
	err := all.Err()
	again := err == nil || l.learn(err)
	values, endings := all.Val(), ""
	if last := len(values) - 1; last >= 0 {
		values, endings = values[:last], values[last]
	}
	pipe := l.client.Pipeline()
	var rest []*passenger
	for _, p := range group {
		if p.cmd != nil { // not of the MGET
			continue
		}
		p.answer.endings = endings
		if len(values) > 0 {
			p.answer.value, values = values[0], values[1:]
		}
		switch {
		case !again:
			p.err = err
		case p.answer.value == "":
			p.ask(ctx, pipe)
			rest = append(rest, p)
		}
	}
	if len(rest) == 0 {
		return
	}
	var asked *redis.StringCmd
	if err != nil && !l.spread.Load() {
		asked = pipe.Get(ctx, l.endings)
	}
	_, _ = pipe.Exec(ctx)
	for _, p := range rest {
		p.take(asked)
	}
}

// learn remembers for good if an error says of the server, or of a proxy before it,
// that it takes no command with several keys, or no MGET from this user. It reports
// whether it does.
func (l *line) learn(err error) bool {
	switch {
	case redis.HasErrorPrefix(err, "CROSSSLOT"):
		l.spread.Store(true)
	case redis.HasErrorPrefix(err, "NOPERM"), redis.HasErrorPrefix(err, "ERR"):
		l.single.Store(true)
	default:
		return false
	}
	return true
}
