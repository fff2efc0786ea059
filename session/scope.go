package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// scope is the session of one request (or of one Attach): what the client
// sent, what was loaded for it, and what is to be saved.
type scope struct {
	m       *Manager
	request *http.Request // nil after Attach
	header  http.Header   // of the response, nil after Attach

	mu        sync.Mutex
	outage    OutagePolicy
	byHeader  bool // the client sends its token in a header, and wants it there
	token     token
	given     digest // of the token's secret, once it was asked for
	hasToken  bool
	loaded    bool
	loadErr   error    // why loading failed; an outage is not asked for again
	current   *session // nil: none yet, or none any more
	previous  bool     // the token is the one before the last renewal: read only
	ended     bool     // there was a session, and others have ended it
	changes   []change // not saved yet
	begun     bool     // the response has begun
	authKnown bool     // the auth hash was checked
}

// change is one entry of the log of changes: set key, delete key (raw nil), or
// clear all (key empty).
type change struct {
	key string
	raw []byte
}

func (c change) apply(values map[string][]byte) {
	switch {
	case c.key == "":
		clear(values)
	case c.raw == nil:
		delete(values, c.key)
	default:
		values[c.key] = c.raw
	}
}

type scopeKey struct{ m *Manager }

// scopeOf finds the scope Middleware or Attach left.
func (m *Manager) scopeOf(ctx context.Context) (*scope, error) {
	s, ok := ctx.Value(scopeKey{m}).(*scope)
	if !ok {
		return nil, ErrNoSession
	}
	return s, nil
}

// lock finds the scope and locks it; the caller unlocks s.mu.
func (m *Manager) lock(ctx context.Context) (*scope, error) {
	s, err := m.scopeOf(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	return s, nil
}

// lockOpen is lock for what changes the token, which the client learns by a header:
// ErrCommitted once the response has begun.
func (m *Manager) lockOpen(ctx context.Context) (*scope, error) {
	s, err := m.lock(ctx)
	if err == nil && s.begun {
		s.mu.Unlock()
		return nil, ErrCommitted
	}
	return s, err
}

// Attach returns a context with the session of a token, for clients that do not
// come by Middleware: a token in a header, a websocket, a test. An empty or
// malformed token means a new session. Commit saves it.
func (m *Manager) Attach(ctx context.Context, tokenText string) context.Context {
	s := &scope{m: m}
	if t, err := parseToken(tokenText); err == nil {
		s.token, s.hasToken = t, true
	}
	return context.WithValue(ctx, scopeKey{m}, s)
}

// Commit saves the changes made by Put, Delete and Clear. Middleware does it by
// itself before the first byte of a response.
func (m *Manager) Commit(ctx context.Context) error {
	s, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.commit(ctx)
}

// Token returns the token the client needs from now on, "" if there is no
// session. It is a secret: put it where only the client sees it.
func (m *Manager) Token(ctx context.Context) (string, error) {
	s, err := m.lock(ctx)
	if err != nil {
		return "", err
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil || s.current == nil {
		return "", err
	}
	return s.token.String(), nil
}

// Cookie returns the cookie that gives a client the session of the context,
// for answers that do not come by Middleware. ErrNotFound if there is no session.
func (m *Manager) Cookie(ctx context.Context) (*http.Cookie, error) {
	s, err := m.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	if s.current == nil {
		return nil, ErrNotFound
	}
	return s.cookie(), nil
}

// load fetches the session once. Only an outage is an error: a token that is
// unknown, forged, expired or unreadable means that there is no session. The
// caller holds s.mu, as for all methods below.
func (s *scope) load(ctx context.Context) error {
	if s.loaded {
		return s.loadErr
	}
	if s.header != nil && !s.begun {
		vary(s.header, "Cookie")
		if name := s.m.opts.TokenHeader; name != "" {
			vary(s.header, name)
		}
	}
	if !s.hasToken {
		s.loaded = true
		return nil
	}
	s.loadErr = nil
	s.given = s.token.digest()
	touch := s.m.touch(s.given[:])
	found, previous, err := s.m.load(ctx, s.token.id, s.given, touch, true)
	switch {
	case ctx.Err() != nil && err != nil:
		s.loadErr = err // the caller gave up: another may try again
		return err
	case err == nil:
		s.current, s.previous = found, previous
		s.seePrevious()
		s.touch(ctx, touch)
	case errors.Is(err, ErrNotFound):
	case errors.Is(err, ErrCorrupt):
		s.m.opts.Logger.WarnContext(ctx, "session: unreadable, taken for absent", "id", s.token.id, "error", err)
	default:
		s.loadErr = err
		s.m.opts.Logger.ErrorContext(ctx, "session: load failed", "error", err)
	}
	s.loaded = true
	return s.loadErr
}

// seePrevious hides from a token before the last renewal what it may not see.
func (s *scope) seePrevious() {
	if !s.previous {
		return
	}
	if !s.current.content.previousSees {
		s.current = nil
		return
	}
	s.current = s.current.clone()
	s.current.content.authenticated = time.Time{} // never fresh
}

// touch stores the time of use, at most every TouchEvery, unless the load did.
func (s *scope) touch(ctx context.Context, touch Touch) {
	if s.current == nil {
		return
	}
	record := s.current.record
	if touch.Now.Before(touch.Due(record)) {
		return
	}
	record.Seen = touch.Now
	switch err := s.m.driver.Touch(ctx, record); {
	case err == nil:
		touched := *s.current
		touched.record = record
		s.current = &touched
	case errors.Is(err, ErrNotFound):
		s.current, s.ended = nil, true
	case errors.Is(err, ErrConflict): // somebody saved, and so touched, meanwhile
	default:
		s.m.opts.Logger.WarnContext(ctx, "session: touch failed", "id", record.ID, "error", err)
	}
}

// writable reports why the session cannot be written to, if so.
func (s *scope) writable() error {
	switch {
	case s.ended:
		return ErrEnded
	case s.previous:
		return ErrRenewed
	}
	return nil
}

// setCookie gives the client the token of the current session.
func (s *scope) setCookie() {
	if s.header == nil || s.begun {
		return
	}
	if s.byHeader {
		s.header.Set(s.m.opts.TokenHeader, s.token.String())
		s.header.Set("Cache-Control", "no-store")
		return
	}
	setCookie(s.header, s.cookie())
}

func (s *scope) cookie() *http.Cookie {
	cookie := s.m.opts.Cookie.cookie(s.token.String(), s.overTLS())
	if s.current.content.remember {
		persistent(cookie, s.current.record.Deadline.Sub(s.m.now()))
	}
	return cookie
}

func (s *scope) overTLS() bool { return s.request != nil && s.request.TLS != nil }

func (s *scope) clearCookie() {
	if s.header == nil || s.begun {
		return
	}
	if s.byHeader {
		s.header.Set(s.m.opts.TokenHeader, "")
		return
	}
	cookie := s.m.opts.Cookie.cookie("", s.overTLS())
	cookie.MaxAge = -1
	setCookie(s.header, cookie)
}

// forget makes this request go on without a session.
func (s *scope) forget() {
	s.current, s.hasToken, s.token, s.previous, s.changes = nil, false, token{}, false, nil
	s.loaded, s.loadErr, s.authKnown = true, nil, false
	s.clearCookie()
}

func (s *scope) log(ctx context.Context, level slog.Level, message string, err error) {
	s.m.opts.Logger.Log(ctx, level, "session: "+message, "error", err)
}
