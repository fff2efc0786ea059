package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

func (d *driver) LoadState(ctx context.Context, keys []string) ([]notify.StateEntry, error) {
	if _, err := d.look(); err != nil {
		return nil, err
	}
	var all []notify.StateEntry
	for chunk := range slices.Chunk(keys, 500) {
		args := make([]any, 0, len(chunk)+1)
		for _, key := range chunk {
			args = append(args, key)
		}
		rows, err := d.Query(ctx, d.db, "SELECT name, value, version FROM notify_state WHERE name IN ("+
			sqldb.Placeholders(len(chunk), "?")+") AND until > ?", append(args, sqldb.Micros(d.clock.now()))...)
		if err != nil {
			return nil, fmt.Errorf("sqlqueue: load state: %w", err)
		}
		entries, err := scanState(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

func (d *driver) ScanState(ctx context.Context, prefix, after string, limit int) ([]notify.StateEntry, error) {
	if _, err := d.look(); err != nil {
		return nil, err
	}
	// The prefix ends with a slash, and "0" is the byte that follows a slash.
	end := prefix[:len(prefix)-1] + "0"
	rows, err := d.Query(ctx, d.db, "SELECT name, value, version FROM notify_state WHERE name > ? AND name < ? AND until > ? ORDER BY name LIMIT ?",
		max(prefix, after), end, sqldb.Micros(d.clock.now()), limit)
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: scan state: %w", err)
	}
	return scanState(rows)
}

func scanState(rows *sql.Rows) ([]notify.StateEntry, error) {
	defer rows.Close()
	var all []notify.StateEntry
	for rows.Next() {
		var e notify.StateEntry
		if err := rows.Scan(&e.Key, &e.Value, &e.Version); err != nil {
			return nil, fmt.Errorf("sqlqueue: read state: %w", err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlqueue: read state: %w", err)
	}
	return all, nil
}

func (d *driver) SwapState(ctx context.Context, changes []notify.StateChange) ([]bool, error) {
	done := make([]bool, len(changes))
	err := d.write(ctx, "swap state", func(tx *sql.Tx) error {
		for i, c := range changes {
			var err error
			if done[i], err = d.swap(ctx, tx, c); err != nil {
				return err
			}
		}
		return d.sweepState(ctx, tx)
	})
	return done, err
}

func (d *driver) swap(ctx context.Context, tx *sql.Tx, c notify.StateChange) (bool, error) {
	now := d.clock.now()
	until := sqldb.Micros(now.Add(c.TTL))
	changed := func(n int64, err error) (bool, error) { return n > 0, err }
	switch {
	case c.Value == nil && c.Version == notify.AnyVersion:
		_, err := d.Exec(ctx, tx, "DELETE FROM notify_state WHERE name = ?", c.Key)
		return err == nil, err
	case c.Value == nil:
		return changed(d.Exec(ctx, tx, "DELETE FROM notify_state WHERE name = ? AND version = ? AND until > ?", c.Key, c.Version, sqldb.Micros(now)))
	case c.Version == notify.AnyVersion:
		_, err := d.Exec(ctx, tx, d.storeName, c.Key, c.Value, sqldb.Micros(now), until)
		return err == nil, err
	case c.Version == 0:
		// A version begins with the time, so that it is never one that a removed value had.
		done, err := changed(d.Exec(ctx, tx, d.insertName, c.Key, c.Value, sqldb.Micros(now), until))
		if done || err != nil {
			return done, err
		}
		return changed(d.Exec(ctx, tx, "UPDATE notify_state SET value = ?, version = version + 1, until = ? WHERE name = ? AND until <= ?",
			c.Value, until, c.Key, sqldb.Micros(now)))
	}
	return changed(d.Exec(ctx, tx, "UPDATE notify_state SET value = ?, version = version + 1, until = ? WHERE name = ? AND version = ? AND until > ?",
		c.Value, until, c.Key, c.Version, sqldb.Micros(now)))
}

// sweepState removes what has ended, at most once a minute.
func (d *driver) sweepState(ctx context.Context, tx *sql.Tx) error {
	if !d.due(&d.stateSwept, time.Minute) {
		return nil
	}
	_, err := d.Exec(ctx, tx, "DELETE FROM notify_state WHERE until <= ?", sqldb.Micros(d.clock.now()))
	return err
}

// due tells, at most once in a period, that it has passed.
func (d *driver) due(last *time.Time, period time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock.local()
	if now.Sub(*last) < period {
		return false
	}
	*last = now
	return true
}
