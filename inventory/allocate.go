package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Allocation chooses the locations that an order is taken from. It gets what is wanted, one line a SKU without a location and ordered by
// SKU, and the levels of these SKUs at all locations, and returns lines with locations. What it leaves out cannot be had.
// It must be pure: it may be called several times for an order, as levels change. [InOrder] and [Together] make two.
type Allocation func(want []Line, levels []Level) []Line

// InOrder takes from the first location what it can sell, then from the next one. Locations that are not named are not
// used; with no names all are, in order of their names.
func InOrder(locations ...string) Allocation {
	return func(want []Line, levels []Level) []Line {
		order := orderOf(locations, levels)
		sellable := sellableOf(levels)
		var taken []Line
		for _, line := range want {
			for _, location := range order {
				n := min(line.Quantity, sellable[Place{line.SKU, location}])
				if n > 0 {
					taken = append(taken, Line{SKU: line.SKU, Location: location, Quantity: n})
					line.Quantity -= n
				}
			}
		}
		return taken
	}
}

// Together takes the whole order from the first location that can sell all of it, so that it is one parcel. If none
// can, it does what InOrder does.
func Together(locations ...string) Allocation {
	return func(want []Line, levels []Level) []Line {
		sellable := sellableOf(levels)
		for _, location := range orderOf(locations, levels) {
			var taken []Line
			for _, line := range want {
				if sellable[Place{line.SKU, location}] >= line.Quantity {
					taken = append(taken, Line{SKU: line.SKU, Location: location, Quantity: line.Quantity})
				}
			}
			if len(taken) == len(want) {
				return taken
			}
		}
		return InOrder(locations...)(want, levels)
	}
}

func orderOf(locations []string, levels []Level) []string {
	if len(locations) > 0 {
		return locations
	}
	for _, level := range levels {
		locations = append(locations, level.Location)
	}
	slices.Sort(locations)
	return slices.Compact(locations)
}

func sellableOf(levels []Level) map[Place]int64 {
	sellable := make(map[Place]int64, len(levels))
	for _, level := range levels {
		sellable[level.Place()] = level.Sellable()
	}
	return sellable
}

// allocations bounds how often an order is allocated anew because somebody else took what was chosen.
const allocations = 20

// ReserveFrom is Reserve of an order whose lines name no locations: the allocation chooses them, from levels read just before.
// When somebody else was faster, it chooses again, a bounded number of times.
//
// A repeat with the same key and quantities returns the first answer, wherever its units were taken from.
// An [InsufficientError] for all locations together has no Location. An order of more than MaxPage SKUs is an [InvalidError].
func (i *Inventory) ReserveFrom(ctx context.Context, order Order, allocate Allocation) (Reservation, error) {
	want, err := i.checkWant(order, allocate)
	if err != nil {
		return Reservation{}, wrap("reserve", err)
	}
	for attempt := 1; ; attempt++ {
		done, found, err := i.reservedBefore(ctx, order.Key, want)
		if err != nil || found {
			return done, err
		}
		lines, err := i.allocate(ctx, want, allocate)
		if err != nil {
			return Reservation{}, err
		}
		placed := order
		placed.Lines = lines
		hold, err := i.Reserve(ctx, placed)
		again := errors.Is(err, ErrInsufficient) || errors.Is(err, ErrConflict) // the same key by somebody else, just now
		if !again || attempt == allocations {
			return hold, err
		}
	}
}

func (i *Inventory) checkWant(order Order, allocate Allocation) ([]Line, error) {
	if allocate == nil {
		return nil, invalid("allocate", "is nil")
	}
	for n, line := range order.Lines {
		if line.Location != "" {
			return nil, invalid(fmt.Sprintf("Lines[%d].Location", n), "is for the allocation to choose")
		}
	}
	r, err := i.reserveRequest(order) // which checks everything else
	if err != nil {
		return nil, err
	}
	for n := range r.Lines {
		r.Lines[n].Location = ""
	}
	return r.Lines, nil
}

// reservedBefore finds the reservation of an earlier call with the same key.
func (i *Inventory) reservedBefore(ctx context.Context, key string, want []Line) (Reservation, bool, error) {
	done, err := i.Reservation(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return Reservation{}, false, nil
	}
	if err != nil {
		return Reservation{}, false, err
	}
	if !slices.Equal(withoutLocations(done.Lines), want) {
		return Reservation{}, false, wrap("reserve", &ConflictError{Key: key})
	}
	return done, true, nil
}

func (i *Inventory) allocate(ctx context.Context, want []Line, allocate Allocation) ([]Line, error) {
	skus := make([]string, len(want))
	for n, line := range want {
		skus[n] = line.SKU
	}
	levels, err := i.Levels(ctx, skus...)
	if err != nil {
		return nil, err
	}
	lines := allocate(slices.Clone(want), levels)
	got := withoutLocations(lines)
	for _, line := range want {
		at, ok := slices.BinarySearchFunc(got, line.SKU, func(l Line, sku string) int { return cmp.Compare(l.SKU, sku) })
		var n int64
		if ok {
			n = got[at].Quantity
		}
		if n >= line.Quantity {
			continue
		}
		if !slices.ContainsFunc(levels, func(l Level) bool { return l.SKU == line.SKU }) {
			return nil, wrap("reserve", &UnknownSKUError{SKU: line.SKU})
		}
		return nil, wrap("reserve", &InsufficientError{SKU: line.SKU, Want: line.Quantity, Available: n})
	}
	if !slices.Equal(got, want) {
		return nil, wrap("reserve", invalid("allocate", "returned other SKUs or more units than wanted"))
	}
	return lines, nil
}

// withoutLocations sums lines by SKU, ordered.
func withoutLocations(lines []Line) []Line {
	sums := map[string]int64{}
	for _, line := range lines {
		sums[line.SKU] += line.Quantity
	}
	summed := make([]Line, 0, len(sums))
	for sku, quantity := range sums {
		summed = append(summed, Line{SKU: sku, Quantity: quantity})
	}
	slices.SortFunc(summed, func(a, b Line) int { return cmp.Compare(a.SKU, b.SKU) })
	return summed
}
