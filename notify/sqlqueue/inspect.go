package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

func (d *driver) SetPaused(ctx context.Context, queue string, paused bool) error {
	value := 0
	if paused {
		value = 1
	}
	err := d.write(ctx, "pause", func(tx *sql.Tx) error {
		_, err := d.Exec(ctx, tx, d.pause, queue, value)
		return err
	})
	return d.published(err)
}

func (d *driver) Replay(ctx context.Context, queue string, ids []string) (int, error) {
	now := sqldb.Micros(d.clock.now())
	n, err := d.change(ctx, "replay", `UPDATE notify_jobs SET run_at = ?, due = ?, crashes = 0,
		attempt = CASE state WHEN 3 THEN 0 ELSE attempt END, expires_at = CASE state WHEN 3 THEN 0 ELSE expires_at END, state = 1
		WHERE state IN (0, 3)`, []any{now, now}, queue, ids)
	return n, d.published(err)
}

func (d *driver) Delete(ctx context.Context, queue string, ids []string) (int, error) {
	n, err := d.change(ctx, "delete", "DELETE FROM notify_jobs WHERE state <> 2", nil, queue, ids)
	return n, d.published(err) // one behind it in line may go
}

// change runs a statement on jobs by ID and returns how many it changed.
func (d *driver) change(ctx context.Context, operation, statement string, args []any, queue string, ids []string) (int, error) {
	total := 0
	err := d.write(ctx, operation, func(tx *sql.Tx) error {
		total = 0
		for chunk := range slices.Chunk(ids, 500) {
			all := append(slices.Clone(args), queue)
			for _, id := range chunk {
				all = append(all, id)
			}
			n, err := d.Exec(ctx, tx, statement+" AND queue = ? AND id IN ("+sqldb.Placeholders(len(chunk), "?")+")", all...)
			if err != nil {
				return err
			}
			total += int(n)
		}
		return nil
	})
	return total, err
}

func (d *driver) List(ctx context.Context, f notify.Filter) ([]*notify.Record, error) {
	now := d.clock.now()
	where := []string{"1 = 1"}
	var args []any
	and := func(condition string, values ...any) {
		where = append(where, "("+condition+")")
		args = append(args, values...)
	}
	if f.Queue != "" {
		and("queue = ?", f.Queue)
	}
	if f.Kind != "" {
		and("kind = ?", f.Kind)
	}
	if f.ID != "" {
		and("id = ?", f.ID)
	}
	switch f.State {
	case notify.Scheduled:
		and("state = ? AND run_at > ? AND attempt = 0", scheduled, sqldb.Micros(now))
	case notify.Retrying:
		and("state = ? AND run_at > ? AND attempt > 0", scheduled, sqldb.Micros(now))
	case notify.Available:
		and("state = ? OR state = ? AND run_at <= ?", available, scheduled, sqldb.Micros(now))
	case notify.Running:
		and("state = ?", running)
	case notify.Dead:
		and("state = ?", dead)
	}
	found, err := d.Query(ctx, d.db, "SELECT "+columns+" FROM notify_jobs WHERE "+strings.Join(where, " AND ")+
		" ORDER BY run_at DESC, id DESC LIMIT ? OFFSET ?", append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: list: %w", err)
	}
	rows, err := scan(found)
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: list: %w", err)
	}
	records := make([]*notify.Record, len(rows))
	for i, r := range rows {
		envelope, err := r.envelope(&d.clock)
		if err != nil {
			envelope.Failure = &notify.Failure{Reason: notify.Unreadable, Error: err.Error()}
		}
		records[i] = &notify.Record{Envelope: envelope, State: r.seen(now)}
		if r.state == running {
			records[i].LeaseUntil = d.clock.here(sqldb.FromMicros(r.due))
		}
	}
	return records, nil
}

func (d *driver) Stats(ctx context.Context) ([]notify.QueueStats, error) {
	if err := d.writeCounts(ctx); err != nil {
		return nil, err
	}
	now := d.clock.now()
	queues := make(map[string]*notify.QueueStats)
	get := func(name string) *notify.QueueStats {
		if queues[name] == nil {
			queues[name] = &notify.QueueStats{Queue: name, Counts: make(map[notify.State]int)}
		}
		return queues[name]
	}
	err := d.each(ctx, func(rows *sql.Rows) error {
		var r row
		var n int
		if err := rows.Scan(&r.queue, &r.state, &r.attempt, &r.runAt, &n, &r.due); err != nil {
			return err
		}
		s, state := get(r.queue), r.seen(now)
		s.Counts[state] += n
		if oldest := d.clock.here(sqldb.FromMicros(r.due)); state == notify.Available && (s.Oldest.IsZero() || oldest.Before(s.Oldest)) {
			s.Oldest = oldest
		}
		return nil
	}, fmt.Sprintf(`SELECT queue, state, CASE WHEN attempt > 0 THEN 1 ELSE 0 END AS tried,
		CASE WHEN run_at > %[1]d THEN %[1]d + 1 ELSE %[1]d END AS future, COUNT(*), MIN(run_at)
		FROM notify_jobs GROUP BY queue, state, tried, future`, sqldb.Micros(now)))
	if err != nil {
		return nil, err
	}
	err = d.each(ctx, func(rows *sql.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		get(name).Paused = true
		return nil
	}, "SELECT name FROM notify_queues WHERE paused <> 0")
	if err != nil {
		return nil, err
	}
	err = d.each(ctx, func(rows *sql.Rows) error {
		var name string
		var minute int64
		var m notify.MinuteStats
		if err := rows.Scan(&name, &minute, &m.Handled, &m.Failed); err != nil {
			return err
		}
		m.Start = sqldb.FromMicros(minute)
		s := get(name)
		s.Minutes = append(s.Minutes, m)
		return nil
	}, "SELECT queue, minute, handled, failed FROM notify_minutes WHERE minute >= ? ORDER BY minute", sqldb.Micros(now.Add(-keptMinutes*time.Minute)))
	if err != nil {
		return nil, err
	}
	all := make([]notify.QueueStats, 0, len(queues))
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		all = append(all, *queues[name])
	}
	return all, nil
}

func (d *driver) each(ctx context.Context, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := d.Query(ctx, d.db, query, args...)
	if err != nil {
		return fmt.Errorf("sqlqueue: stats: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return fmt.Errorf("sqlqueue: stats: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("sqlqueue: stats: %w", err)
	}
	return nil
}
