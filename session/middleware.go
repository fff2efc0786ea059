package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Middleware gives each request its session. The ResponseWriter it passes on
// keeps Flush, Hijack, io.ReaderFrom and what http.ResponseController finds.
// The log of changes is saved just before the first byte goes out; if next
// panics before that, nothing of it is saved, and the panic passes through.
func (m *Manager) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := m.scopeOf(r.Context()); err == nil {
			next.ServeHTTP(w, r) // an outer Middleware has it
			return
		}
		v := &visit{Context: r.Context(), scope: scope{m: m, header: w.Header(), outage: m.opts.Outage}}
		v.scope.readToken(r)
		r = r.WithContext(v)
		v.scope.request = r
		v.response.ResponseWriter, v.response.scope = w, &v.scope
		next.ServeHTTP(v.response.asUnderlying(), r)
		_ = v.response.begin() // an error has been answered
	})
}

// visit is what Middleware keeps of a request, in one piece of memory, and the
// request's context.
type visit struct {
	context.Context
	scope    scope
	response response
}

// Value finds the scope.
func (v *visit) Value(key any) any {
	if k, ok := key.(scopeKey); ok && k.m == v.scope.m {
		return &v.scope
	}
	return v.Context.Value(key)
}

// readToken takes the token out of the header for it, or the cookie.
func (s *scope) readToken(r *http.Request) {
	name := s.m.opts.TokenHeader
	sent := r.Header[name]
	if s.byHeader = name != "" && len(sent) > 0; !s.byHeader {
		s.token, s.hasToken = s.m.opts.Cookie.fromRequest(r)
		return
	}
	if t, err := parseToken(sent[0]); err == nil && len(sent) == 1 {
		s.token, s.hasToken = t, true
	}
}

// WithOutage is another OutagePolicy for the requests of next: a page that shows a
// name may go on without, one that takes money may not. Put it inside Middleware.
func (m *Manager) WithOutage(policy OutagePolicy, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, err := m.lock(r.Context()); err == nil {
			s.outage = policy
			s.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// answerError is the default Options.ErrorHandler.
func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	code := http.StatusInternalServerError
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrConflict) {
		code = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(code), code)
}

// settle saves before the response begins, and returns the error that is to be
// answered instead of what the handler wrote.
func (s *scope) settle(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.begun = true }()
	err := s.loadErr
	if err == nil {
		err = s.commit(ctx)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrEnded), errors.Is(err, ErrRenewed):
		s.log(ctx, slog.LevelInfo, "changes were dropped", err)
		return nil
	case s.outage == Anonymous && errors.Is(err, ErrUnavailable):
		s.log(ctx, slog.LevelWarn, "going on without the session", err)
		return nil
	}
	s.log(ctx, slog.LevelError, "commit failed", err)
	return err
}
