package session

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Put sets a value of the session. It is saved just before the first byte of
// the response, and applied again if another request saved meanwhile. After
// that byte it returns ErrCommitted, and logs, and nothing is stored: use
// Update there. A bad key or value gives an *InvalidError.
func (m *Manager) Put(ctx context.Context, key string, value any) error {
	raw, err := encodeValue(key, value)
	if err != nil {
		return err
	}
	return m.record(ctx, change{key: key, raw: raw})
}

// Delete removes a value, as Put sets one.
func (m *Manager) Delete(ctx context.Context, key string) error {
	if key == "" {
		return &InvalidError{"key", "is empty"}
	}
	return m.record(ctx, change{key: key})
}

// Clear removes all values, as Put sets one. The user stays logged in.
func (m *Manager) Clear(ctx context.Context) error { return m.record(ctx, change{}) }

func (m *Manager) record(ctx context.Context, c change) error {
	s, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.begun {
		s.log(ctx, slog.LevelError, "a value was changed after the response had begun", ErrCommitted)
		return ErrCommitted
	}
	if err := s.writable(); err != nil {
		return err
	}
	s.changes = append(s.changes, c)
	return nil
}

// Update changes values by compare-and-set and saves them at once: fn gets the
// stored values with this request's own changes on top. If another request
// saved meanwhile, fn runs again on what that one wrote, so that no write is
// ever lost; it must have no effects but on its argument. If fn returns an
// error, that is returned and nothing is saved.
//
// Errors: ErrConflict after Options.MaxAttempts, ErrEnded if the session was
// ended meanwhile, ErrRenewed if its token was, ErrCommitted if there is no
// session yet and the response has begun, ErrUnavailable, *InvalidError.
func (m *Manager) Update(ctx context.Context, fn func(*Values) error) error {
	s, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.save(ctx, "update", func(next *session) error {
		values := Values{raw: next.content.values}
		if err := fn(&values); err != nil {
			return err
		}
		return values.err
	})
}

// Decode stores a value in what target points to, as json.Unmarshal does. The
// error wraps ErrNotFound if there is no such value, and is an *InvalidError if
// it is of another type.
func (m *Manager) Decode(ctx context.Context, key string, target any) error {
	s, err := m.scopeOf(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	raw, err := s.value(ctx, key)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return decodeValue(key, raw, target)
}

func (s *scope) value(ctx context.Context, key string) ([]byte, error) {
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	for i := len(s.changes) - 1; i >= 0; i-- {
		if c := s.changes[i]; c.key == key || c.key == "" {
			if c.raw == nil {
				return nil, errNoValue
			}
			return c.raw, nil
		}
	}
	if s.current != nil {
		if raw, ok := s.current.content.values[key]; ok {
			return raw, nil
		}
	}
	return nil, errNoValue
}

// Get returns a value of type T. ok is false if there is none, if it is of
// another type, or if the session cannot be loaded: then the answer of the
// handler is replaced as Options.Outage says. Manager.Decode tells these apart.
func Get[T any](ctx context.Context, m *Manager, key string) (value T, ok bool) {
	err := m.Decode(ctx, key, &value)
	if err == nil {
		return value, true
	}
	if errors.Is(err, ErrNoSession) || errors.Is(err, ErrInvalid) {
		m.opts.Logger.WarnContext(ctx, "session: get failed", "key", key, "error", err)
	}
	var zero T
	return zero, false
}

// Pop returns a value as Get does and removes it, as Delete does: for messages
// that are shown once.
func Pop[T any](ctx context.Context, m *Manager, key string) (value T, ok bool) {
	value, ok = Get[T](ctx, m, key)
	if ok {
		ok = m.Delete(ctx, key) == nil
	}
	return value, ok
}

// Has reports whether there is a value.
func (m *Manager) Has(ctx context.Context, key string) bool {
	s, err := m.lock(ctx)
	if err != nil {
		return false
	}
	defer s.mu.Unlock()
	_, err = s.value(ctx, key)
	return err == nil
}

// GetString returns a value, or "" where Get is not ok. So do the other getters
// with their zero values.
func (m *Manager) GetString(ctx context.Context, key string) string {
	v, _ := Get[string](ctx, m, key)
	return v
}

// GetInt returns an int value, or 0.
func (m *Manager) GetInt(ctx context.Context, key string) int {
	v, _ := Get[int](ctx, m, key)
	return v
}

// GetInt64 returns an int64 value, or 0.
func (m *Manager) GetInt64(ctx context.Context, key string) int64 {
	v, _ := Get[int64](ctx, m, key)
	return v
}

// GetFloat returns a float64 value, or 0.
func (m *Manager) GetFloat(ctx context.Context, key string) float64 {
	v, _ := Get[float64](ctx, m, key)
	return v
}

// GetBool returns a bool value, or false.
func (m *Manager) GetBool(ctx context.Context, key string) bool {
	v, _ := Get[bool](ctx, m, key)
	return v
}

// GetBytes returns a []byte value, or nil.
func (m *Manager) GetBytes(ctx context.Context, key string) []byte {
	v, _ := Get[[]byte](ctx, m, key)
	return v
}

// GetTime returns a time value, or the zero time.
func (m *Manager) GetTime(ctx context.Context, key string) time.Time {
	v, _ := Get[time.Time](ctx, m, key)
	return v
}
