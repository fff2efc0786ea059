package session

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Flash is a message for the next page the user sees.
type Flash struct {
	Kind string `json:"kind"` // the host's own, such as "info" or "error"
	Text string `json:"text"`
}

// flashPrefix begins the keys of flash messages. Each has a key of its own, so
// that requests that add one at the same time do not meet.
const flashPrefix = "flash\x00"

// AddFlash leaves a message for the next page, as Put sets a value.
func (m *Manager) AddFlash(ctx context.Context, f Flash) error {
	key := fmt.Sprintf("%s%020d%s", flashPrefix, m.now().UnixMicro(), randomText(6))
	return m.Put(ctx, key, f)
}

// Flashes returns the messages in the order they were left, and removes them. It
// returns none if the session cannot be loaded, as Get does.
func (m *Manager) Flashes(ctx context.Context) []Flash {
	s, err := m.lock(ctx)
	if err != nil {
		return nil
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil || s.begun || s.writable() != nil {
		return nil // what cannot be removed is shown by the next request
	}
	values := make(map[string][]byte)
	if s.current != nil {
		for key, raw := range s.current.content.all() {
			values[key] = raw
		}
	}
	for _, c := range s.changes {
		c.apply(values)
	}
	var keys []string
	for key := range values {
		if strings.HasPrefix(key, flashPrefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var list []Flash
	for _, key := range keys {
		s.changes = append(s.changes, change{key: key})
		var f Flash
		if json.Unmarshal(values[key], &f) == nil {
			list = append(list, f)
		}
	}
	return list
}
