package session

import (
	"bytes"
	"context"
	"time"
)

// Record is one stored session, as a driver sees it.
type Record struct {
	// ID is the public id: 1 to 64 bytes of [A-Za-z0-9_-]. It is not secret.
	ID string
	// UserID is the user who is logged in, any bytes, or empty.
	UserID string
	// Version counts the saves of a record; Create stores 1.
	Version int64
	// Seen is when the session was last used, to the microsecond.
	Seen time.Time
	// Idle is how long after Seen the session ends; 0 means it does not idle out.
	Idle time.Duration
	// Deadline is when the session ends whatever happens, to the microsecond.
	Deadline time.Time
	// Data is opaque to the driver.
	Data []byte
}

// Expires is when the session ends unless it is used again.
func (r *Record) Expires() time.Time {
	if r.Idle > 0 {
		if idle := r.Seen.Add(r.Idle); idle.Before(r.Deadline) {
			return idle
		}
	}
	return r.Deadline
}

// Driver stores records. Implementations are safe for concurrent use, keep no
// slice they were given or returned, and are linearizable per record: what one
// call acknowledged, the next call on any instance sees.
//
// Drivers need no clock: the Manager never uses a record past Expires, so a
// driver may forget such a record at any time, and may also still return it.
// Errors other than those named are taken for an outage of the store.
//
// A driver may also implement TouchLoader, BatchLoader, UserLister, UserDeleter, Sweeper
// and io.Closer.
type Driver interface {
	// Load returns a record, or an error that wraps ErrNotFound.
	Load(ctx context.Context, id string) (Record, error)
	// Create stores a new record with version 1, or returns an error that
	// wraps ErrExists.
	Create(ctx context.Context, r Record) error
	// Save replaces was by next, which has the same ID, if the stored version is
	// still was.Version, and stores was.Version+1 whatever next.Version says. The
	// error wraps ErrConflict if the version differs. A record that is gone is
	// never created again: the error wraps ErrNotFound. was.Data may be missing.
	Save(ctx context.Context, was, next Record) error
	// Touch stores r.Seen and the r.Expires that follows from it, if the stored
	// version is r.Version. It leaves everything else alone, the version too.
	// Errors are as of Save.
	Touch(ctx context.Context, r Record) error
	// Delete removes a record. It is not an error if there is none.
	Delete(ctx context.Context, id string) error
}

// TouchLoader is a Driver that can note the time of use in the round trip of a
// Load.
type TouchLoader interface {
	// LoadTouch is a Load, and a Touch with Seen t.Now if t.Wants the record found.
	// It returns the record as touched. It may leave the touch out.
	LoadTouch(ctx context.Context, id string, t Touch) (Record, error)
}

// Touch says when a read notes the time of use.
type Touch struct {
	Now time.Time
	// Min and Max bound how long after Seen a record is due again; in between it is
	// a tenth of its Idle, and Max if that is 0.
	Min, Max time.Duration
	// The Data must have the bytes Match at Offset: only who holds a session's secret
	// keeps it alive.
	Offset int
	Match  []byte
}

// Due is when a record is due again.
func (t Touch) Due(r Record) time.Time {
	if r.Idle <= 0 {
		return r.Seen.Add(t.Max)
	}
	return r.Seen.Add(min(max(r.Idle/10, t.Min), t.Max))
}

// Wants reports whether a record is to be touched: it is due, has not expired, and
// holds Match.
func (t Touch) Wants(r Record) bool {
	return !t.Now.Before(t.Due(r)) && t.Now.Before(r.Expires()) &&
		t.Offset <= len(r.Data) && bytes.HasPrefix(r.Data[t.Offset:], t.Match)
}

// BatchLoader is a Driver that can load many records at once.
type BatchLoader interface {
	// LoadBatch returns the records there are, by id. One that cannot be read is
	// left out.
	LoadBatch(ctx context.Context, ids []string) (map[string]Record, error)
}

// UserLister is a Driver that can list the sessions of a user.
type UserLister interface {
	// ListUser returns up to limit records of a user, in any order; the most
	// recently seen ones if there are more.
	ListUser(ctx context.Context, userID string, limit int) ([]Record, error)
}

// UserDeleter is a Driver that can end all sessions of a user.
type UserDeleter interface {
	// DeleteUser removes every record of a user but the one with the id keep
	// (empty: none is kept), and returns how many, perhaps with some that had expired. A
	// record that was stored with this user before the call began is not there when it
	// ends: nothing loads, lists or saves it from then on, whatever is left of it.
	DeleteUser(ctx context.Context, userID, keep string) (int, error)
}

// Sweeper is a Driver whose expired records do not vanish by themselves. The
// Manager calls it in the background.
type Sweeper interface {
	// Sweep removes up to limit records that expired before now, and returns how
	// many it removed.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
}
