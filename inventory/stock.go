package inventory

import (
	"context"
	"database/sql"
	"slices"
)

// Receipt is goods that came in.
type Receipt struct {
	// Key makes the call idempotent, as in all mutations. Required, up to MaxKeyLength bytes.
	Key string
	// Lines have quantities of 1 to MaxQuantity. Lines of one SKU and location are summed.
	Lines []Line
	// Reason and Reference go to the ledger. Optional.
	Reason, Reference string
}

// Adjustment corrects stock by differences: breakage, theft, a found box.
type Adjustment struct {
	Key string
	// Lines have the differences, positive or negative, not zero. Lines of one SKU and location are summed.
	Lines             []Line
	Reason, Reference string
}

// Count sets what is on hand to what was counted.
type Count struct {
	Key           string
	SKU, Location string
	// OnHand is the counted quantity, reserved units included.
	OnHand int64
	// IfOnHand, if not nil, is the quantity the count was made against: with another one on hand nothing is changed.
	IfOnHand          *int64
	Reason, Reference string
}

// Policy sets a level's thresholds, all three.
type Policy struct {
	Key                                       string
	SKU, Location                             string
	SafetyStock, BackorderLimit, ReorderPoint int64
	Reason, Reference                         string
}

// Transfer moves units from one location to another.
type Transfer struct {
	Key, SKU          string
	From, To          string
	Quantity          int64
	Reason, Reference string
}

// Return gives back units of a committed reservation.
type Return struct {
	Key string
	// Reservation is the key of the committed reservation.
	Reservation string
	// Lines are what came back, at most what the reservation sold at that place less earlier returns.
	Lines             []Line
	Reason, Reference string
}

// Receive adds goods. Levels that do not exist yet are made.
func (i *Inventory) Receive(ctx context.Context, receipt Receipt) ([]Movement, error) {
	r, err := i.receiveRequest(receipt)
	return movements(i.mutate(ctx, r, err))
}

// ReceiveTx is Receive inside the host's transaction.
func (i *Inventory) ReceiveTx(ctx context.Context, tx *sql.Tx, receipt Receipt) ([]Movement, error) {
	r, err := i.receiveRequest(receipt)
	return movements(i.mutateTx(ctx, tx, r, err))
}

// Adjust corrects stock by differences, all or none. It may take safety stock but not reserved units: those
// are an [InsufficientError]; release the holds first. Unknown levels are an [UnknownSKUError].
func (i *Inventory) Adjust(ctx context.Context, adjustment Adjustment) ([]Movement, error) {
	r, err := i.adjustRequest(adjustment)
	return movements(i.mutate(ctx, r, err))
}

// AdjustTx is Adjust inside the host's transaction.
func (i *Inventory) AdjustTx(ctx context.Context, tx *sql.Tx, adjustment Adjustment) ([]Movement, error) {
	r, err := i.adjustRequest(adjustment)
	return movements(i.mutateTx(ctx, tx, r, err))
}

// Set makes the quantity on hand what was counted (compare-and-set if IfOnHand is given, then possibly a [ChangedError]).
// A level that does not exist yet is made. Below what is reserved it is an [InsufficientError].
func (i *Inventory) Set(ctx context.Context, count Count) ([]Movement, error) {
	r, err := i.setRequest(count)
	return movements(i.mutate(ctx, r, err))
}

// SetTx is Set inside the host's transaction.
func (i *Inventory) SetTx(ctx context.Context, tx *sql.Tx, count Count) ([]Movement, error) {
	r, err := i.setRequest(count)
	return movements(i.mutateTx(ctx, tx, r, err))
}

// Configure sets a level's thresholds. A level that does not exist yet is made, with nothing on hand.
// A backorder limit below what is already sold ahead is an [InsufficientError].
func (i *Inventory) Configure(ctx context.Context, policy Policy) error {
	r, err := i.configureRequest(policy)
	_, err = i.mutate(ctx, r, err)
	return err
}

// Transfer moves units that are there and not reserved; more is an [InsufficientError]. The level at the target is made if need be.
func (i *Inventory) Transfer(ctx context.Context, transfer Transfer) ([]Movement, error) {
	r, err := i.transferRequest(transfer)
	return movements(i.mutate(ctx, r, err))
}

// TransferTx is Transfer inside the host's transaction.
func (i *Inventory) TransferTx(ctx context.Context, tx *sql.Tx, transfer Transfer) ([]Movement, error) {
	r, err := i.transferRequest(transfer)
	return movements(i.mutateTx(ctx, tx, r, err))
}

// Return puts sold units back on hand. The reservation must be committed ([StateError] otherwise, [ErrNotFound] if
// there is none); more than it sold is an [InvalidError].
func (i *Inventory) Return(ctx context.Context, back Return) ([]Movement, error) {
	r, err := i.returnRequest(back)
	return movements(i.mutate(ctx, r, err))
}

// ReturnTx is Return inside the host's transaction.
func (i *Inventory) ReturnTx(ctx context.Context, tx *sql.Tx, back Return) ([]Movement, error) {
	r, err := i.returnRequest(back)
	return movements(i.mutateTx(ctx, tx, r, err))
}

func movements(result Result, err error) ([]Movement, error) { return result.Movements, err }

func (i *Inventory) receiveRequest(v Receipt) (Request, error) {
	lines, err := checkLines(v.Lines, positive)
	return i.complete(Request{Kind: KindReceive, Key: v.Key, Lines: lines, Reason: v.Reason, Reference: v.Reference}, 0, err)
}

func (i *Inventory) adjustRequest(v Adjustment) (Request, error) {
	lines, err := checkLines(v.Lines, signed)
	return i.complete(Request{Kind: KindAdjust, Key: v.Key, Lines: lines, Reason: v.Reason, Reference: v.Reference}, 0, err)
}

func (i *Inventory) setRequest(v Count) (Request, error) {
	level, err := checkLevel("", Level{SKU: v.SKU, Location: v.Location, OnHand: v.OnHand})
	return i.complete(Request{Kind: KindSet, Key: v.Key, Levels: []Level{level}, IfOnHand: v.IfOnHand,
		Reason: v.Reason, Reference: v.Reference}, 0, err)
}

func (i *Inventory) configureRequest(v Policy) (Request, error) {
	level, err := checkLevel("", Level{SKU: v.SKU, Location: v.Location,
		SafetyStock: v.SafetyStock, BackorderLimit: v.BackorderLimit, ReorderPoint: v.ReorderPoint})
	return i.complete(Request{Kind: KindConfigure, Key: v.Key, Levels: []Level{level}, Reason: v.Reason, Reference: v.Reference}, 0, err)
}

func (i *Inventory) transferRequest(v Transfer) (Request, error) {
	r := Request{Kind: KindTransfer, Key: v.Key, Reason: v.Reason, Reference: v.Reference}
	from := Line{SKU: v.SKU, Location: orMain(v.From), Quantity: v.Quantity}
	to := Line{SKU: v.SKU, Location: orMain(v.To), Quantity: v.Quantity}
	err := firstError(
		checkSKU("SKU", from.SKU),
		checkLocation("From", from.Location),
		checkLocation("To", to.Location),
		checkQuantity("Quantity", v.Quantity, positive),
	)
	if err == nil && from.Location == to.Location {
		err = invalid("To", "is the same location as From")
	}
	from.Quantity = -v.Quantity
	r.Lines = []Line{from, to}
	slices.SortFunc(r.Lines, func(a, b Line) int { return a.Place().Compare(b.Place()) })
	return i.complete(r, 0, err)
}

func (i *Inventory) returnRequest(v Return) (Request, error) {
	lines, err := checkLines(v.Lines, positive)
	return i.complete(Request{Kind: KindReturn, Key: v.Key, Reservation: v.Reservation, Lines: lines,
		Reason: v.Reason, Reference: v.Reference}, 0, firstError(checkKey("Reservation", v.Reservation), err))
}
