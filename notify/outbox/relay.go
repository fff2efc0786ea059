package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// RelayOptions configure a Relay. Zero means the default.
type RelayOptions struct {
	// Batch is how many jobs are moved at once. Default 500; at most 10,000.
	Batch int
	// Lease is how long this relay alone works on what it has taken, unless it is done
	// before: after a crash another one takes over when it ends. Publishing a
	// batch is given two thirds of it. Default 30 seconds; at least 100 ms.
	Lease time.Duration
	// PollInterval is how often an idle relay looks for what other processes committed. Default 20 ms.
	PollInterval time.Duration
	// Logger gets failures. Never payloads. Default slog.Default().
	Logger *slog.Logger
	// Now is the clock. Default time.Now. The clocks of all relays should agree within a part of Lease.
	Now func() time.Time
}

// Relay moves jobs from the outbox to a queue. Several may run at once, also in several processes.
type Relay struct {
	db      *sql.DB
	dialect *sqldb.Dialect
	target  *notify.Queue
	options RelayOptions
	owner   string
	moved   atomic.Int64
}

// NewRelay makes a relay from the outbox in db to target and brings the tables up to
// date. Wrong options are a *notify.InvalidError.
func NewRelay(ctx context.Context, db *sql.DB, target *notify.Queue, o *RelayOptions) (*Relay, error) {
	r := &Relay{db: db, target: target, owner: rand.Text()}
	if o != nil {
		r.options = *o
	}
	setDefault(&r.options.Batch, 500)
	setDefault(&r.options.Lease, 30*time.Second)
	setDefault(&r.options.PollInterval, 20*time.Millisecond)
	if r.options.Logger == nil {
		r.options.Logger = slog.Default()
	}
	if r.options.Now == nil {
		r.options.Now = time.Now
	}
	switch {
	case target == nil:
		return nil, &notify.InvalidError{Field: "target", Reason: "must not be nil"}
	case r.options.Batch < 1 || r.options.Batch > 10_000:
		return nil, &notify.InvalidError{Field: "Batch", Reason: "must be between 1 and 10,000"}
	case r.options.Lease < 100*time.Millisecond:
		return nil, &notify.InvalidError{Field: "Lease", Reason: "must be at least 100 ms"}
	case r.options.PollInterval < time.Millisecond:
		return nil, &notify.InvalidError{Field: "PollInterval", Reason: "must be at least 1 ms"}
	}
	var err error
	r.dialect, err = migrate(ctx, db)
	return r, err
}

func setDefault[V comparable](v *V, def V) {
	var zero V
	if *v == zero {
		*v = def
	}
}

// Moved is how many jobs this relay has moved so far.
func (r *Relay) Moved() int64 { return r.moved.Load() }

// Pauses of an idle relay, and of one that failed.
const (
	quickPoll    = time.Millisecond
	longestPause = 10 * time.Second
)

// Run moves jobs until ctx ends; then it returns nil. While the database or the
// queue is down it keeps trying, with growing pauses, and logs. It returns at once
// with notify.ErrClosed when the queue was closed.
func (r *Relay) Run(ctx context.Context) error {
	failures := 0
	for rest := quickPoll; ctx.Err() == nil; {
		n, err := r.round(ctx)
		switch {
		case ctx.Err() != nil:
			continue // and end
		case errors.Is(err, notify.ErrClosed):
			return err
		case err != nil:
			failures++
			rest = min(50*time.Millisecond<<min(failures, 10), longestPause)
			rest = rest/2 + mathrand.N(rest/2)
			r.options.Logger.Warn("notify: outbox: relay failed", "error", err, "retry_in", rest)
		case n > 0:
			rest, failures = quickPoll, 0
			continue
		default:
			rest, failures = min(2*rest, r.options.PollInterval), 0
		}
		_ = pause.For(ctx, rest) // the loop sees that ctx has ended
	}
	return nil
}

// Drain moves what is committed now and returns how many jobs that were. For tests and batch runs.
func (r *Relay) Drain(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := r.round(ctx)
		if total += n; n == 0 || err != nil {
			return total, err
		}
	}
}

// round takes shards that have jobs and that nobody works on, moves a batch, and gives them back.
func (r *Relay) round(ctx context.Context) (int, error) {
	now := sqldb.Micros(r.options.Now())
	free, err := r.numbers(ctx, `SELECT s.shard FROM notify_outbox_shards s WHERE (s.until <= ? OR s.owner = ?)
		AND EXISTS (SELECT 1 FROM notify_outbox o WHERE o.shard = s.shard)`, now, r.owner)
	if err != nil || len(free) == 0 {
		return 0, err
	}
	// Half of them at most, so that others find work, too.
	mathrand.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	free = free[:min(len(free), shards/2)]
	ours, err := r.take(ctx, free)
	if err != nil || len(ours) == 0 {
		return 0, err
	}
	defer r.release(ctx, ours)
	return r.move(ctx, ours)
}

func (r *Relay) numbers(ctx context.Context, statement string, args ...any) ([]int64, error) {
	numbers, err := r.dialect.Numbers(ctx, r.db, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("outbox: relay: %w", err)
	}
	return numbers, nil
}

func (r *Relay) exec(ctx context.Context, statement string, args ...any) (n int64, err error) {
	err = sqldb.Patiently(ctx, func() error {
		n, err = r.dialect.Exec(ctx, r.db, statement, args...)
		return err
	})
	if err != nil {
		err = fmt.Errorf("outbox: relay: %w", err)
	}
	return n, err
}

// take leases shards, one by one, and returns those that it got.
func (r *Relay) take(ctx context.Context, free []int64) ([]any, error) {
	var ours []any
	for _, shard := range free {
		now := r.options.Now()
		n, err := r.exec(ctx, "UPDATE notify_outbox_shards SET owner = ?, until = ? WHERE shard = ? AND (until <= ? OR owner = ?)",
			r.owner, sqldb.Micros(now.Add(r.options.Lease)), shard, sqldb.Micros(now), r.owner)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			ours = append(ours, shard)
		}
	}
	return ours, nil
}

func (r *Relay) release(ctx context.Context, ours []any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := r.exec(ctx, "UPDATE notify_outbox_shards SET until = 0 WHERE owner = ? AND shard IN ("+sqldb.Placeholders(len(ours), "?")+")",
		append([]any{r.owner}, ours...)...)
	if err != nil {
		r.options.Logger.Warn("notify: outbox: cannot give shards back; their lease ends by itself", "error", err)
	}
}

// move publishes a batch in order and then deletes it. It stops in time for the lease.
func (r *Relay) move(ctx context.Context, ours []any) (int, error) {
	publishing, cancel := context.WithTimeout(ctx, r.options.Lease*2/3)
	defer cancel()
	batch, err := r.read(publishing, ours)
	if err != nil || len(batch.envelopes)+len(batch.broken) == 0 {
		return 0, err
	}
	if len(batch.broken) > 0 {
		r.options.Logger.Error("notify: outbox: rows that cannot be read are set aside with shard -1", "rows", len(batch.broken))
		_, err := r.exec(ctx, "UPDATE notify_outbox SET shard = -1 WHERE seq IN ("+sqldb.Placeholders(len(batch.broken), "?")+")", batch.broken...)
		if err != nil {
			return 0, err
		}
	}
	if len(batch.envelopes) == 0 {
		return len(batch.broken), nil
	}
	if err := r.target.Forward(publishing, batch.envelopes); err != nil {
		return 0, fmt.Errorf("outbox: relay: publish: %w", err)
	}
	n := len(batch.seqs)
	r.moved.Add(int64(n))
	for seqs := batch.seqs; len(seqs) > 0; {
		part := seqs[:min(len(seqs), 1000)]
		if _, err := r.exec(context.WithoutCancel(ctx), "DELETE FROM notify_outbox WHERE seq IN ("+sqldb.Placeholders(len(part), "?")+")", part...); err != nil {
			return 0, err
		}
		seqs = seqs[len(part):]
	}
	return n, nil
}

// batch is rows of the outbox.
type batch struct {
	seqs, broken []any
	envelopes    []*notify.Envelope
}

func (r *Relay) read(ctx context.Context, ours []any) (*batch, error) {
	rows, err := r.dialect.Query(ctx, r.db, "SELECT seq, body FROM notify_outbox WHERE shard IN ("+sqldb.Placeholders(len(ours), "?")+
		") ORDER BY seq LIMIT ?", append(ours[:len(ours):len(ours)], r.options.Batch)...)
	if err != nil {
		return nil, fmt.Errorf("outbox: relay: %w", err)
	}
	defer rows.Close()
	var b batch
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return nil, fmt.Errorf("outbox: relay: %w", err)
		}
		e := new(notify.Envelope)
		if e.UnmarshalBinary(body) != nil {
			b.broken = append(b.broken, seq)
			continue
		}
		b.seqs, b.envelopes = append(b.seqs, seq), append(b.envelopes, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: relay: %w", err)
	}
	return &b, nil
}
