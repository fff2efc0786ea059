package inventory

import "time"

// Kind is what a request does, and so what kind of movement it leaves.
type Kind string

// The kinds of requests and movements.
const (
	KindReceive   Kind = "receive"   // goods came in
	KindAdjust    Kind = "adjust"    // corrected by a difference
	KindSet       Kind = "set"       // counted
	KindConfigure Kind = "configure" // safety stock, backorder limit or reorder point changed
	KindImport    Kind = "import"    // set in bulk
	KindTransfer  Kind = "transfer"  // moved between locations
	KindReserve   Kind = "reserve"   // held for an order
	KindCommit    Kind = "commit"    // sold
	KindRelease   Kind = "release"   // given back before it was sold
	KindExpire    Kind = "expire"    // given back because the hold's time was over
	KindReturn    Kind = "return"    // given back after it was sold
	KindExtend    Kind = "extend"    // a hold was lengthened; leaves no movement
)

// Movement is one immutable entry of the ledger: the change of one level by one request.
type Movement struct {
	// Key is the idempotency key of the request that caused it.
	Key string
	// Reservation is the key of the reservation it belongs to, if it belongs to one.
	Reservation string
	Kind        Kind
	// Line numbers the movements of one request from 1.
	Line          int
	SKU, Location string
	// OnHand and Reserved are the changes, in units.
	OnHand, Reserved int64
	// Reason and Reference are the caller's words: why, and which document (an invoice, an order).
	Reason, Reference string
	At                time.Time
}

// Place returns the SKU and location that changed.
func (m Movement) Place() Place { return Place{SKU: m.SKU, Location: m.Location} }
