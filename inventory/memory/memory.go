// Package memory keeps stock in memory: for tests, demonstrations, and shops whose stock lives only as long as the process.
// It keeps every promise of package inventory but durability and the …Tx variants, which are errors.ErrUnsupported.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// Open returns an empty inventory in memory. Options.Strategy is ignored: one lock serves all.
func Open(options *inventory.Options) (*inventory.Inventory, error) {
	var o inventory.Options
	if options != nil {
		o = *options
	}
	if o.Strategy == inventory.Grouped { // there is no commit to share
		o.Strategy = inventory.Pessimistic
	}
	return inventory.New(&driver{book: rules.NewBook(), held: map[string]*rules.Record{}}, &o)
}

type driver struct {
	mu     sync.RWMutex
	book   *rules.Book
	places []inventory.Place    // of the levels, ordered
	ledger []inventory.Movement // in order of carrying out
	held   map[string]*rules.Record
}

func (d *driver) Apply(ctx context.Context, requests []inventory.Request) ([]inventory.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	results := make([]inventory.Result, len(requests))
	for n, r := range requests {
		results[n] = d.apply(r)
	}
	return results, nil
}

func (d *driver) apply(r inventory.Request) inventory.Result {
	result, effect := d.book.Apply(r)
	if effect == nil {
		return result
	}
	d.ledger = append(d.ledger, effect.Movements...)
	if effect.Record.State == inventory.Held {
		d.held[effect.Record.Key] = effect.Record
	} else {
		delete(d.held, effect.Record.Key)
	}
	for _, change := range effect.Changes {
		if place := change.After.Place(); change.Before.Version == 0 {
			at, _ := slices.BinarySearchFunc(d.places, place, inventory.Place.Compare)
			d.places = slices.Insert(d.places, at, place)
		}
	}
	return result
}

func (d *driver) Sweep(ctx context.Context, now time.Time, limit int) ([]inventory.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var due []*rules.Record
	for _, record := range d.held {
		if record.Over(now) {
			due = append(due, record)
		}
	}
	slices.SortFunc(due, func(a, b *rules.Record) int {
		return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), cmp.Compare(a.Key, b.Key))
	})
	var results []inventory.Result
	for _, record := range due[:min(limit, len(due))] {
		results = append(results, d.apply(inventory.Request{Kind: inventory.KindExpire, Key: record.Key, Now: now}))
	}
	return results, nil
}

func (d *driver) Levels(ctx context.Context, skus []string) ([]inventory.Level, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var levels []inventory.Level
	for _, sku := range slices.Compact(slices.Sorted(slices.Values(skus))) {
		from, _ := slices.BinarySearchFunc(d.places, inventory.Place{SKU: sku}, inventory.Place.Compare)
		for _, place := range d.places[from:] {
			if place.SKU != sku {
				break
			}
			levels = append(levels, d.book.Levels[place])
		}
	}
	return levels, ctx.Err()
}

func (d *driver) List(ctx context.Context, q inventory.ListRequest) ([]inventory.Level, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	from := sort.Search(len(d.places), func(n int) bool { return d.places[n].Compare(q.After) > 0 })
	var levels []inventory.Level
	for _, place := range d.places[from:] {
		level := d.book.Levels[place]
		if (q.Location == "" || place.Location == q.Location) && (!q.Low || level.Low()) {
			if levels = append(levels, level); len(levels) == q.Limit {
				break
			}
		}
	}
	return levels, ctx.Err()
}

func (d *driver) Movements(ctx context.Context, q inventory.MovementRequest) ([]inventory.Movement, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []inventory.Movement
	ledger := d.ledger
	if q.Document != "" {
		ledger = nil
		if record := d.book.Records[q.Document]; record != nil {
			ledger = record.Movements
		}
	}
	for _, m := range ledger {
		if (q.SKU == "" || m.SKU == q.SKU) && (q.Location == "" || m.Location == q.Location) &&
			(q.After == nil || newestFirst(*q.After, m) < 0) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, newestFirst)
	return found[:min(q.Limit, len(found))], ctx.Err()
}

func newestFirst(a, b inventory.Movement) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Key, a.Key), cmp.Compare(b.Step(), a.Step()), cmp.Compare(b.Line, a.Line))
}

func (d *driver) Reservation(ctx context.Context, key string) (inventory.Reservation, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	record := d.book.Records[key]
	if record == nil || record.Kind != inventory.KindReserve {
		return inventory.Reservation{}, fmt.Errorf("reservation %q: %w", key, inventory.ErrNotFound)
	}
	return record.Reservation(), ctx.Err()
}

func (d *driver) Reconcile(ctx context.Context) ([]inventory.Difference, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := map[inventory.Place]*inventory.Difference{}
	at := func(place inventory.Place) *inventory.Difference {
		if all[place] == nil {
			all[place] = &inventory.Difference{SKU: place.SKU, Location: place.Location}
		}
		return all[place]
	}
	for place, level := range d.book.Levels {
		at(place).OnHand, at(place).Reserved = level.OnHand, level.Reserved
	}
	for _, m := range d.ledger {
		at(m.Place()).LedgerOnHand += m.OnHand
		at(m.Place()).LedgerReserved += m.Reserved
		if m.Kind == inventory.KindReserve && d.book.Records[m.Key].State == inventory.Held {
			at(m.Place()).Held += m.Reserved
		}
	}
	var differences []inventory.Difference
	for _, place := range slices.SortedFunc(maps.Keys(all), inventory.Place.Compare) {
		if v := *all[place]; v.OnHand != v.LedgerOnHand || v.Reserved != v.LedgerReserved || v.Reserved != v.Held {
			differences = append(differences, v)
		}
	}
	return differences, ctx.Err()
}

func (d *driver) Close() error { return nil }
