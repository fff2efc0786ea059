package redisqueue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify"
)

// listed bounds how many jobs of one state and priority List looks at, unless it looks for one by ID.
const listed = 10_000

func (d *driver) List(ctx context.Context, f notify.Filter) ([]*notify.Record, error) {
	names := []string{f.Queue}
	if f.Queue == "" {
		var err error
		if names, err = d.names(ctx); err != nil {
			return nil, err
		}
	}
	l := listing{driver: d, filter: f, now: d.options.Now()}
	for _, name := range names {
		q, err := d.queue(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := l.add(ctx, q); err != nil {
			return nil, fail(ctx, "list", err)
		}
	}
	l.trim()
	return l.found[min(f.Offset, len(l.found)):], nil
}

// listing gathers the records that match and keeps the newest.
type listing struct {
	*driver
	filter notify.Filter
	now    time.Time
	found  []*notify.Record
}

func (l *listing) add(ctx context.Context, q *queue) error {
	if l.wants(notify.Available, notify.Running) {
		for level := range levels {
			if err := l.addStream(ctx, q, level); err != nil {
				return err
			}
		}
	}
	for _, set := range []struct {
		key   string
		state notify.State
	}{{q.scheduled(), notify.Scheduled}, {q.retrying(), notify.Retrying}, {q.dead(), notify.Dead}} {
		if !l.wants(set.state) && (set.state == notify.Dead || !l.wants(notify.Available)) {
			continue
		}
		if err := l.addSet(ctx, q, set.key, set.state); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) wants(states ...notify.State) bool {
	return l.filter.State == "" || slices.Contains(states, l.filter.State)
}

// offer takes a record that matches the filter.
func (l *listing) offer(q *queue, state notify.State, id, body string, until time.Time) {
	if l.filter.ID != "" && l.filter.ID != id {
		return
	}
	e, err := decode(q.name, id, body)
	if err != nil {
		e.Failure = &notify.Failure{Reason: notify.Unreadable, Error: err.Error()}
	}
	if (state == notify.Scheduled || state == notify.Retrying) && !e.RunAt.After(l.now) {
		state = notify.Available
	}
	if !l.wants(state) || l.filter.Kind != "" && l.filter.Kind != e.Kind {
		return
	}
	l.found = append(l.found, &notify.Record{Envelope: e, State: state, LeaseUntil: until})
	if len(l.found) >= 2*(l.filter.Offset+l.filter.Limit)+page {
		l.trim()
	}
}

func (l *listing) trim() {
	slices.SortFunc(l.found, func(a, b *notify.Record) int {
		if c := b.RunAt.Compare(a.RunAt); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	keep := min(len(l.found), l.filter.Offset+l.filter.Limit)
	clear(l.found[keep:])
	l.found = l.found[:keep]
}

func (l *listing) addStream(ctx context.Context, q *queue, level int) error {
	leases, err := l.leases(ctx, q.stream(level))
	if err != nil {
		return err
	}
	seen := 0
	return l.walk(ctx, q.stream(level), func(entries []redis.XMessage) (bool, error) {
		for _, m := range entries {
			id := jobID(m)
			body, _ := m.Values["b"].(string)
			state := notify.Available
			until, leased := leases[m.ID]
			if leased {
				state = notify.Running
			}
			l.offer(q, state, id, body, until)
		}
		seen += len(entries)
		return seen < listed || l.filter.ID != "", nil
	})
}

// leases returns when the leases on a stream's entries end.
func (l *listing) leases(ctx context.Context, stream string) (map[string]time.Time, error) {
	ends := make(map[string]time.Time)
	for from := "-"; ; {
		pending, err := l.rdb.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: stream, Group: group, Start: from, End: "+", Count: page}).Result()
		if err != nil {
			if strings.HasPrefix(err.Error(), "NOGROUP") {
				return ends, nil // nobody has fetched yet
			}
			return nil, err
		}
		for _, p := range pending {
			_, lease, _ := strings.Cut(p.Consumer, ":")
			millis, _ := strconv.ParseInt(lease, 10, 64)
			ends[p.ID] = l.now.Add(time.Duration(millis)*time.Millisecond - p.Idle)
		}
		if len(pending) < page {
			return ends, nil
		}
		from = "(" + pending[len(pending)-1].ID
	}
}

func (l *listing) addSet(ctx context.Context, q *queue, key string, state notify.State) error {
	if l.filter.ID != "" {
		return l.addByID(ctx, q, key, state)
	}
	for seen := 0; seen < listed; seen += page {
		ids, err := l.rdb.ZRevRange(ctx, key, int64(seen), int64(seen+page-1)).Result()
		if err != nil || len(ids) == 0 {
			return err
		}
		stored, err := l.rdb.HMGet(ctx, q.bodies(), ids...).Result()
		if err != nil {
			return err
		}
		for i, value := range stored {
			if text, ok := value.(string); ok && text != "" { // else moved meanwhile
				l.offer(q, state, ids[i], text[1:], time.Time{})
			}
		}
	}
	return nil
}

func (l *listing) addByID(ctx context.Context, q *queue, key string, state notify.State) error {
	err := l.rdb.ZScore(ctx, key, l.filter.ID).Err()
	var text string
	if err == nil {
		text, err = l.rdb.HGet(ctx, q.bodies(), l.filter.ID).Result()
	}
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if text != "" {
		l.offer(q, state, l.filter.ID, text[1:], time.Time{})
	}
	return err
}
