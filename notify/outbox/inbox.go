package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// InboxOptions configure an Inbox. Zero means the default.
type InboxOptions struct {
	// Keep is how long handled jobs are remembered: longer than one can come again. Default 14 days.
	Keep time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Inbox remembers, in the consumer's database, which jobs were handled. A job's effect and
// its memory are one transaction, so that a job that comes twice has its effect
// once. It is safe for concurrent use.
type Inbox struct {
	db       *sql.DB
	dialect  *sqldb.Dialect
	consumer string
	options  InboxOptions

	mu    sync.Mutex
	swept time.Time
}

// NewInbox makes the inbox of one consumer, a name of 1 to 100 letters, digits, dots, dashes and
// underscores: several consumers of one job each have their own effect. It brings the tables up to date.
func NewInbox(ctx context.Context, db *sql.DB, consumer string, o *InboxOptions) (*Inbox, error) {
	b := &Inbox{db: db, consumer: consumer}
	if o != nil {
		b.options = *o
	}
	setDefault(&b.options.Keep, 14*24*time.Hour)
	if b.options.Now == nil {
		b.options.Now = time.Now
	}
	switch {
	case consumer == "" || len(consumer) > 100:
		return nil, &notify.InvalidError{Field: "consumer", Reason: "must be 1 to 100 bytes"}
	case b.options.Keep < time.Minute:
		return nil, &notify.InvalidError{Field: "Keep", Reason: "must be at least a minute"}
	}
	var err error
	b.dialect, err = migrate(ctx, db)
	return b, err
}

// Once notes a job in the consumer's transaction and reports whether it is the first
// time. When it is not, the effect is there already: roll back, or leave it out.
// Of two transactions that note the same job at once, one waits for the other.
func (b *Inbox) Once(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	if id == "" || len(id) > 100 {
		return false, &notify.InvalidError{Field: "id", Reason: "must be 1 to 100 bytes"}
	}
	statement := "INSERT INTO notify_inbox (consumer, id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	if b.dialect == sqldb.MySQL {
		statement = "INSERT IGNORE INTO notify_inbox (consumer, id, at) VALUES (?, ?, ?)"
	}
	n, err := b.dialect.Exec(ctx, tx, statement, b.consumer, id, sqldb.Micros(b.options.Now()))
	if err != nil {
		return false, fmt.Errorf("outbox: inbox: %w", err)
	}
	return n > 0, nil
}

// Do runs fn in a transaction, once for each job that succeeds: it commits when fn
// returns nil, and does nothing for a job that was handled before. A transaction that fails for what passes
// by itself (a deadlock, a locked database) is run again.
func (b *Inbox) Do(ctx context.Context, id string, fn func(tx *sql.Tx) error) error {
	err := b.dialect.Transact(ctx, b.db, func(tx *sql.Tx) error {
		first, err := b.Once(ctx, tx, id)
		if err != nil || !first {
			return err
		}
		return fn(tx)
	})
	if err == nil {
		b.sweep(ctx)
	}
	return err
}

// sweep forgets what was handled long ago, now and then. A failure only leaves rows for the next time.
func (b *Inbox) sweep(ctx context.Context) {
	now := b.options.Now()
	b.mu.Lock()
	due := now.Sub(b.swept) >= 10*time.Minute
	if due {
		b.swept = now
	}
	b.mu.Unlock()
	if due {
		_, _ = b.dialect.Exec(ctx, b.db, "DELETE FROM notify_inbox WHERE at < ?", sqldb.Micros(now.Add(-b.options.Keep)))
	}
}
