package otp

import (
	"context"
	"crypto/subtle"
	"sync"
	"time"
)

// MemoryStoreOptions configure a memory store. Zero means the default.
type MemoryStoreOptions struct {
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// NewMemoryStore makes a store in the memory of one process. What has expired
// is removed while it is used; it needs no Close.
func NewMemoryStore(o *MemoryStoreOptions) Store {
	s := &memoryStore{now: time.Now, codes: make(map[string]*memoryCode), counters: make(map[string]*memoryCounter)}
	if o != nil && o.Now != nil {
		s.now = o.Now
	}
	return s
}

type memoryStore struct {
	now func() time.Time

	mu       sync.Mutex
	codes    map[string]*memoryCode
	counters map[string]*memoryCounter
	sweepAt  int
}

// memoryCode outlives its deletion until the cooldown has passed.
type memoryCode struct {
	mac       []byte // nil: used, voided or guessed at too often
	remaining int
	expires   time.Time
	cooldown  time.Time
}

type memoryCounter struct {
	n    int
	ends time.Time
}

func (s *memoryStore) Issue(_ context.Context, step IssueStep) (IssueResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if old := s.codes[step.Key]; old != nil && now.Before(old.cooldown) {
		return IssueResult{Now: now, Refused: ScopeCooldown, RetryAfter: old.cooldown.Sub(now)}, nil
	}
	if scope, after := s.count(step.Counters, now); scope != "" {
		return IssueResult{Now: now, Refused: scope, RetryAfter: after}, nil
	}
	s.codes[step.Key] = &memoryCode{
		mac: step.MAC, remaining: step.Attempts, expires: now.Add(step.TTL), cooldown: now.Add(step.Cooldown),
	}
	s.sweep(now)
	return IssueResult{Now: now}, nil
}

func (s *memoryStore) Verify(_ context.Context, step VerifyStep) (VerifyResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	code := s.codes[step.Key]
	if code == nil || code.mac == nil || !now.Before(code.expires) {
		return VerifyResult{}, nil
	}
	if scope, after := s.count(step.Counters, now); scope != "" {
		return VerifyResult{Found: true, Remaining: code.remaining, Refused: scope, RetryAfter: after}, nil
	}
	code.remaining--
	match := subtle.ConstantTimeCompare(code.mac, step.MAC) == 1
	result := VerifyResult{Found: true, Match: match, Remaining: code.remaining}
	if match || code.remaining == 0 {
		code.mac = nil
	}
	return result, nil
}

func (s *memoryStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.codes[key]; code != nil {
		code.mac = nil
	}
	return nil
}

// count counts all counters up, or none and tells which refused.
func (s *memoryStore) count(counters []Counter, now time.Time) (Scope, time.Duration) {
	for _, c := range counters {
		if held := s.counters[c.Key]; held != nil && now.Before(held.ends) && held.n >= c.Max {
			return c.Scope, held.ends.Sub(now)
		}
	}
	for _, c := range counters {
		held := s.counters[c.Key]
		if held == nil || !now.Before(held.ends) {
			held = &memoryCounter{ends: now.Add(c.Window)}
			s.counters[c.Key] = held
		}
		held.n++
	}
	return "", 0
}

// sweep removes what has ended whenever the maps have doubled since the last time.
func (s *memoryStore) sweep(now time.Time) {
	if len(s.codes)+len(s.counters) < max(s.sweepAt, 1024) {
		return
	}
	for key, code := range s.codes {
		if !now.Before(code.expires) && !now.Before(code.cooldown) {
			delete(s.codes, key)
		}
	}
	for key, counter := range s.counters {
		if !now.Before(counter.ends) {
			delete(s.counters, key)
		}
	}
	s.sweepAt = 2 * (len(s.codes) + len(s.counters))
}
