package memqueue

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// value is one shared value.
type value struct {
	data    []byte
	version int64
	until   time.Time
}

func (d *driver) LoadState(_ context.Context, keys []string) ([]notify.StateEntry, error) {
	d.stateMu.Lock()
	defer d.stateMu.Unlock()
	now := d.now()
	var entries []notify.StateEntry
	for _, key := range keys {
		if v := d.present(key, now); v != nil {
			entries = append(entries, notify.StateEntry{Key: key, Value: bytes.Clone(v.data), Version: v.version})
		}
	}
	return entries, nil
}

func (d *driver) SwapState(_ context.Context, changes []notify.StateChange) ([]bool, error) {
	d.stateMu.Lock()
	defer d.stateMu.Unlock()
	now := d.now()
	d.forgetState(now)
	done := make([]bool, len(changes))
	for i, c := range changes {
		version := int64(0)
		if v := d.present(c.Key, now); v != nil {
			version = v.version
		}
		if c.Version != version && c.Version != notify.AnyVersion {
			continue
		}
		done[i] = true
		if c.Value == nil {
			delete(d.state, c.Key)
			continue
		}
		d.stateSeq++
		d.state[c.Key] = &value{bytes.Clone(c.Value), d.stateSeq, now.Add(c.TTL)}
	}
	return done, nil
}

func (d *driver) ScanState(_ context.Context, prefix, after string, limit int) ([]notify.StateEntry, error) {
	d.stateMu.Lock()
	defer d.stateMu.Unlock()
	now := d.now()
	var keys []string
	for key := range d.state {
		if strings.HasPrefix(key, prefix) && key > after && d.present(key, now) != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	entries := make([]notify.StateEntry, 0, min(limit, len(keys)))
	for _, key := range keys[:min(limit, len(keys))] {
		v := d.state[key]
		entries = append(entries, notify.StateEntry{Key: key, Value: bytes.Clone(v.data), Version: v.version})
	}
	return entries, nil
}

func (d *driver) present(key string, now time.Time) *value {
	if v := d.state[key]; v != nil && now.Before(v.until) {
		return v
	}
	return nil
}

// forgetState drops what has ended whenever the map has doubled since the last time.
func (d *driver) forgetState(now time.Time) {
	if len(d.state) < max(d.stateSweep, 1024) {
		return
	}
	for key, v := range d.state {
		if !now.Before(v.until) {
			delete(d.state, key)
		}
	}
	d.stateSweep = 2 * len(d.state)
}
