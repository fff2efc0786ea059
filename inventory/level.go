package inventory

import (
	"cmp"
	"time"
)

// Place is where stock is kept: a SKU at a location.
type Place struct{ SKU, Location string }

// Compare orders places by SKU, then by location, both bytewise. Locks are taken in this order.
func (p Place) Compare(other Place) int {
	return cmp.Or(cmp.Compare(p.SKU, other.SKU), cmp.Compare(p.Location, other.Location))
}

// Level is the stock of one SKU at one location. Quantities are in units.
type Level struct {
	SKU, Location string
	// OnHand is what is there, reserved units included. It is below zero when committed backorders await goods.
	OnHand int64
	// Reserved is the sum of all holds.
	Reserved int64
	// SafetyStock is kept back from orders.
	SafetyStock int64
	// BackorderLimit is how many units may be sold that are not there.
	BackorderLimit int64
	// ReorderPoint is the available quantity at or below which stock counts as low.
	ReorderPoint int64
	// Version grows with every change.
	Version int64
	// UpdatedAt is the time of the last change.
	UpdatedAt time.Time
}

// Place returns the level's SKU and location.
func (l Level) Place() Place { return Place{SKU: l.SKU, Location: l.Location} }

// Available is what is there and free: on hand − reserved − safety stock. It is below zero when backorders wait.
func (l Level) Available() int64 { return l.OnHand - l.Reserved - l.SafetyStock }

// Sellable is what Reserve may still take, backorders included; never below zero.
func (l Level) Sellable() int64 { return max(0, l.Available()+l.BackorderLimit) }

// Low reports whether the available quantity is at or below the reorder point.
func (l Level) Low() bool { return l.Available() <= l.ReorderPoint }
