package inventory

import (
	"context"
	"database/sql"
	"time"
)

// Driver stores levels, reservations and the ledger. Its users call [New], never its methods. All methods are safe for
// concurrent use. What they receive is valid: the portable type has checked lengths, ranges and limits.
type Driver interface {
	// Apply carries out requests in their order, in one transaction, and returns one result a request. A refused
	// request has its reason in Result.Err and changes nothing; its neighbours are not affected.
	// An error of Apply itself means that nothing was changed, unless it is ErrOutcomeUnknown: then all may be.
	// Apply of a request that was carried out before returns the first answer (see Request.Key).
	// It honours the end of ctx only while nothing has been committed.
	Apply(ctx context.Context, requests []Request) ([]Result, error)

	// Sweep expires up to limit holds whose time is over at now, earliest first, and returns one result for each.
	// Holds that another process is working on may be left to it.
	Sweep(ctx context.Context, now time.Time, limit int) ([]Result, error)

	// Levels returns the levels of the SKUs at all locations in one query, ordered by SKU and location. Unknown SKUs are left out.
	Levels(ctx context.Context, skus []string) ([]Level, error)

	// List returns up to query.Limit levels after the place query.After, ordered by SKU and location.
	List(ctx context.Context, query ListRequest) ([]Level, error)

	// Movements returns up to query.Limit movements older than query.After, newest first; see MovementRequest.
	Movements(ctx context.Context, query MovementRequest) ([]Movement, error)

	// Reservation returns the reservation of that key, or ErrNotFound.
	Reservation(ctx context.Context, key string) (Reservation, error)

	// Reconcile compares levels, ledger and holds at one moment and returns every place where they differ, in order.
	Reconcile(ctx context.Context) ([]Difference, error)

	// Close frees what the driver itself has started. It is called once, when no call is in flight.
	Close() error
}

// TxDriver is the optional ability to take part in the host's transaction. Without it the …Tx variants are errors.ErrUnsupported.
type TxDriver interface {
	// ApplyTx does what Apply does, inside tx. It neither commits nor rolls back. After an error the host should roll back.
	ApplyTx(ctx context.Context, tx *sql.Tx, requests []Request) ([]Result, error)
}

// RoundTripper is the optional ability to tell how far away the database is. The grouped strategy asks now and then, and keeps
// more groups under way when the way is long.
type RoundTripper interface {
	// RoundTrip asks the database something trivial and returns how long that took, or zero if only one writer is of use.
	RoundTrip(ctx context.Context) (time.Duration, error)
}

// Request is one mutation as a driver sees it.
type Request struct {
	Kind Kind
	// Key is the idempotency key. For KindCommit, KindRelease, KindExtend and KindExpire it is the reservation's.
	// All other kinds share one name space of keys: a key used again must come with the same Kind and Hash.
	Key string
	// Hash digests the arguments.
	Hash [16]byte
	// Reservation is the key of the reservation that KindReturn gives back.
	Reservation string
	// Now is the time of the request, in UTC and whole microseconds.
	Now time.Time
	// Expires is the end of the hold, for KindReserve and KindExtend; the zero time means never.
	Expires time.Time
	// Lines are the quantities of KindReceive, KindAdjust, KindTransfer (one negative), KindReserve and KindReturn; ordered, no place twice.
	Lines []Line
	// Levels are the wanted values of KindSet (OnHand), KindConfigure (the thresholds) and KindImport (all); ordered, no place twice.
	Levels []Level
	// IfOnHand is what KindSet expects, or nil.
	IfOnHand          *int64
	Reason, Reference string
}

// Result is a driver's answer to one request.
type Result struct {
	// Err is why the request was refused, or nil.
	Err error
	// Repeat says that the request had been carried out before and changed nothing now.
	Repeat bool
	// Reservation is set for all kinds that make or settle one.
	Reservation Reservation
	// Movements are those of the request, in order of Line.
	Movements []Movement
	// Changes are the levels it changed, for the events hook. A driver may leave it nil when Options.Events is.
	Changes []Change
}

// Change is a level before and after a request. A level that did not exist before has Version 0.
type Change struct{ Before, After Level }

// ListRequest is a [ListQuery] as a driver sees it.
type ListRequest struct {
	Location string // all if empty
	Low      bool   // only levels for which Level.Low is true
	After    Place  // the zero value starts at the beginning
	Limit    int
}

// MovementRequest is a [MovementQuery] as a driver sees it. Movements are ordered by At, then Key, Step and Line, all descending.
type MovementRequest struct {
	SKU, Location string // all if empty; no Location without SKU
	Document      string // if set, only the movements of this reservation, returns included, or request; then SKU is empty
	After         *Movement
	Limit         int
}

// Step is 1 for the end of a hold, which has the reservation's key, and 0 for all else. Key, Step and Line name one movement.
func (m Movement) Step() int {
	switch m.Kind {
	case KindCommit, KindRelease, KindExpire:
		return 1
	}
	return 0
}

// Difference is a place where levels, ledger and holds disagree.
type Difference struct {
	SKU, Location string
	// OnHand and Reserved are the level's.
	OnHand, Reserved int64
	// LedgerOnHand and LedgerReserved are the sums of the movements.
	LedgerOnHand, LedgerReserved int64
	// Held is the sum of the reservations that are held.
	Held int64
}
