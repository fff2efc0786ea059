package redisqueue

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify"
)

func (d *driver) SetPaused(ctx context.Context, name string, paused bool) error {
	q, err := d.queue(ctx, name)
	if err != nil {
		return err
	}
	flag := 0
	if paused {
		flag = 1
	}
	if err := pauseScript.Run(ctx, d.rdb, q.keys, flag).Err(); err != nil {
		return fail(ctx, "pause", err)
	}
	return nil
}

func (d *driver) Replay(ctx context.Context, name string, ids []string) (int, error) {
	q, err := d.queue(ctx, name)
	if err != nil {
		return 0, err
	}
	total := 0
	for chunk := range slices.Chunk(ids, scriptJobs) {
		args, err := d.replays(ctx, q, chunk)
		if err != nil {
			return total, err
		}
		n, err := replayScript.Run(ctx, d.rdb, q.keys, args...).Int()
		if err != nil {
			return total, fail(ctx, "replay", err)
		}
		total += n
	}
	return total, nil
}

// replays builds the new forms of the jobs. The script takes them only for what was read here.
func (d *driver) replays(ctx context.Context, q *queue, ids []string) ([]any, error) {
	var stored *redis.SliceCmd
	dead := make([]*redis.FloatCmd, len(ids))
	_, err := d.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HMGet(ctx, q.bodies(), ids...)
		for i, id := range ids {
			dead[i] = p.ZScore(ctx, q.dead(), id)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fail(ctx, "replay", err)
	}
	args := []any{}
	for i, value := range stored.Val() {
		text, ok := value.(string)
		if !ok || text == "" {
			continue
		}
		body := []byte(text[1:])
		if e, err := decode(q.name, ids[i], text[1:]); err == nil {
			e.RunAt = d.options.Now().UTC()
			if dead[i].Err() == nil {
				e.Attempt, e.ExpiresAt = 0, time.Time{} // the operator wants it run
			}
			if body, err = e.MarshalBinary(); err != nil {
				return nil, err
			}
		}
		digest := sha1.Sum([]byte(text)) // what Redis can compute; it recognizes a change, nothing more
		args = append(args, ids[i], hex.EncodeToString(digest[:]), text[:1], body)
	}
	return args, nil
}

func (q *queue) scheduled() string { return q.keys[1] }
func (q *queue) retrying() string  { return q.keys[2] }
func (q *queue) dead() string      { return q.keys[3] }
func (q *queue) bodies() string    { return q.keys[4] }

func (d *driver) Delete(ctx context.Context, name string, ids []string) (int, error) {
	q, err := d.queue(ctx, name)
	if err != nil {
		return 0, err
	}
	total := 0
	for chunk := range slices.Chunk(ids, scriptJobs) {
		args := make([]any, len(chunk))
		for i, id := range chunk {
			args[i] = id
		}
		n, err := deleteScript.Run(ctx, d.rdb, q.keys, args...).Int()
		if err != nil {
			return total, fail(ctx, "delete", err)
		}
		total += n
	}
	if total == len(ids) {
		return total, nil
	}
	n, err := d.deleteDue(ctx, q, ids)
	return total + n, err
}

// deleteDue walks through the streams for jobs by ID.
func (d *driver) deleteDue(ctx context.Context, q *queue, ids []string) (int, error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	total := 0
	for level := range levels {
		err := d.walk(ctx, q.stream(level), func(page []redis.XMessage) (bool, error) {
			var args []any
			for _, m := range page {
				if wanted[jobID(m)] {
					args = append(args, level, m.ID)
				}
			}
			if len(args) == 0 {
				return true, nil
			}
			n, err := removeScript.Run(ctx, d.rdb, q.keys, args...).Int()
			total += n
			return total < len(ids), err
		})
		if err != nil {
			return total, fail(ctx, "delete", err)
		}
	}
	return total, nil
}

// page is how many entries are read at once.
const page = 500

// walk shows the entries of a stream, newest first, page by page until more says no.
func (d *driver) walk(ctx context.Context, stream string, more func([]redis.XMessage) (bool, error)) error {
	for from := "+"; ; {
		found, err := d.rdb.XRevRangeN(ctx, stream, from, "-", page).Result()
		if err != nil || len(found) == 0 {
			return err
		}
		if goOn, err := more(found); err != nil || !goOn || len(found) < page {
			return err
		}
		from = "(" + found[len(found)-1].ID
	}
}

// jobID is the ID of a job, and of one that cannot be read that of its entry or
// what was written beside it.
func jobID(m redis.XMessage) string {
	id, ok := m.Values["i"].(string)
	if !ok {
		id = m.ID
	}
	body, _ := m.Values["b"].(string)
	e, _ := decode("", id, body)
	return e.ID
}

func (d *driver) names(ctx context.Context) ([]string, error) {
	names, err := d.rdb.SMembers(ctx, d.prefix+"queues").Result()
	if err != nil {
		return nil, fail(ctx, "list queues", err)
	}
	slices.Sort(names)
	return names, nil
}

func (d *driver) Stats(ctx context.Context) ([]notify.QueueStats, error) {
	names, err := d.names(ctx)
	if err != nil {
		return nil, err
	}
	var all []notify.QueueStats
	for _, name := range names {
		q, err := d.queue(ctx, name)
		if err != nil {
			return nil, err
		}
		answer, err := statsScript.Run(ctx, d.rdb, q.keys).Slice()
		if err != nil {
			return nil, fail(ctx, "stats", err)
		}
		s, err := stats(name, answer)
		if err != nil {
			return nil, err
		}
		if s.Paused || len(s.Counts) > 0 || len(s.Minutes) > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

// keptMinutes is how far back the counts of minutes go.
const keptMinutes = 60

func stats(name string, answer []any) (notify.QueueStats, error) {
	s := notify.QueueStats{Queue: name, Counts: make(map[notify.State]int)}
	if len(answer) != 8 {
		return s, fmt.Errorf("redisqueue: stats: unexpected answer of %d parts", len(answer))
	}
	s.Paused = answer[0] == int64(1)
	for i, state := range []notify.State{notify.Available, notify.Running, notify.Scheduled, notify.Retrying, notify.Dead} {
		if n, _ := answer[i+1].(int64); n > 0 {
			s.Counts[state] = int(n)
		}
	}
	counts, _ := answer[6].([]any)
	s.Minutes = minutes(counts)
	bodies, _ := answer[7].([]any)
	for _, body := range bodies {
		text, _ := body.(string)
		if e, err := decode(name, "", text); err == nil && (s.Oldest.IsZero() || e.RunAt.Before(s.Oldest)) {
			s.Oldest = e.RunAt
		}
	}
	return s, nil
}

// minutes reads fields "h" or "f" and the minute, each followed by its count.
func minutes(fields []any) []notify.MinuteStats {
	found := make(map[int64]*notify.MinuteStats)
	var order []int64
	for ; len(fields) >= 2; fields = fields[2:] {
		field, _ := fields[0].(string)
		value, _ := fields[1].(string)
		if len(field) < 2 {
			continue
		}
		minute, _ := strconv.ParseInt(field[1:], 10, 64)
		n, _ := strconv.Atoi(value)
		start := time.Unix(60*minute, 0).UTC()
		if time.Since(start) > (keptMinutes+1)*time.Minute {
			continue
		}
		if found[minute] == nil {
			found[minute] = &notify.MinuteStats{Start: start}
			order = append(order, minute)
		}
		if field[0] == 'h' {
			found[minute].Handled += n
		} else {
			found[minute].Failed += n
		}
	}
	slices.Sort(order)
	all := make([]notify.MinuteStats, len(order))
	for i, minute := range order {
		all[i] = *found[minute]
	}
	return all[max(0, len(all)-keptMinutes):]
}
