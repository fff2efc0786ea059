package inventory

import (
	"context"
	"log/slog"
	"time"
)

// Strategy is how a SQL backend keeps concurrent callers from selling the same unit. All strategies keep the same promises.
type Strategy int

const (
	// Grouped gathers the callers that are waiting: one transaction locks their rows in order, decides each request in
	// arrival order and commits once for all. Best for hot SKUs and flash sales, and the default.
	Grouped Strategy = iota
	// Pessimistic locks the rows of one request in order (SELECT … FOR UPDATE; on SQLite BEGIN IMMEDIATE), then decides and writes.
	Pessimistic
	// Optimistic reads without locks, decides, and writes only if no version has changed; otherwise it starts over
	// after a jittered pause, a bounded number of times.
	Optimistic
	// Conditional lets the database decide in the UPDATE's own WHERE clause (available >= quantity). What such an
	// update refuses is decided again under locks, so that the answer is exact.
	Conditional
)

func (s Strategy) String() string {
	switch s {
	case Grouped:
		return "grouped"
	case Pessimistic:
		return "pessimistic"
	case Optimistic:
		return "optimistic"
	case Conditional:
		return "conditional"
	}
	return "unknown"
}

// Tracer observes operations. Start is called before one; the function it returns is called exactly once when it ends.
// A call that waited in a group is observed with the wait.
type Tracer interface {
	Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(err error, attributes ...slog.Attr))
}

// Options of an [Inventory]. The zero value, like nil, means the defaults named at each field.
type Options struct {
	// Strategy of the SQL backends. Default: Grouped. The memory backend has one lock and ignores it.
	Strategy Strategy

	// TTL is how long an order without its own TTL is held. Default: 15 minutes.
	TTL time.Duration
	// MaxTTL bounds the TTL of orders and extensions. Default: 30 days.
	MaxTTL time.Duration
	// SweepInterval is the pause between two background sweeps of expired holds. Default: 15 seconds; -1 means none,
	// the host then calls Sweep itself.
	SweepInterval time.Duration

	// Timeout bounds one call of the database, from the first statement to the answer of the commit. Default: 30 seconds.
	Timeout time.Duration
	// Retries bounds how often a request is tried again after a deadlock, a lock timeout or a lost compare-and-set. Default: 100.
	Retries int

	// QueueSize bounds the calls waiting for a group; further ones wait to enter. Default: 4,096.
	QueueSize int
	// BatchSize bounds the requests of one group. Default: 512.
	BatchSize int
	// BatchBytes bounds the size of one group's requests; a single larger request goes alone. Default: 1 MiB.
	BatchBytes int
	// Workers is the number of groups under way at once, up to 64. Default: 2, 4 if the database is far, by the measured round trip, and 1 if it has one writer.
	Workers int

	// SkipMigrations leaves the schema to the host, which calls the backend's Migrate. Open still checks the version.
	SkipMigrations bool

	// Events is told of levels that ran out, ran low or came back, after the change is committed, in the goroutine of
	// the call that caused it. It must not block for long. A panic in it is logged. The …Tx variants send no events,
	// for only the host knows whether its transaction commits.
	Events func(ctx context.Context, event Event)
	// Tracer observes operations. Default: none.
	Tracer Tracer
	// Now is the clock of expiry and movements. Default: time.Now. Processes that share a database should agree on the time.
	Now func() time.Time
	// Logger hears of background failures and, at debug level, of every transaction that is tried again and why. Default: slog.Default().
	Logger *slog.Logger
}

// WithDefaults returns a copy in which every zero field has its default; nil is allowed. Backends use it.
func (o *Options) WithDefaults() Options {
	var v Options
	if o != nil {
		v = *o
	}
	orDefault(&v.MaxTTL, 30*24*time.Hour)
	orDefault(&v.TTL, min(15*time.Minute, v.MaxTTL))
	orDefault(&v.SweepInterval, 15*time.Second)
	orDefault(&v.Timeout, 30*time.Second)
	orDefault(&v.Retries, 100)
	orDefault(&v.QueueSize, 4096)
	orDefault(&v.BatchSize, 512)
	orDefault(&v.BatchBytes, 1<<20)
	if v.Now == nil {
		v.Now = time.Now
	}
	if v.Logger == nil {
		v.Logger = slog.Default()
	}
	return v
}

func orDefault[T ~int | ~int64](value *T, def T) {
	if *value == 0 {
		*value = def
	}
}

func (o *Options) validate() error {
	switch {
	case o.Strategy < Grouped || o.Strategy > Conditional:
		return invalid("Options.Strategy", "is unknown")
	case o.MaxTTL < MinTTL:
		return invalid("Options.MaxTTL", "must be at least %v", MinTTL)
	case o.TTL < MinTTL || o.TTL > o.MaxTTL:
		return invalid("Options.TTL", "must be between %v and %v", MinTTL, o.MaxTTL)
	case o.SweepInterval < 0 && o.SweepInterval != -1:
		return invalid("Options.SweepInterval", "must be positive, or -1 for none")
	case o.Timeout < 0:
		return invalid("Options.Timeout", "must be positive")
	case o.Retries < 0:
		return invalid("Options.Retries", "must be positive")
	case o.QueueSize < 0:
		return invalid("Options.QueueSize", "must be positive")
	case o.BatchSize < 0:
		return invalid("Options.BatchSize", "must be positive")
	case o.BatchBytes < 0:
		return invalid("Options.BatchBytes", "must be positive")
	case o.Workers < 0 || o.Workers > 64:
		return invalid("Options.Workers", "must be between 0 and 64")
	}
	return nil
}
