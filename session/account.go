package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// User is who is logged in.
type User struct {
	// ID is the host's name of the user: 1 to 512 bytes, any.
	ID string
	// AuthHash changes when the user's credentials do, such as the hash of the
	// password. It is stored only as a digest. Empty means that the session does
	// not depend on it.
	AuthHash string
}

// LoginOptions of one login. Nil and zero mean the defaults.
type LoginOptions struct {
	// Remember keeps the session when the browser closes, within
	// Options.RememberIdle and RememberAbsolute.
	Remember bool
	// Flush drops the values put before the login. By default they are kept (a
	// cart survives), unless another user was logged in.
	Flush bool
	// Device is what List shows, up to 256 bytes. Default: the User-Agent header.
	Device string
	// IP is what List shows, up to 64 bytes. Default: Options.ClientIP.
	IP string
	// Idle and Absolute are this session's own limits, 0 those of Options, -1 none.
	Idle, Absolute time.Duration
}

// Login binds the user to the session and renews its token, at once. Changes of
// this request are saved with it. Errors: *InvalidError, ErrCommitted after the
// response has begun, ErrConflict, ErrUnavailable; then nobody is newly logged in.
func (m *Manager) Login(ctx context.Context, user User, options *LoginOptions) error {
	var o LoginOptions
	if options != nil {
		o = *options
	}
	if err := user.validate(); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	s, err := m.lockOpen(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	s.describe(&o)
	if s.previous || s.ended {
		s.forget() // that session is not ours to log in to: begin a new one
		s.ended = false
	}
	login := func(next *session) error {
		m.bind(next, user, o)
		return nil
	}
	err = s.rotate(ctx, "login", login)
	if errors.Is(err, ErrEnded) {
		s.forget()
		s.ended = false
		err = s.rotate(ctx, "login", login)
	}
	if err == nil {
		s.authKnown = true
	}
	return err
}

// bind makes next a session of user.
func (m *Manager) bind(next *session, user User, o LoginOptions) {
	now := m.now()
	c, r := &next.content, &next.record
	if o.Flush || r.UserID != "" && r.UserID != user.ID {
		clear(c.values)
	}
	c.previousSees = r.UserID == user.ID
	if r.UserID != user.ID {
		c.created = now
	}
	r.UserID = user.ID
	c.authenticated = now
	c.hasAuthHash, c.authHash = user.digest()
	c.remember, c.device, c.ip, c.acting = o.Remember, []byte(o.Device), []byte(o.IP), nil
	idle, absolute := m.opts.Idle, m.opts.Absolute
	if o.Remember {
		idle, absolute = m.opts.RememberIdle, m.opts.RememberAbsolute
	}
	if o.Idle != 0 {
		idle = o.Idle
	}
	switch {
	case o.Absolute == -1:
		absolute = forever
	case o.Absolute != 0:
		absolute = o.Absolute
	}
	r.Idle, r.Seen, r.Deadline = max(0, idle), now, now.Add(absolute)
}

// rotate saves with a new secret, and gives the client the new token.
func (s *scope) rotate(ctx context.Context, operation string, edit func(*session) error) error {
	var renewed token // stays empty when a session begins
	err := s.save(ctx, operation, func(next *session) error {
		if next.record.ID == "" {
			return edit(next) // a new session gets a new token anyway
		}
		renewed = token{id: next.record.ID, secret: randomText(secretBytes)}
		next.content.previous = next.content.secret
		next.content.previousUntil = s.m.now().Add(max(0, s.m.opts.Grace))
		next.content.previousSees = true
		next.content.secret = renewed.digest()
		return edit(next)
	})
	if err != nil {
		return err
	}
	if renewed.id != "" {
		s.token = renewed
		s.setCookie()
	}
	return nil
}

// Renew replaces the token and keeps everything else, the deadline included.
// Call it when the privileges of the user change; Login does it by itself.
func (m *Manager) Renew(ctx context.Context) error {
	return m.renew(ctx, func(*session) error { return nil })
}

// Confirm notes that the user has just proved again who they are, for Fresh and
// RequireFresh, and renews the token. ErrNoUser if nobody is logged in, and an
// *InvalidError while an operator acts as the user (LoginAs).
func (m *Manager) Confirm(ctx context.Context) error {
	return m.renew(ctx, func(next *session) error {
		if next.record.UserID == "" {
			return ErrNoUser
		}
		if next.content.acting != nil {
			return &InvalidError{"operator", "cannot confirm who somebody else is"}
		}
		next.content.authenticated = m.now()
		return nil
	})
}

func (m *Manager) renew(ctx context.Context, edit func(*session) error) error {
	s, err := m.lockOpen(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.rotate(ctx, "renew", edit)
}

// SetDeadline moves the absolute end of the session. Renew keeps it; a Login
// sets its own.
func (m *Manager) SetDeadline(ctx context.Context, deadline time.Time) error {
	now := m.now()
	if !deadline.After(now) || deadline.After(now.Add(forever)) {
		return &InvalidError{"deadline", "is not within the next 100 years"}
	}
	s, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	err = s.save(ctx, "set deadline", func(next *session) error {
		if next.record.ID == "" {
			return ErrNotFound
		}
		next.record.Deadline = deadline.Truncate(time.Microsecond)
		return nil
	})
	if err == nil && s.current.content.remember {
		s.setCookie()
	}
	return err
}

// User returns who is logged in; its AuthHash is empty. ok is false also if the
// session cannot be loaded, or Options.AuthHash fails: then the answer of the
// handler is replaced as Options.Outage says. Load gives that error.
func (m *Manager) User(ctx context.Context) (user User, ok bool) {
	s, err := m.lock(ctx)
	if err != nil {
		m.opts.Logger.WarnContext(ctx, "session: user unknown", "error", err)
		return User{}, false
	}
	defer s.mu.Unlock()
	if err := s.loadChecked(ctx); err != nil || s.current == nil || s.current.record.UserID == "" {
		return User{}, false
	}
	return User{ID: s.current.record.UserID}, true
}

// Load loads the session now, and returns the error if the store, or
// Options.AuthHash, fails.
func (m *Manager) Load(ctx context.Context) error {
	s, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.loadChecked(ctx)
}

// loadChecked loads and asks Options.AuthHash once.
func (s *scope) loadChecked(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	if s.m.opts.AuthHash == nil || s.authKnown || s.current == nil || s.current.record.UserID == "" {
		return nil
	}
	current, err := s.m.opts.AuthHash(ctx, s.current.record.UserID)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.end(ctx)
	case err != nil:
		s.loadErr = driverError("auth hash", err)
		return s.loadErr
	}
	s.authKnown = true
	if err := s.checkAuth(ctx, current); err != nil || s.current == nil {
		return err
	}
	return s.checkOperator(ctx)
}

// CheckAuth ends the session if it was begun under another hash, for hosts that
// have the current one at hand and do not set Options.AuthHash. It reports
// whether the user is still logged in.
func (m *Manager) CheckAuth(ctx context.Context, authHash string) (bool, error) {
	s, err := m.lock(ctx)
	if err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil || s.current == nil || s.current.record.UserID == "" {
		return false, err
	}
	err = s.checkAuth(ctx, authHash)
	return s.current != nil, err
}

func (s *scope) checkAuth(ctx context.Context, authHash string) error {
	c := &s.current.content
	if c.hasAuthHash && !c.authHash.equal(authDigest(s.current.record.UserID, authHash)) {
		return s.end(ctx)
	}
	return nil
}

// end removes the session from the store and from the client.
func (s *scope) end(ctx context.Context) error {
	if s.current == nil {
		return nil
	}
	id := s.current.record.ID
	s.forget()
	if err := s.m.driver.Delete(ctx, id); err != nil {
		return driverError("delete", err)
	}
	return nil
}

// Logout ends the session with all its values, at once. A request still under
// way cannot bring it back. On an error the client loses its cookie, but the
// session may live on in the store.
func (m *Manager) Logout(ctx context.Context) (err error) {
	s, err := m.scopeOf(ctx)
	if err != nil {
		return err
	}
	ctx, end := m.start(ctx, "logout")
	defer func() { end(err) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		s.clearCookie()
		return err
	}
	s.changes = nil
	if s.current != nil && s.current.content.acting != nil {
		if err := s.auditEnd(ctx); err != nil { // it is ended all the same
			s.log(ctx, slog.LevelError, "the end of acting as another user was not audited", err)
		}
	}
	if s.current == nil && s.hasToken && !s.previous {
		s.forget() // the client holds a dead token
	}
	return s.end(ctx)
}

// Fresh reports whether the user logged in, or passed Confirm, within maxAge.
func (m *Manager) Fresh(ctx context.Context, maxAge time.Duration) bool {
	if _, ok := m.User(ctx); !ok {
		return false
	}
	current, ok := m.Current(ctx)
	return ok && m.now().Sub(current.Authenticated) <= maxAge
}

func (u User) validate() error {
	switch {
	case u.ID == "":
		return &InvalidError{"user id", "is empty"}
	case len(u.ID) > maxUserID:
		return &InvalidError{"user id", "is longer than 512 bytes"}
	}
	return nil
}

// digest is what is stored of AuthHash, if there is one.
func (u User) digest() (has bool, d digest) {
	if u.AuthHash == "" {
		return false, digest{}
	}
	return true, authDigest(u.ID, u.AuthHash)
}

func (o *LoginOptions) validate() error {
	switch {
	case len(o.Device) > maxDevice:
		return &InvalidError{"device", "is longer than 256 bytes"}
	case len(o.IP) > maxIP:
		return &InvalidError{"ip", "is longer than 64 bytes"}
	case !validLimit(o.Idle):
		return &InvalidError{"idle", limitReason}
	case !validLimit(o.Absolute):
		return &InvalidError{"absolute", limitReason}
	}
	return nil
}

// describe fills in what the request says of the client.
func (s *scope) describe(o *LoginOptions) {
	if s.request == nil {
		return
	}
	if o.Device == "" {
		o.Device = printable(s.request.UserAgent(), maxDevice)
	}
	if o.IP == "" {
		o.IP = printable(s.m.opts.ClientIP(s.request), maxIP)
	}
}

// printable makes text from a client short and harmless.
func printable(text string, limit int) string {
	var b strings.Builder
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
