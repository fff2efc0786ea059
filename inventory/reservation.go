package inventory

import (
	"context"
	"database/sql"
	"time"
)

// State is where a reservation stands. docs/reservation-states.md draws the moves.
type State string

// The states of a reservation. All but Held are final.
const (
	Held      State = "held"      // units are set aside until ExpiresAt
	Committed State = "committed" // units are sold and have left the stock
	Released  State = "released"  // units were given back by the caller
	Expired   State = "expired"   // units were given back because the time was over
)

// Line is a quantity of one SKU at one location.
type Line struct {
	SKU string
	// Location is where to take it from; empty means DefaultLocation.
	Location string
	// Quantity in units; its sign is allowed only where said.
	Quantity int64
}

// Place returns the line's SKU and location.
func (l Line) Place() Place { return Place{SKU: l.SKU, Location: l.Location} }

// Order asks for units to be held.
type Order struct {
	// Key names the reservation and makes the call idempotent. Required, up to MaxKeyLength bytes.
	Key string
	// TTL is how long the units are held: between MinTTL and Options.MaxTTL, 0 for Options.TTL, -1 for until settled.
	TTL time.Duration
	// Lines are what to hold, 1 to MaxLines, each with a quantity of 1 to MaxQuantity. Lines of one SKU and location are summed.
	Lines []Line
	// Reason and Reference go to the ledger. Optional.
	Reason, Reference string
}

// Reservation is a set of units held for, sold to, or given back by an order.
type Reservation struct {
	Key   string
	State State
	// Lines are ordered by SKU and location; lines of the order for the same place are one.
	Lines []Line
	// ExpiresAt is when the hold ends; the zero time means never.
	ExpiresAt time.Time
	CreatedAt time.Time
	// SettledAt is when it was committed, released or found expired; the zero time while held.
	SettledAt         time.Time
	Reason, Reference string
}

// Reserve holds the order's units, all or none, until they are committed or released or their time is over.
//
// It returns an [InsufficientError] if a line cannot be had, an [UnknownSKUError] if its level does not exist, and a
// [ConflictError] if the key was used for something else. A repeat returns the reservation as it stands by then,
// which may be settled or expired.
func (i *Inventory) Reserve(ctx context.Context, order Order) (Reservation, error) {
	r, err := i.reserveRequest(order)
	result, err := i.mutate(ctx, r, err)
	return result.Reservation, err
}

// ReserveTx is Reserve inside the host's transaction: the units are held if and when tx commits. Other orders of
// the same SKUs wait for it, so keep it short.
func (i *Inventory) ReserveTx(ctx context.Context, tx *sql.Tx, order Order) (Reservation, error) {
	r, err := i.reserveRequest(order)
	result, err := i.mutateTx(ctx, tx, r, err)
	return result.Reservation, err
}

// Extend moves the end of a hold to ttl from now (see Order.TTL for its range); it never shortens one.
// A reservation that is no longer held is a [StateError], also when its time is over and it has not been swept yet.
func (i *Inventory) Extend(ctx context.Context, key string, ttl time.Duration) (Reservation, error) {
	r, err := i.extendRequest(key, ttl)
	result, err := i.mutate(ctx, r, err)
	return result.Reservation, err
}

// Commit sells the units of a reservation: they leave the stock. Committing again is no error.
//
// A reservation whose time is over is a [StateError] that is [ErrExpired], even if it has not been swept yet: the
// deadline counts, not when the sweeper comes by. A released one is ErrSettled, an unknown key is [ErrNotFound].
func (i *Inventory) Commit(ctx context.Context, key string) error {
	r, err := i.settleRequest(KindCommit, key)
	_, err = i.mutate(ctx, r, err)
	return err
}

// CommitTx is Commit inside the host's transaction.
func (i *Inventory) CommitTx(ctx context.Context, tx *sql.Tx, key string) error {
	r, err := i.settleRequest(KindCommit, key)
	_, err = i.mutateTx(ctx, tx, r, err)
	return err
}

// Release gives the units of a reservation back. Releasing again, or releasing an expired one, is no error: it holds
// nothing any more, as was asked. A committed one is a [StateError] that is [ErrSettled] (use Return); an unknown key is [ErrNotFound].
func (i *Inventory) Release(ctx context.Context, key string) error {
	r, err := i.settleRequest(KindRelease, key)
	_, err = i.mutate(ctx, r, err)
	return err
}

// ReleaseTx is Release inside the host's transaction.
func (i *Inventory) ReleaseTx(ctx context.Context, tx *sql.Tx, key string) error {
	r, err := i.settleRequest(KindRelease, key)
	_, err = i.mutateTx(ctx, tx, r, err)
	return err
}

// Reservation returns the reservation of that key, or [ErrNotFound].
// One whose time is over reads Expired even if its units have not been swept yet.
func (i *Inventory) Reservation(ctx context.Context, key string) (Reservation, error) {
	if err := checkKey("Key", key); err != nil {
		return Reservation{}, wrap("reservation", err)
	}
	reservation, err := observe(ctx, i, "reservation", func(ctx context.Context) (Reservation, error) {
		return i.driver.Reservation(ctx, key)
	})
	return reservation.asOf(i.now()), err
}

// asOf shows a hold whose time is over as the expired one it is.
func (r Reservation) asOf(now time.Time) Reservation {
	if r.State == Held && r.Over(now) {
		r.State = Expired
	}
	return r
}

// Over reports whether the hold's time is over at now, whatever its state.
func (r Reservation) Over(now time.Time) bool {
	return !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt)
}

func (i *Inventory) reserveRequest(order Order) (Request, error) {
	r := Request{Kind: KindReserve, Key: order.Key, Reason: order.Reason, Reference: order.Reference}
	ttl := order.TTL
	if ttl == 0 {
		ttl = i.options.TTL
	}
	if err := i.checkTTL(ttl); err != nil {
		return r, err
	}
	lines, err := checkLines(order.Lines, positive)
	r.Lines = lines
	return i.complete(r, ttl, err)
}

func (i *Inventory) extendRequest(key string, ttl time.Duration) (Request, error) {
	if ttl == 0 {
		ttl = i.options.TTL
	}
	return i.complete(Request{Kind: KindExtend, Key: key}, ttl, i.checkTTL(ttl))
}

func (i *Inventory) settleRequest(kind Kind, key string) (Request, error) {
	return i.complete(Request{Kind: kind, Key: key}, 0, nil)
}
