package session

import (
	"context"
	"encoding/binary"
	"errors"
	"time"
)

// Acting is one line of the audit trail of LoginAs.
type Acting struct {
	At        time.Time
	Operator  string // the user id of who acts
	User      string // as whom
	SessionID string // public
	Reason    string // as told to LoginAs
	Device    string
	IP        string
	Ended     bool // false: it begins, true: it has ended by LogoutAs or Logout
}

// LoginAsOptions of LoginAs. Nil and zero mean the defaults.
type LoginAsOptions struct {
	// Reason goes to the audit trail: up to 512 bytes, such as a ticket's number.
	Reason string
	// For is how long it lasts at most. Default 1 hour, at most the rest of the
	// operator's own session.
	For time.Duration
}

const (
	maxReason   = 512
	actingFor   = time.Hour
	actingLimit = 24 * time.Hour
)

// acting is what a session remembers of the operator while it is another user's.
type acting struct {
	operator string
	authHash digest // of the operator, zero if none
	idle     time.Duration
	deadline time.Time
	remember bool
}

func (a *acting) append(b []byte) []byte {
	b = appendString(b, a.operator)
	b = append(b, a.authHash[:]...)
	b = binary.AppendVarint(b, a.idle.Microseconds())
	b = appendTime(b, a.deadline)
	if a.remember {
		return append(b, 1)
	}
	return append(b, 0)
}

func (d *decoder) acting() *acting {
	a := &acting{operator: string(d.bytes())}
	copy(a.authHash[:], d.take(len(a.authHash)))
	micros := d.varint()
	a.deadline = d.time()
	remember := d.take(1)
	if d.failed || a.operator == "" || micros < 0 || micros > forever.Microseconds() || remember[0] > 1 {
		d.failed = true
		return nil
	}
	a.idle, a.remember = time.Duration(micros)*time.Microsecond, remember[0] == 1
	return a
}

// LoginAs makes the session of a logged-in operator one of another user, to see
// what they see. Who may do that is the host's to decide, before the call. The
// values are dropped, the token is renewed, the session is never Fresh, it ends
// after an hour (LoginAsOptions.For), and devices of the user show it with its
// Operator. LogoutAs goes back. While it lasts, Options.AuthHash is asked for the
// operator too, so that one who is locked out acts no longer.
//
// Options.Audit is told before anything is changed, and needed. Its error refuses, and
// is returned. Other errors: ErrNoUser if nobody is logged in, *InvalidError, such as
// for who acts as somebody already, and those of Login.
func (m *Manager) LoginAs(ctx context.Context, user User, options *LoginAsOptions) error {
	var o LoginAsOptions
	if options != nil {
		o = *options
	}
	switch {
	case m.opts.Audit == nil:
		return &InvalidError{"Audit", "is not set: nobody would know who acted"}
	case len(o.Reason) > maxReason:
		return &InvalidError{"reason", "is longer than 512 bytes"}
	case o.For < 0 || o.For > actingLimit:
		return &InvalidError{"for", "is not from 0 to 24 hours"}
	case o.For == 0:
		o.For = actingFor
	}
	if err := user.validate(); err != nil {
		return err
	}
	s, err := m.lockOpen(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.loadChecked(ctx); err != nil {
		return err
	}
	if err := s.writable(); err != nil {
		return err
	}
	switch {
	case s.current == nil || s.current.record.UserID == "":
		return ErrNoUser
	case s.current.content.acting != nil:
		return &InvalidError{"operator", "acts as another user already"}
	case s.current.record.UserID == user.ID:
		return &InvalidError{"user id", "is the operator's own"}
	}
	operator := s.current.record.UserID
	if err := s.audit(ctx, Acting{Operator: operator, User: user.ID, Reason: o.Reason}); err != nil {
		return err
	}
	s.changes = nil
	err = s.rotate(ctx, "login as", func(next *session) error {
		if next.record.UserID != operator || next.content.acting != nil {
			return ErrRenewed // another request has logged in meanwhile
		}
		m.act(next, user, o.For)
		return nil
	})
	if err == nil {
		s.authKnown = true
	}
	return err
}

// act makes next, a session of the operator, one of user.
func (m *Manager) act(next *session, user User, limit time.Duration) {
	c, r, now := &next.content, &next.record, m.now()
	c.acting = &acting{operator: r.UserID, authHash: c.authHash, idle: r.Idle, deadline: r.Deadline, remember: c.remember}
	clear(c.values)
	c.previousSees, c.remember, c.authenticated = false, false, time.Time{}
	c.hasAuthHash, c.authHash = user.digest()
	r.UserID, r.Idle = user.ID, max(0, m.opts.Idle)
	if end := now.Add(limit); end.Before(r.Deadline) {
		r.Deadline = end
	}
}

// LogoutAs goes back to the operator's own session, which is not Fresh: Confirm
// makes it so. The values are dropped and the token is renewed. Options.Audit is told
// first; its error is returned, and nothing is changed. ErrNoUser if nobody acts as
// another user.
func (m *Manager) LogoutAs(ctx context.Context) error {
	s, err := m.lockOpen(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.loadChecked(ctx); err != nil {
		return err
	}
	if s.current == nil || s.current.content.acting == nil {
		return ErrNoUser
	}
	if err := s.auditEnd(ctx); err != nil {
		return err
	}
	s.changes = nil
	return s.rotate(ctx, "logout as", func(next *session) error {
		c, r := &next.content, &next.record
		a := c.acting
		if a == nil {
			return ErrRenewed // another request has gone back meanwhile
		}
		clear(c.values)
		c.previousSees, c.remember, c.authenticated, c.acting = false, a.remember, time.Time{}, nil
		c.authHash, c.hasAuthHash = a.authHash, a.authHash != digest{}
		r.UserID, r.Idle, r.Deadline = a.operator, a.idle, a.deadline
		return nil
	})
}

// Operator returns who acts as the user of this session, by LoginAs. ok is false
// if nobody does.
func (m *Manager) Operator(ctx context.Context) (userID string, ok bool) {
	current, ok := m.Current(ctx)
	return current.Operator, ok && current.Operator != ""
}

// auditEnd notes that acting ends.
func (s *scope) auditEnd(ctx context.Context) error {
	return s.audit(ctx, Acting{Operator: s.current.content.acting.operator, User: s.current.record.UserID, Ended: true})
}

// audit completes an entry and hands it over. The hook may use the session.
func (s *scope) audit(ctx context.Context, entry Acting) error {
	if s.m.opts.Audit == nil {
		return nil // it began where there was one
	}
	var where LoginOptions
	s.describe(&where)
	entry.At, entry.SessionID, entry.Device, entry.IP = s.m.now(), s.current.record.ID, where.Device, where.IP
	s.mu.Unlock()
	err := s.m.opts.Audit(ctx, entry)
	s.mu.Lock()
	if err == nil && s.current == nil {
		err = ErrEnded // by another goroutine of this request
	}
	return err
}

// checkOperator asks Options.AuthHash for who acts as the user.
func (s *scope) checkOperator(ctx context.Context) error {
	a := s.current.content.acting
	if a == nil {
		return nil
	}
	hash, err := s.m.opts.AuthHash(ctx, a.operator)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.end(ctx)
	case err != nil:
		s.loadErr = driverError("auth hash", err)
		return s.loadErr
	}
	if a.authHash != (digest{}) && !a.authHash.equal(authDigest(a.operator, hash)) {
		return s.end(ctx)
	}
	return nil
}
