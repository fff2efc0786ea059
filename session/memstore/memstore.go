// Package memstore keeps sessions in the memory of one process: for tests,
// development and shops whose users may log in again after a restart.
package memstore

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/session"
)

// Open returns a Manager over a New store.
func Open(options *session.Options) (*session.Manager, error) {
	return session.New(New(), options)
}

// New returns an empty store. Managers that share one share their sessions.
func New() session.Driver {
	return &store{records: make(map[string]session.Record), users: make(map[string]map[string]struct{})}
}

type store struct {
	mu      sync.RWMutex
	records map[string]session.Record
	users   map[string]map[string]struct{} // user id → ids of its records
}

func (s *store) Load(ctx context.Context, id string) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[id]
	if !ok {
		return session.Record{}, session.ErrNotFound
	}
	return copied(r), nil
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.records[r.ID]; ok {
		return session.ErrExists
	}
	r.Version = 1
	s.put(r)
	return nil
}

func (s *store) Save(ctx context.Context, was, next session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.at(was.ID, was.Version); err != nil {
		return err
	}
	next.Version = was.Version + 1
	s.remove(was.ID)
	s.put(next)
	return nil
}

func (s *store) Touch(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.at(r.ID, r.Version)
	if err != nil {
		return err
	}
	stored.Seen = r.Seen
	s.records[r.ID] = stored
	return nil
}

func (s *store) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(id)
	return nil
}

func (s *store) ListUser(ctx context.Context, userID string, limit int) ([]session.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []session.Record
	for id := range s.users[userID] {
		found = append(found, copied(s.records[id]))
	}
	slices.SortFunc(found, func(a, b session.Record) int { return b.Seen.Compare(a.Seen) })
	return found[:min(limit, len(found))], nil
}

func (s *store) DeleteUser(ctx context.Context, userID, keep string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for id := range s.users[userID] {
		if id != keep {
			s.remove(id)
			n++
		}
	}
	return n, nil
}

// Sweep looks at every record but under a read lock, and locks others out only
// while it removes what it found.
func (s *store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	expired, err := s.expired(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, id := range expired {
		if r, ok := s.records[id]; ok && r.Expires().Before(now) {
			s.remove(id)
			n++
		}
	}
	return n, nil
}

func (s *store) expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []string
	for id, r := range s.records {
		if len(ids) == limit {
			break
		}
		if r.Expires().Before(now) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (s *store) at(id string, version int64) (session.Record, error) {
	r, ok := s.records[id]
	switch {
	case !ok:
		return r, session.ErrNotFound
	case r.Version != version:
		return r, session.ErrConflict
	}
	return r, nil
}

func (s *store) put(r session.Record) {
	s.records[r.ID] = copied(r)
	if r.UserID == "" {
		return
	}
	ids := s.users[r.UserID]
	if ids == nil {
		ids = make(map[string]struct{})
		s.users[r.UserID] = ids
	}
	ids[r.ID] = struct{}{}
}

func (s *store) remove(id string) {
	user := s.records[id].UserID
	delete(s.records, id)
	delete(s.users[user], id)
	if len(s.users[user]) == 0 {
		delete(s.users, user)
	}
}

func copied(r session.Record) session.Record {
	r.Data = slices.Clone(r.Data)
	return r
}
