// Package rules decides what a request does to stock. It knows no database: every backend feeds it the rows a request
// needs and writes what it answers, so that all backends agree.
package rules

import (
	"maps"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/inventory"
)

// Record is what is known of a request that was carried out: its row, and the ledger's movements filed under its key.
// The record of a reservation has those of its whole life.
type Record struct {
	Kind      inventory.Kind
	Key       string
	Hash      [16]byte
	State     inventory.State // of a reservation, else empty
	ExpiresAt time.Time
	CreatedAt time.Time
	SettledAt time.Time
	Movements []inventory.Movement
}

// Reservation shows the record of a KindReserve.
func (r *Record) Reservation() inventory.Reservation {
	reservation := inventory.Reservation{Key: r.Key, State: r.State, ExpiresAt: r.ExpiresAt, CreatedAt: r.CreatedAt, SettledAt: r.SettledAt}
	for _, m := range r.of(inventory.KindReserve, r.Key) {
		reservation.Lines = append(reservation.Lines, inventory.Line{SKU: m.SKU, Location: m.Location, Quantity: m.Reserved})
		reservation.Reason, reservation.Reference = m.Reason, m.Reference
	}
	return reservation
}

// Over reports whether the hold's time is over at now.
func (r *Record) Over(now time.Time) bool {
	return inventory.Reservation{ExpiresAt: r.ExpiresAt}.Over(now)
}

// of returns the movements that one request made, in order of their lines.
func (r *Record) of(kind inventory.Kind, key string) []inventory.Movement {
	var made []inventory.Movement
	for _, m := range r.Movements {
		if m.Kind == kind && m.Key == key {
			made = append(made, m)
		}
	}
	slices.SortFunc(made, func(a, b inventory.Movement) int { return a.Line - b.Line })
	return made
}

// Book is the part of the stock that the requests at hand touch: every record named by Keys and every level named by Places,
// where they exist.
type Book struct {
	Levels  map[inventory.Place]inventory.Level
	Records map[string]*Record
}

// NewBook returns an empty one.
func NewBook() *Book {
	return &Book{Levels: map[inventory.Place]inventory.Level{}, Records: map[string]*Record{}}
}

// Keys returns the keys of the records that a request needs.
func Keys(r inventory.Request) []string {
	if r.Reservation != "" {
		return []string{r.Key, r.Reservation}
	}
	return []string{r.Key}
}

// Places returns the places whose levels a request needs, given the records it needs, in no order and possibly twice.
func (b *Book) Places(r inventory.Request) []inventory.Place {
	var places []inventory.Place
	for _, line := range r.Lines {
		places = append(places, line.Place())
	}
	for _, level := range r.Levels {
		places = append(places, level.Place())
	}
	if record := b.Records[r.Key]; Settles(r.Kind) && record != nil {
		for _, m := range record.of(inventory.KindReserve, record.Key) {
			places = append(places, m.Place())
		}
	}
	return places
}

// Settles reports whether requests of this kind are about a reservation that exists, under its key.
func Settles(kind inventory.Kind) bool {
	switch kind {
	case inventory.KindCommit, inventory.KindRelease, inventory.KindExpire, inventory.KindExtend:
		return true
	}
	return false
}

// Effect is what a request, not refused and no repeat, changed in the book and must be stored.
type Effect struct {
	// Record is the request's own new record, or the reservation it settled or extended.
	Record *Record
	// New says that the record did not exist before.
	New bool
	// WasExpiring is when the hold of a record that is not new would have ended, before.
	WasExpiring time.Time
	// Movements are the new ones; they are in a record's Movements already.
	Movements []inventory.Movement
	// Changes are the levels that changed; their After is in the book already.
	Changes []inventory.Change
}

// Apply decides a request and, unless it is refused, changes the book. The effect is nil if nothing is to be stored.
func (b *Book) Apply(r inventory.Request) (inventory.Result, *Effect) {
	if Settles(r.Kind) {
		return b.settle(r)
	}
	if record := b.Records[r.Key]; record != nil {
		return b.repeat(record, r), nil
	}
	changes, err := b.decide(r)
	if err != nil {
		return inventory.Result{Err: err}, nil
	}
	record := &Record{Kind: r.Kind, Key: r.Key, Hash: r.Hash, CreatedAt: r.Now}
	if r.Kind == inventory.KindReserve {
		record.State, record.ExpiresAt = inventory.Held, r.Expires
	}
	b.Records[r.Key] = record
	return b.carryOut(r, &Effect{Record: record, New: true, Changes: changes})
}

func (b *Book) repeat(record *Record, r inventory.Request) inventory.Result {
	if record.Kind != r.Kind || record.Hash != r.Hash {
		return inventory.Result{Err: &inventory.ConflictError{Key: r.Key}}
	}
	result := inventory.Result{Repeat: true}
	switch r.Kind {
	case inventory.KindReserve:
		result.Reservation = record.Reservation()
		result.Movements = record.of(r.Kind, r.Key)
	case inventory.KindReturn:
		result.Movements = b.Records[r.Reservation].of(r.Kind, r.Key)
	default:
		result.Movements = record.of(r.Kind, r.Key)
	}
	return result
}

// carryOut writes the effect's changes into the book and its movements into the ledger.
func (b *Book) carryOut(r inventory.Request, effect *Effect) (inventory.Result, *Effect) {
	file := effect.Record
	if r.Reservation != "" {
		file = b.Records[r.Reservation]
	}
	reason, reference := r.Reason, r.Reference
	if Settles(r.Kind) {
		was := file.Reservation()
		reason, reference = was.Reason, was.Reference
	}
	for n, change := range effect.Changes {
		change.After.Version++
		change.After.UpdatedAt = r.Now
		effect.Changes[n] = change
		b.Levels[change.After.Place()] = change.After
		m := inventory.Movement{Key: r.Key, Kind: r.Kind, Line: n + 1, SKU: change.After.SKU, Location: change.After.Location,
			OnHand: change.After.OnHand - change.Before.OnHand, Reserved: change.After.Reserved - change.Before.Reserved,
			Reason: reason, Reference: reference, At: r.Now}
		if file.Kind == inventory.KindReserve {
			m.Reservation = file.Key
		}
		effect.Movements = append(effect.Movements, m)
	}
	file.Movements = append(file.Movements, effect.Movements...)
	result := inventory.Result{Movements: effect.Movements, Changes: effect.Changes}
	if file.Kind == inventory.KindReserve {
		result.Reservation = file.Reservation()
	}
	return result, effect
}

// Assume returns a book for requests that change levels by differences, in which every level they touch exists and has
// room: their effects are then right in all but the levels, which the database must check and change by the movements.
// The records are of the reservations that the requests settle, if they do.
func Assume(requests []inventory.Request, records map[string]*Record) *Book {
	b := NewBook()
	maps.Copy(b.Records, records)
	for _, r := range requests {
		for _, place := range b.Places(r) {
			b.Levels[place] = inventory.Level{SKU: place.SKU, Location: place.Location, BackorderLimit: 2 * inventory.MaxQuantity, Version: 1}
		}
	}
	return b
}
