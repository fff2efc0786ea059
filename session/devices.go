package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// Session is what may be shown of a session.
type Session struct {
	ID            string // public: it names the session, and lets nobody in
	UserID        string
	Device, IP    string // as of the login
	Created       time.Time
	Authenticated time.Time // last login or Confirm, zero if nobody is logged in
	LastSeen      time.Time // exact to Options.TouchEvery
	Expires       time.Time // if it is not used any more
	Remember      bool
	Current       bool   // it is the session of the context
	Operator      string // the user id of who acts as the user, by LoginAs; usually empty
}

func (s *session) public() Session {
	shown := Session{
		ID: s.record.ID, UserID: s.record.UserID, Device: string(s.content.device), IP: string(s.content.ip),
		Created: s.content.created, Authenticated: s.content.authenticated,
		LastSeen: s.record.Seen, Expires: s.record.Expires(), Remember: s.content.remember,
	}
	if s.content.acting != nil {
		shown.Operator = s.content.acting.operator
	}
	return shown
}

// Current returns the session of the context, if there is one in the store.
func (m *Manager) Current(ctx context.Context) (Session, bool) {
	s, err := m.lock(ctx)
	if err != nil {
		return Session{}, false
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil || s.current == nil {
		return Session{}, false
	}
	shown := s.current.public()
	shown.Current = true
	return shown, true
}

// List returns the live sessions of a user, the last seen first, at most 1,000.
// The context may be any: inside a request, its own session is marked.
func (m *Manager) List(ctx context.Context, userID string) (list []Session, err error) {
	if err := (User{ID: userID}).validate(); err != nil {
		return nil, err
	}
	lister, ok := m.driver.(UserLister)
	if !ok {
		return nil, unsupported("list")
	}
	current := m.currentID(ctx)
	ctx, end := m.start(ctx, "list")
	defer func() { end(err, slog.Int("sessions", len(list))) }()
	records, err := lister.ListUser(ctx, userID, maxListed)
	if err != nil {
		return nil, driverError("list", err)
	}
	now := m.now()
	for _, r := range records {
		s, err := m.decode(r)
		if err != nil {
			m.opts.Logger.WarnContext(ctx, "session: unreadable, not listed", "id", r.ID, "error", err)
			continue
		}
		if r.UserID != userID || !now.Before(r.Expires()) {
			continue
		}
		shown := s.public()
		shown.Current = r.ID == current
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b Session) int {
		if c := b.LastSeen.Compare(a.LastSeen); c != 0 {
			return c
		}
		return b.Created.Compare(a.Created)
	})
	return list, nil
}

func (m *Manager) currentID(ctx context.Context) string {
	current, _ := m.Current(ctx)
	return current.ID
}

// LogoutAll ends all sessions of a user, that of the context included, and
// returns how many. It needs no session in the context.
func (m *Manager) LogoutAll(ctx context.Context, userID string) (int, error) {
	if err := (User{ID: userID}).validate(); err != nil {
		return 0, err
	}
	s, err := m.lock(ctx)
	if err != nil {
		return m.deleteUser(ctx, userID, "")
	}
	defer s.mu.Unlock()
	loadErr := s.load(ctx)
	n, err := m.deleteUser(ctx, userID, "")
	if err == nil && loadErr == nil && s.current != nil && s.current.record.UserID == userID {
		s.forget()
	}
	return n, err
}

// LogoutOthers ends all sessions of the logged-in user but this one, and
// returns how many. ErrNoUser if nobody is logged in.
func (m *Manager) LogoutOthers(ctx context.Context) (int, error) {
	s, err := m.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	if err := s.loadChecked(ctx); err != nil {
		return 0, err
	}
	if err := s.writable(); err != nil {
		return 0, err
	}
	if s.current == nil || s.current.record.UserID == "" {
		return 0, ErrNoUser
	}
	return m.deleteUser(ctx, s.current.record.UserID, s.current.record.ID)
}

func (m *Manager) deleteUser(ctx context.Context, userID, keep string) (n int, err error) {
	deleter, ok := m.driver.(UserDeleter)
	if !ok {
		return 0, unsupported("logout all")
	}
	ctx, end := m.start(ctx, "logout all")
	defer func() { end(err, slog.Int("sessions", n)) }()
	if n, err = deleter.DeleteUser(ctx, userID, keep); err != nil {
		return n, driverError("logout all", err)
	}
	return n, nil
}

// Revoke ends one session of a user, named by its public id. If it is that of
// the context, this is a Logout. ErrNotFound if the user has no such session.
func (m *Manager) Revoke(ctx context.Context, userID, id string) (err error) {
	if id == "" || len(id) > 64 || !isText(id) {
		return &InvalidError{"session id", "is malformed"}
	}
	ctx, end := m.start(ctx, "revoke")
	defer func() { end(err) }()
	r, err := m.driver.Load(ctx, id)
	if err != nil {
		return driverError("revoke", err)
	}
	if userID == "" || r.UserID != userID {
		return ErrNotFound
	}
	if m.currentID(ctx) == id {
		return m.Logout(ctx)
	}
	if err := m.driver.Delete(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
		return driverError("revoke", err)
	}
	return nil
}
