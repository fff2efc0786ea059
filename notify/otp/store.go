package otp

import (
	"context"
	"time"
)

// Store keeps codes and counters. Every method is one atomic step over all
// processes (in Redis, one script), because a read followed by a write would let
// parallel guesses be compared more often than allowed. Times are the store's
// own, so that the clocks of its callers need not agree.
//
// Keys are opaque, short and hold nothing in clear.
type Store interface {
	// Issue decides, in this order: the cooldown of step.Key, then each counter.
	// When one refuses nothing changes. Otherwise it stores the code in place of
	// the one before, starts the cooldown and counts each counter up by one.
	Issue(ctx context.Context, step IssueStep) (IssueResult, error)

	// Verify decides: without a code (or with an expired one) Found is false and
	// nothing is counted. Then each counter; when one refuses nothing changes. Otherwise
	// it counts, compares in constant time, and deletes the code when it matches
	// or when that was its last guess.
	Verify(ctx context.Context, step VerifyStep) (VerifyResult, error)

	// Delete removes a code; the cooldown and counters stay. It is idempotent.
	Delete(ctx context.Context, key string) error
}

// Counter is a limit to hold and to count up.
type Counter struct {
	Key   string
	Scope Scope
	Limit
}

// IssueStep stores a code.
type IssueStep struct {
	Key      string
	MAC      []byte // 32 bytes
	TTL      time.Duration
	Attempts int
	Cooldown time.Duration // 0: none
	Counters []Counter
}

// IssueResult answers an IssueStep.
type IssueResult struct {
	Now        time.Time // by the store's clock
	Refused    Scope     // empty: stored
	RetryAfter time.Duration
}

// VerifyStep compares a guess.
type VerifyStep struct {
	Key      string
	MAC      []byte
	Counters []Counter
}

// VerifyResult answers a VerifyStep.
type VerifyResult struct {
	Found      bool
	Match      bool
	Remaining  int   // guesses left, when not Match
	Refused    Scope // empty: compared
	RetryAfter time.Duration
}
