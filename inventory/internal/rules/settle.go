package rules

import (
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/inventory"
)

// settle moves a reservation through its states; docs/reservation-states.md draws them.
func (b *Book) settle(r inventory.Request) (inventory.Result, *Effect) {
	record := b.Records[r.Key]
	if record == nil || record.Kind != inventory.KindReserve {
		return inventory.Result{Err: fmt.Errorf("reservation %q: %w", r.Key, inventory.ErrNotFound)}, nil
	}
	if done, result := Settled(record, r); done {
		return result, nil
	}
	if r.Kind == inventory.KindExtend {
		if !Later(r.Expires, record.ExpiresAt) {
			return inventory.Result{Repeat: true, Reservation: record.Reservation()}, nil
		}
		was := record.ExpiresAt
		record.ExpiresAt = r.Expires
		return b.carryOut(r, &Effect{Record: record, WasExpiring: was})
	}
	var changes []inventory.Change
	for _, m := range record.of(inventory.KindReserve, record.Key) {
		before, ok := b.Levels[m.Place()]
		if !ok {
			return inventory.Result{Err: &inventory.UnknownSKUError{SKU: m.SKU, Location: m.Location}}, nil
		}
		after := before
		after.Reserved -= m.Reserved
		if r.Kind == inventory.KindCommit {
			after.OnHand -= m.Reserved
		}
		if err := bounded(after); err != nil {
			return inventory.Result{Err: err}, nil
		}
		changes = append(changes, inventory.Change{Before: before, After: after})
	}
	record.State, record.SettledAt = Final(r.Kind), r.Now
	return b.carryOut(r, &Effect{Record: record, WasExpiring: record.ExpiresAt, Changes: changes})
}

// Settled reports whether the reservation's state alone answers the request, and how.
func Settled(record *Record, r inventory.Request) (bool, inventory.Result) {
	over := record.Over(r.Now)
	switch {
	case record.State == inventory.Held && r.Kind == inventory.KindExpire && !over,
		record.State != inventory.Held && record.State == Final(r.Kind),
		record.State == inventory.Expired && r.Kind == inventory.KindRelease,
		record.State != inventory.Held && r.Kind == inventory.KindExpire:
		return true, inventory.Result{Repeat: true, Reservation: record.Reservation(), Movements: record.of(r.Kind, r.Key)}
	case record.State != inventory.Held:
		return true, inventory.Result{Err: &inventory.StateError{Key: record.Key, State: record.State}}
	case over && (r.Kind == inventory.KindCommit || r.Kind == inventory.KindExtend):
		return true, inventory.Result{Err: &inventory.StateError{Key: record.Key, State: inventory.Expired}}
	}
	return false, inventory.Result{}
}

// Later reports whether the end a of a hold is later than b; the zero time is never.
func Later(a, b time.Time) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() && !b.IsZero()
	}
	return a.After(b)
}

// Final is the state that a request of this kind ends a hold in.
func Final(kind inventory.Kind) inventory.State {
	switch kind {
	case inventory.KindCommit:
		return inventory.Committed
	case inventory.KindRelease:
		return inventory.Released
	case inventory.KindExpire:
		return inventory.Expired
	}
	return ""
}

func notCommitted(record *Record) error {
	return &inventory.StateError{Key: record.Key, State: record.State}
}
