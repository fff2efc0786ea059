// Package outbox enqueues in the host's own SQL transaction on any queue: the job is
// stored with the order, or not at all, and a relay moves it to the queue
// once the host has committed (the transactional outbox pattern).
//
//	box, err := outbox.Open(ctx, db, nil)                  // SQLite, MySQL, MariaDB or PostgreSQL
//	client := notify.NewClient(box, nil)
//	_, err = SendMail.EnqueueTx(ctx, client, tx, mail)     // with the order
//
//	relay, err := outbox.NewRelay(ctx, db, queue, nil)     // to Redis, RabbitMQ, …
//	err = relay.Run(ctx)                                   // in as many processes as you like
//
// Jobs with the same notify.Key reach the queue in the order in which they were
// enqueued. A relay that dies between publishing and deleting leaves jobs
// that are published again: like every job they can come twice. For a handler whose effect is in a
// database, an Inbox makes that effectively once.
//
// A host whose queue is a sqlqueue in the same database needs no outbox: its
// EnqueueTx is the queue's own.
package outbox

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// shards is how many relays can work at once, at most. Their rows are in the migration.
const shards = 16

//go:embed migrations
var files embed.FS

// Migrate brings the tables of outbox and inbox up to date. Open, NewRelay and
// NewInbox call it. Several processes may do so at once.
func Migrate(ctx context.Context, db *sql.DB) error {
	_, err := migrate(ctx, db)
	return err
}

func migrate(ctx context.Context, db *sql.DB) (*sqldb.Dialect, error) {
	dialect, err := sqldb.Detect(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("outbox: open: %w", err)
	}
	migrations, err := fs.Sub(files, "migrations")
	if err == nil {
		err = dialect.Migrate(ctx, db, "notify_outbox_migrations", migrations)
	}
	if err != nil {
		return nil, fmt.Errorf("outbox: migrate: %w", err)
	}
	return dialect, nil
}

// Open makes a queue to enqueue into, by EnqueueTx or, in a transaction of its own, by
// Enqueue. It cannot be worked on: a Relay moves its jobs. With Unique duplicates are
// recognized by the relay, so Enqueued.Duplicate is never set. Close does not close db.
func Open(ctx context.Context, db *sql.DB, o *notify.Options) (*notify.Queue, error) {
	dialect, err := migrate(ctx, db)
	if err != nil {
		return nil, err
	}
	return notify.New(&driver{db: db, dialect: dialect}, o), nil
}

// driver only publishes.
type driver struct {
	db      *sql.DB
	dialect *sqldb.Dialect

	mu     sync.Mutex
	closed bool
}

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	if err := d.open(); err != nil {
		return err
	}
	err := d.dialect.Transact(ctx, d.db, func(tx *sql.Tx) error { return d.insert(ctx, tx, envelopes) })
	if err != nil {
		return fmt.Errorf("outbox: publish: %w", err)
	}
	return nil
}

func (d *driver) PublishUnique(ctx context.Context, envelopes []*notify.Envelope) ([]string, error) {
	return idsOf(envelopes), d.Publish(ctx, envelopes)
}

func (d *driver) PublishTx(ctx context.Context, tx *sql.Tx, envelopes []*notify.Envelope) ([]string, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	ids := idsOf(envelopes)
	if err := d.insert(ctx, tx, envelopes); err != nil {
		return nil, fmt.Errorf("outbox: publish in a transaction: %w", err)
	}
	return ids, nil
}

func idsOf(envelopes []*notify.Envelope) []string {
	ids := make([]string, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	return ids
}

// insertRows bounds one INSERT.
const insertRows = 200

func (d *driver) insert(ctx context.Context, tx *sql.Tx, envelopes []*notify.Envelope) error {
	for len(envelopes) > 0 {
		n := min(len(envelopes), insertRows)
		args := make([]any, 0, 2*n)
		for _, e := range envelopes[:n] {
			body, err := e.MarshalBinary()
			if err != nil {
				return err
			}
			args = append(args, shardOf(e), body)
		}
		_, err := d.dialect.Exec(ctx, tx, "INSERT INTO notify_outbox (shard, body) VALUES "+sqldb.Placeholders(n, "(?,?)"), args...)
		if err != nil {
			return err
		}
		envelopes = envelopes[n:]
	}
	return nil
}

// shardOf keeps the jobs of a key together, and spreads the others.
func shardOf(e *notify.Envelope) int {
	h := fnv.New32a()
	if e.Key != "" {
		_, _ = h.Write([]byte(e.Queue + "\x00" + e.Key))
	} else {
		_, _ = h.Write([]byte(e.ID))
	}
	return int(h.Sum32() % shards)
}

// SerializesKeys is true so far as the order is kept on the way to the queue; whether
// they then run one at a time is up to that queue.
func (d *driver) SerializesKeys() bool { return true }

func (d *driver) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return notify.ErrClosed
	}
	return nil
}

func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return nil
}

var errNoQueue = fmt.Errorf("outbox: an outbox is emptied by a Relay and not by workers: %w", errors.ErrUnsupported)

func (d *driver) Fetch(context.Context, notify.FetchRequest) ([]*notify.Delivery, error) {
	return nil, errNoQueue
}

func (d *driver) Ack(context.Context, []*notify.Delivery) ([]*notify.Delivery, error) {
	return nil, errNoQueue
}

func (d *driver) Nack(context.Context, []notify.Nack) ([]*notify.Delivery, error) {
	return nil, errNoQueue
}

func (d *driver) Extend(context.Context, []*notify.Delivery, time.Duration) ([]*notify.Delivery, error) {
	return nil, errNoQueue
}
