// Package redisotp keeps verification codes in Redis, for package otp.
//
//	store, err := redisotp.New(rdb, nil)
//	codes, err := otp.New(store, &otp.Options{Pepper: pepper})
//
// Every act is one script, and so at most one round trip, which callers who wait share: parallel guesses are counted
// one by one, and times are the server's. All keys are "<prefix>{otp}:…" and lie in one
// slot of a Cluster, because a code and the limits on it are judged
// together. Each of them has an end. An answer that was lost on its way is harmless: a
// step that the client sends again is recognized and answered as the first time.
//
// Needs Redis 6.2 or later. Do not let the client read from replicas. A server that
// evicts keys with a time to live forgets codes and, worse, limits.
package redisotp

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify/otp"
)

// Options of a store. Zero means the default.
type Options struct {
	// Prefix of all keys. Default "otp:". It must not hold "{" or "}".
	Prefix string
}

// New makes a store in Redis. It sends nothing yet. rdb stays the caller's to close.
// Wrong arguments are an *otp.InvalidError.
func New(rdb redis.UniversalClient, o *Options) (otp.Store, error) {
	prefix := "otp:"
	if o != nil && o.Prefix != "" {
		prefix = o.Prefix
	}
	switch {
	case rdb == nil:
		return nil, &otp.InvalidError{Field: "rdb", Reason: "must not be nil"}
	case strings.ContainsAny(prefix, "{}"):
		return nil, &otp.InvalidError{Field: "Prefix", Reason: "must not hold braces, which choose the slot of a key"}
	}
	return &store{rdb: rdb, prefix: prefix + "{otp}:", steps: newPipeline(rdb)}, nil
}

type store struct {
	rdb    redis.UniversalClient
	prefix string
	steps  *pipeline
}

func (s *store) Issue(ctx context.Context, step otp.IssueStep) (otp.IssueResult, error) {
	keys, limits := s.counters(step.Key, step.Counters)
	args := append([]any{rand.Text(), step.MAC, step.TTL.Milliseconds(), step.Attempts, step.Cooldown.Milliseconds()}, limits...)
	answer, err := s.run(ctx, issueScript, keys, args, 3)
	if err != nil {
		return otp.IssueResult{}, err
	}
	return otp.IssueResult{
		Now: time.UnixMilli(answer[0]), Refused: refused(answer[1], step.Counters), RetryAfter: millis(answer[2]),
	}, nil
}

func (s *store) Verify(ctx context.Context, step otp.VerifyStep) (otp.VerifyResult, error) {
	keys, limits := s.counters(step.Key, step.Counters)
	answer, err := s.run(ctx, verifyScript, keys, append([]any{rand.Text(), step.MAC}, limits...), 5)
	if err != nil {
		return otp.VerifyResult{}, err
	}
	return otp.VerifyResult{
		Found: answer[0] == 1, Match: answer[1] == 1, Remaining: int(answer[2]),
		Refused: refused(answer[3], step.Counters), RetryAfter: millis(answer[4]),
	}, nil
}

func (s *store) Delete(ctx context.Context, key string) error {
	if err := s.rdb.Del(ctx, s.prefix+key).Err(); err != nil {
		return fmt.Errorf("redisotp: %w", err)
	}
	return nil
}

// counters returns the keys of the code, its cooldown and its counters, and
// the numbers the scripts compare them with.
func (s *store) counters(key string, counters []otp.Counter) (keys []string, limits []any) {
	keys = append(keys, s.prefix+key, s.prefix+key+":cooldown")
	for _, c := range counters {
		keys = append(keys, s.prefix+c.Key)
		limits = append(limits, c.Max, c.Window.Milliseconds())
	}
	return keys, limits
}

func (s *store) run(ctx context.Context, script *redis.Script, keys []string, args []any, n int) ([]int64, error) {
	answer, err := s.steps.run(ctx, script, keys, args)
	if err != nil {
		return nil, fmt.Errorf("redisotp: %w", err)
	}
	if len(answer) != n {
		return nil, fmt.Errorf("redisotp: unexpected answer of %d parts", len(answer))
	}
	return answer, nil
}

// refused reads who refused: 0 nobody, 1 the cooldown, then the counters.
func refused(by int64, counters []otp.Counter) otp.Scope {
	switch by {
	case 0:
		return ""
	case 1:
		return otp.ScopeCooldown
	}
	return counters[by-2].Scope
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
