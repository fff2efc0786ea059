package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
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
	*dialect
	db       *sql.DB
	clock    clock
	log      *slog.Logger
	poll     time.Duration
	listener Listener // nil: none

	// writing serializes our writers where the database admits one at a time anyway:
	// waiting here is fair and cheap where its busy handler sleeps.
	writing chan struct{}

	bells    bells
	listen   sync.Once
	services sync.WaitGroup
	stop     context.CancelFunc // ends what runs in the background
	running  context.Context

	mu         sync.Mutex
	closed     bool
	changed    chan struct{}     // closed and replaced when a waiting Fetch should look
	deaf       bool              // the listener has lost its connection
	clockRead  time.Time         // when it was last looked at
	keysSwept  time.Time         // when ended unique windows were last removed
	stateSwept time.Time         // when ended shared values were
	counted    map[string]counts // not written yet
	written    time.Time         // when counts were last written
	promoted   map[string]time.Time
}

func newDriver(d *dialect, db *sql.DB, o *Options) *driver {
	base := o.Options.WithDefaults()
	v := &driver{
		dialect: d, db: db, log: base.Logger, poll: o.PollInterval, listener: o.Listener,
		writing: make(chan struct{}, 1), changed: make(chan struct{}), counted: make(map[string]counts), promoted: make(map[string]time.Time),
	}
	v.clock.local, v.clock.given = base.Now, o.Now != nil && !o.wrong
	v.running, v.stop = context.WithCancel(context.Background())
	v.bells.driver = v
	return v
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
	already := d.closed
	d.closed = true
	if !already {
		close(d.changed)
		d.changed = make(chan struct{})
	}
	d.mu.Unlock()
	if already {
		return nil
	}
	d.stop()
	d.services.Wait()
	d.bells.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return d.writeCounts(ctx)
}

// write runs fn in a transaction, again while it fails for what passes by itself. On
// SQLite it is alone among our writers, and the first statement of fn must write: a
// transaction that began by reading could not get the lock any more.
func (d *driver) write(ctx context.Context, operation string, fn func(tx *sql.Tx) error) error {
	if _, err := d.look(); err != nil {
		return err
	}
	return d.transact(ctx, operation, fn)
}

// transact is write for a driver that may be closed already.
func (d *driver) transact(ctx context.Context, operation string, fn func(tx *sql.Tx) error) error {
	if d.Single {
		select {
		case d.writing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-d.writing }()
	}
	err := d.Transact(ctx, d.db, fn)
	if err != nil {
		return fmt.Errorf("sqlqueue: %s: %w", operation, err)
	}
	return nil
}

func (d *driver) SerializesKeys() bool { return true }
