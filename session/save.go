package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// commit saves the log of changes.
func (s *scope) commit(ctx context.Context) error {
	if len(s.changes) == 0 {
		return nil
	}
	return s.save(ctx, "commit", func(*session) error { return nil })
}

// save brings a changed copy of the current session into the store: the log of
// changes is applied to it, then edit. When others saved meanwhile, both are
// done again on what those wrote, up to MaxAttempts times. Without a session a
// new one begins. edit runs without s.mu, and may run more than once.
func (s *scope) save(ctx context.Context, operation string, edit func(*session) error) (err error) {
	ctx, end := s.m.start(ctx, operation)
	attempt := 0
	defer func() { end(err, slog.Int("attempts", attempt)) }()
	if err := s.load(ctx); err != nil {
		return err
	}
	for {
		attempt++
		if err := s.writable(); err != nil {
			s.changes = nil
			return err
		}
		err := s.try(ctx, edit)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if attempt >= s.m.opts.MaxAttempts {
			return err
		}
		s.mu.Unlock()
		err = backoff(ctx, attempt)
		s.mu.Lock()
		if err != nil {
			return err
		}
		if err := s.reload(ctx); err != nil {
			return err
		}
	}
}

func (s *scope) try(ctx context.Context, edit func(*session) error) error {
	base, changes := s.current, s.changes
	var next *session
	if base != nil {
		next = base.clone()
	} else {
		next = s.m.fresh()
	}
	for _, c := range changes {
		c.apply(next.content.values)
	}
	s.mu.Unlock()
	err := edit(next)
	s.mu.Lock()
	if err != nil {
		return err
	}
	if s.current != base {
		return ErrConflict // by another goroutine of this request
	}
	if base == nil {
		if len(next.content.values) == 0 && next.record.UserID == "" {
			s.changes = s.changes[len(changes):]
			return nil // nothing to remember: no session is begun
		}
		err = s.create(ctx, next)
	} else if !unchanged(base, next) {
		err = s.replace(ctx, base, next)
	}
	if err == nil {
		s.changes = s.changes[min(len(changes), len(s.changes)):]
	}
	return err
}

// fresh is a session that has not begun.
func (m *Manager) fresh() *session {
	now := m.now()
	return &session{
		record:  Record{Seen: now, Idle: max(0, m.opts.Idle), Deadline: now.Add(m.opts.Absolute)},
		content: content{created: now, values: make(map[string][]byte)},
	}
}

func unchanged(a, b *session) bool {
	return a.content.secret == b.content.secret && a.record.Deadline.Equal(b.record.Deadline) &&
		maps.EqualFunc(a.content.all(), b.content.all(), bytes.Equal)
}

func (s *scope) create(ctx context.Context, next *session) error {
	if s.begun {
		return ErrCommitted // the client can no longer be given a token
	}
	t := newToken()
	next.record.ID, next.record.Version = t.id, 1
	next.content.secret = t.digest()
	record, err := s.m.encode(next)
	if err != nil {
		return err
	}
	if err := s.m.driver.Create(ctx, record); err != nil {
		return driverError("create", err)
	}
	s.token, s.hasToken, s.previous, s.ended = t, true, false, false
	s.current = next
	s.setCookie()
	return nil
}

func (s *scope) replace(ctx context.Context, base, next *session) error {
	now := s.m.now()
	if now.After(next.record.Seen) { // else a server whose clock is ahead has seen it
		next.record.Seen = now
	}
	if !now.Before(base.record.Deadline) {
		s.current, s.ended = nil, true // it has come to its end during this request
		return ErrEnded
	}
	record, err := s.m.encode(next)
	if err != nil {
		return err
	}
	err = s.m.driver.Save(ctx, base.record, record)
	switch {
	case err == nil:
		next.record.Version = base.record.Version + 1
		s.current = next
		return nil
	case errors.Is(err, ErrNotFound):
		s.current, s.ended = nil, true
		return ErrEnded
	}
	return driverError("save", err)
}

// reload reads the session again after a conflict.
func (s *scope) reload(ctx context.Context) error {
	if s.current == nil {
		return nil
	}
	s.given = s.token.digest()
	found, previous, err := s.m.load(ctx, s.token.id, s.given, s.m.touch(s.given[:]), false)
	switch {
	case err == nil:
		s.current, s.previous = found, previous
		s.seePrevious()
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrCorrupt):
		s.current, s.ended = nil, true
	default:
		return err
	}
	return nil
}

// backoff waits a random time that grows with the attempts, up to about 50 ms.
func backoff(ctx context.Context, attempt int) error {
	limit := min(time.Millisecond<<min(attempt-1, 6), 50*time.Millisecond)
	return pause.For(ctx, rand.N(limit))
}
