package session

import (
	"context"
	"errors"
	"log/slog"
)

// Prefetch returns a context for each token, as Attach does, with its session
// loaded already: many sessions in few round trips, for hubs of websockets and for
// jobs. A token that is malformed, unknown or expired has no session, as ever. It
// does not count as a use: the time each was last seen stays.
func (m *Manager) Prefetch(ctx context.Context, tokens []string) (attached []context.Context, err error) {
	ctx, end := m.start(ctx, "prefetch")
	defer func() { end(err, slog.Int("sessions", len(tokens))) }()
	scopes := make([]*scope, len(tokens))
	var ids []string
	for i, text := range tokens {
		scopes[i] = &scope{m: m, loaded: true}
		if t, err := parseToken(text); err == nil {
			scopes[i].token, scopes[i].hasToken = t, true
			ids = append(ids, t.id)
		}
	}
	records, err := m.loadBatch(ctx, ids)
	if err != nil {
		return nil, driverError("prefetch", err)
	}
	now := m.now()
	attached = make([]context.Context, len(tokens))
	for i, s := range scopes {
		if r, ok := records[s.token.id]; ok && s.hasToken {
			if s.current, s.previous, err = m.admit(r, s.token.digest(), now); err == nil {
				s.seePrevious()
			}
		}
		attached[i] = context.WithValue(ctx, scopeKey{m}, s)
	}
	return attached, nil
}

func (m *Manager) loadBatch(ctx context.Context, ids []string) (map[string]Record, error) {
	if loader, ok := m.driver.(BatchLoader); ok {
		return loader.LoadBatch(ctx, ids)
	}
	records := make(map[string]Record, len(ids))
	for _, id := range ids {
		switch r, err := m.driver.Load(ctx, id); {
		case err == nil:
			records[id] = r
		case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt):
			return nil, err
		}
	}
	return records, nil
}
