package sqlqueue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// The states as stored. Available is entered by Publish, or by promotion when
// a scheduled job comes due, so that claiming never walks over jobs of the future.
const (
	scheduled = iota
	available
	running
	dead
)

type driver struct {
	db   *sql.DB
	now  func() time.Time
	poll time.Duration

	// writing serializes our writers: the database admits one at a time anyway,
	// and waiting here is fair and cheap where its busy handler sleeps.
	writing chan struct{}

	mu        sync.Mutex
	closed    bool
	changed   chan struct{} // closed and replaced when a waiting Fetch should look
	keysSwept time.Time     // when ended unique windows were last removed
}

func newDriver(db *sql.DB, now func() time.Time, poll time.Duration) *driver {
	return &driver{db: db, now: now, poll: poll, writing: make(chan struct{}, 1), changed: make(chan struct{})}
}

// receipt is what a lease is known by.
type receipt struct {
	seq, lease int64
}

func (d *driver) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.changed)
	d.changed = make(chan struct{})
}

// look returns the channel that tells of changes after now.
func (d *driver) look() (<-chan struct{}, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, notify.ErrClosed
	}
	return d.changed, nil
}

func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		close(d.changed)
		d.changed = make(chan struct{})
	}
	return nil
}

// write runs fn in a transaction, alone among our writers, again while the
// database is locked by somebody else. The first statement of fn must write:
// a transaction that began by reading could not get the lock any more.
func (d *driver) write(ctx context.Context, operation string, fn func(tx *sql.Tx) error) error {
	if _, err := d.look(); err != nil {
		return err
	}
	select {
	case d.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.writing }()
	err := patiently(ctx, func() error {
		tx, err := d.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
	if err != nil {
		return fmt.Errorf("sqlqueue: %s: %w", operation, err)
	}
	return nil
}

// patience bounds how long a locked database is tried.
const patience = 30 * time.Second

// patiently repeats fn while the database is locked.
func patiently(ctx context.Context, fn func() error) error {
	deadline := time.Now().Add(patience)
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := fn()
		if err == nil || !locked(err) || time.Now().After(deadline) {
			return err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// locked recognizes SQLITE_BUSY and SQLITE_LOCKED, by code or, for drivers without one, by text.
func locked(err error) bool {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		primary := coded.Code() & 0xff
		return primary == 5 || primary == 6
	}
	return err != nil && strings.Contains(err.Error(), "database is locked")
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}

// placeholders is n groups like "(?,?)", separated by commas.
func placeholders(n int, group string) string {
	return strings.TrimSuffix(strings.Repeat(group+",", n), ",")
}

func (d *driver) SerializesKeys() bool { return true }
