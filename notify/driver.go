package notify

import (
	"context"
	"database/sql"
	"time"
)

// Driver is what a backend implements. The rest (typed tasks, limits, retries,
// leases' renewal, dead-letter policy) is built once on top of it.
//
// All methods are safe for concurrent use. Errors of the backend come back
// wrapped with the driver's name and without secrets.
type Driver interface {
	// Publish stores the envelopes and returns when all of them are durable.
	// On an error none, some or all may be stored: the caller publishes again,
	// with the same IDs, and a driver that can tell keeps one of each.
	// The driver owns the envelopes from here on.
	//
	// An envelope with RunAt in the future is kept until then. Within a queue,
	// higher Priority goes first and then the older RunAt; a driver may fold
	// neighbouring priorities together.
	Publish(ctx context.Context, envelopes []*Envelope) error

	// Fetch leases up to request.Max jobs of one queue that are due. It waits
	// until there is at least one, or until ctx ends (then it returns ctx.Err(),
	// having leased nothing). An idle Fetch must not poll tightly. A paused
	// queue gives nothing.
	//
	// A stored form that cannot be read is delivered with Err set; the worker
	// moves it to the dead letters.
	Fetch(ctx context.Context, request FetchRequest) ([]*Delivery, error)

	// Ack removes finished jobs. Deliveries whose lease was lost are left
	// untouched and returned.
	Ack(ctx context.Context, deliveries []*Delivery) (lost []*Delivery, err error)

	// Nack gives jobs back: stored as Nack.Envelope says, for another attempt
	// or as a dead letter. Each is atomic: the job is never in two places after
	// success and never in none. It resets the delivery count that Crashes is
	// taken from. Deliveries whose lease was lost are left untouched and returned.
	Nack(ctx context.Context, nacks []Nack) (lost []*Delivery, err error)

	// Extend renews leases to end lease from now. Those already lost are
	// returned. A backend that ties deliveries to a connection instead of a
	// lease returns those whose connection is gone.
	Extend(ctx context.Context, deliveries []*Delivery, lease time.Duration) (lost []*Delivery, err error)

	// Close stops what the driver started and ends waiting Fetch calls with
	// ErrClosed. It is idempotent and does not close what the caller passed in.
	Close() error
}

// FetchRequest says what to lease.
type FetchRequest struct {
	Queue string
	Max   int           // at least 1
	Lease time.Duration // how long the jobs are ours, unless extended
}

// Delivery is one leased job.
type Delivery struct {
	*Envelope

	// Receipt is the driver's own handle; it fences: after the lease was lost
	// and the job given to somebody else, this receipt is refused.
	Receipt any

	// Crashes counts earlier deliveries of this stored form that ended with
	// neither an Ack nor a Nack: their worker died or lost the lease.
	Crashes int

	// Err is set when the stored form could not be read. The envelope then
	// holds at least ID and Queue, and the raw bytes as Payload.
	Err error

	lease lease // of the worker that holds it
}

// Nack is one job to give back.
type Nack struct {
	Delivery *Delivery
	Envelope *Envelope // the new stored form; same ID and Queue
	// Delay until the next attempt, measured from now by the driver's clock, so that
	// the clocks of worker and backend need not agree.
	Delay time.Duration
	Dead  bool // store as a dead letter; Envelope.Failure holds the reason
	// Failed tells a failed attempt, for the counts, from a job that was given back untried.
	Failed bool
}

// Overlapper is implemented by drivers that gain from a Publish that begins while
// another is under way, as those do whose backend is a round trip away and takes
// messages in a row. Others get one at a time, and larger ones.
type Overlapper interface {
	// Overlap is how many to have under way at once; it does not change.
	Overlap() int
}

// UniquePublisher is implemented by drivers that can refuse duplicates.
type UniquePublisher interface {
	// PublishUnique is Publish, and for each envelope with a UniqueKey that was
	// published within its window before, nothing is stored and the ID of the
	// first comes back in its place; otherwise the place holds its own ID.
	// Checking and storing is one atomic step over all processes.
	PublishUnique(ctx context.Context, envelopes []*Envelope) (ids []string, err error)
}

// TxPublisher is implemented by drivers that store jobs in the host's database.
type TxPublisher interface {
	// PublishTx is PublishUnique inside tx: the jobs exist when tx commits.
	PublishTx(ctx context.Context, tx *sql.Tx, envelopes []*Envelope) (ids []string, err error)
}

// Clock is implemented by drivers whose backend has a clock that all processes can go by,
// also those whose own is wrong: limits over all workers and schedules do.
type Clock interface {
	// Now is the backend's time, as far as the driver has seen how it differs from this
	// machine's. It does not ask the backend each time, and answers while that is away.
	Now(ctx context.Context) time.Time
}

// KeySerializer is implemented by drivers that run jobs of one Key in one
// queue one at a time, in the order they were enqueued.
type KeySerializer interface {
	SerializesKeys() bool
}

// StatsReader is implemented by drivers that can count.
type StatsReader interface {
	// Stats describes every queue that holds jobs, is paused, or ran jobs within the last hour, by name.
	Stats(ctx context.Context) ([]QueueStats, error)
}

// Lister is implemented by drivers that can show jobs, dead letters among them.
type Lister interface {
	// List returns the records that match, newest first by RunAt and then ID.
	List(ctx context.Context, filter Filter) ([]*Record, error)
}

// Replayer is implemented by drivers that can run waiting or dead jobs now.
type Replayer interface {
	// Replay makes scheduled, retrying and dead jobs available at once, dead
	// ones with a fresh count of attempts. It returns how many it moved; unknown
	// IDs and jobs in another state are left alone.
	Replay(ctx context.Context, queue string, ids []string) (int, error)
}

// Deleter is implemented by drivers that can remove jobs.
type Deleter interface {
	// Delete removes jobs in any state but running and returns how many.
	Delete(ctx context.Context, queue string, ids []string) (int, error)
}

// Pauser is implemented by drivers that can pause a queue for all workers.
type Pauser interface {
	// SetPaused stops or restarts Fetch for the queue. Jobs being run go on.
	SetPaused(ctx context.Context, queue string, paused bool) error
}
