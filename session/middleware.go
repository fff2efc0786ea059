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
		s := &scope{m: m, header: w.Header()}
		s.token, s.hasToken = m.opts.Cookie.fromRequest(r)
		r = r.WithContext(context.WithValue(r.Context(), scopeKey{m}, s))
		s.request = r
		writer := &response{ResponseWriter: w, scope: s}
		next.ServeHTTP(writer.asUnderlying(), r)
		writer.begin()
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
	case s.m.opts.Outage == Anonymous && errors.Is(err, ErrUnavailable):
		s.log(ctx, slog.LevelWarn, "going on without the session", err)
		return nil
	}
	s.log(ctx, slog.LevelError, "commit failed", err)
	return err
}
