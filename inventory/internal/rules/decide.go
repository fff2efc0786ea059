package rules

import (
	"fmt"

	"github.com/seed82d84382/commerce/inventory"
)

// decide returns the changes that a new request makes, one a line or level, or why it is refused.
func (b *Book) decide(r inventory.Request) ([]inventory.Change, error) {
	if r.Kind == inventory.KindReturn {
		if err := b.checkReturn(r); err != nil {
			return nil, err
		}
	}
	changes := make([]inventory.Change, 0, len(r.Lines)+len(r.Levels))
	for _, line := range r.Lines {
		after, err := Move(b.Levels[line.Place()], r.Kind, line)
		if err != nil {
			return nil, err
		}
		changes = append(changes, inventory.Change{Before: b.before(line.Place()), After: after})
	}
	for _, wanted := range r.Levels {
		before := b.before(wanted.Place())
		after, err := put(before, r.Kind, wanted, r.IfOnHand)
		if err != nil {
			return nil, err
		}
		changes = append(changes, inventory.Change{Before: before, After: after})
	}
	return changes, nil
}

// before is the level at a place, with nothing in it if it does not exist yet.
func (b *Book) before(place inventory.Place) inventory.Level {
	if level, ok := b.Levels[place]; ok {
		return level
	}
	return inventory.Level{SKU: place.SKU, Location: place.Location}
}

// Move is the level after a line of a request, or why the line is refused. A level of version 0 does not exist.
func Move(level inventory.Level, kind inventory.Kind, line inventory.Line) (inventory.Level, error) {
	creates := kind == inventory.KindReceive || kind == inventory.KindTransfer && line.Quantity > 0
	if level.Version == 0 {
		if !creates {
			return level, &inventory.UnknownSKUError{SKU: line.SKU, Location: line.Location}
		}
		level.SKU, level.Location = line.SKU, line.Location
	}
	short := func(available int64) error {
		want := max(line.Quantity, -line.Quantity)
		return &inventory.InsufficientError{SKU: line.SKU, Location: line.Location, Want: want, Available: max(0, available)}
	}
	switch kind {
	case inventory.KindReserve:
		if level.Sellable() < line.Quantity {
			return level, short(level.Sellable())
		}
		level.Reserved += line.Quantity
	case inventory.KindTransfer:
		if free := level.OnHand - level.Reserved; line.Quantity < 0 && free < -line.Quantity {
			return level, short(free)
		}
		level.OnHand += line.Quantity
	case inventory.KindAdjust:
		if free := level.OnHand - level.Reserved + level.BackorderLimit; line.Quantity < 0 && free < -line.Quantity {
			return level, short(free)
		}
		level.OnHand += line.Quantity
	case inventory.KindReceive, inventory.KindReturn:
		level.OnHand += line.Quantity
	default:
		return level, fmt.Errorf("inventory: rules: no lines in a %q", kind)
	}
	return level, bounded(level)
}

// put is the level after a request that names the wanted values.
func put(level inventory.Level, kind inventory.Kind, wanted inventory.Level, ifOnHand *int64) (inventory.Level, error) {
	if ifOnHand != nil && *ifOnHand != level.OnHand {
		return level, &inventory.ChangedError{SKU: level.SKU, Location: level.Location, Expected: *ifOnHand, OnHand: level.OnHand}
	}
	if kind != inventory.KindConfigure {
		level.OnHand = wanted.OnHand
	}
	if kind != inventory.KindSet {
		level.SafetyStock, level.BackorderLimit, level.ReorderPoint = wanted.SafetyStock, wanted.BackorderLimit, wanted.ReorderPoint
	}
	if sold := level.Reserved - level.OnHand; sold > level.BackorderLimit {
		return level, &inventory.InsufficientError{SKU: level.SKU, Location: level.Location,
			Want: level.Reserved, Available: max(0, level.OnHand+level.BackorderLimit)}
	}
	return level, bounded(level)
}

// bounded keeps every quantity within MaxQuantity, so that no sum of a few of them overflows anywhere.
func bounded(level inventory.Level) error {
	if level.OnHand > inventory.MaxQuantity || level.OnHand < -inventory.MaxQuantity || level.Reserved > inventory.MaxQuantity {
		return &inventory.InvalidError{Field: "Quantity",
			Reason: fmt.Sprintf("takes the stock of %q at %q beyond %d", level.SKU, level.Location, int64(inventory.MaxQuantity))}
	}
	return nil
}

// checkReturn lets nothing come back that the reservation has not sold.
func (b *Book) checkReturn(r inventory.Request) error {
	record := b.Records[r.Reservation]
	if record == nil || record.Kind != inventory.KindReserve {
		return fmt.Errorf("reservation %q: %w", r.Reservation, inventory.ErrNotFound)
	}
	if record.State != inventory.Committed {
		return notCommitted(record)
	}
	out := map[inventory.Place]int64{}
	for _, m := range record.Movements {
		switch m.Kind {
		case inventory.KindCommit, inventory.KindReturn:
			out[m.Place()] -= m.OnHand
		}
	}
	for _, line := range r.Lines {
		if line.Quantity > out[line.Place()] {
			return &inventory.InvalidError{Field: "Lines", Reason: fmt.Sprintf("return more of %q at %q than the reservation sold (%d left)",
				line.SKU, line.Location, out[line.Place()])}
		}
	}
	return nil
}
