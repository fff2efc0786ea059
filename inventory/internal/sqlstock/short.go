package sqlstock

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/rules"
)

// The short way writes first and lets each UPDATE's own condition decide, the levels last: one script, which is one round trip
// where the database allows. Whatever it finds other than the plain case (a key known already, too little stock, a
// hold that is over) ends it with nothing done, and the requests are decided under locks.

// guardable reports whether a request changes levels by differences that one UPDATE can check.
func guardable(r inventory.Request) bool {
	switch r.Kind {
	case inventory.KindReserve, inventory.KindCommit, inventory.KindRelease, inventory.KindAdjust, inventory.KindReceive:
		return true
	}
	return false
}

// conditional carries out one request by the short way, or reports that it did not.
func (s *Store) conditional(ctx context.Context, r inventory.Request) (results []inventory.Result, done bool, err error) {
	return s.short(ctx, func(tx *transaction) ([]inventory.Result, error) {
		records := map[string]*rules.Record{}
		if r.Kind == inventory.KindCommit || r.Kind == inventory.KindRelease {
			record, err := s.settle(ctx, tx, r)
			if err != nil {
				return nil, err
			}
			records[r.Key] = record
		}
		requests := []inventory.Request{r}
		results, effects := applyAll(rules.Assume(requests, records), requests)
		if len(effects) == 0 {
			return nil, errUndone
		}
		s.append(tx, entries(effects[0]))
		for _, m := range effects[0].Movements {
			tx.later(guarded(m))
		}
		return results, nil
	})
}

// together carries out many reservations by the short way, or reports that it did not.
func (s *Store) together(ctx context.Context, requests []inventory.Request) (results []inventory.Result, done bool, err error) {
	return s.short(ctx, func(tx *transaction) ([]inventory.Result, error) {
		results := rules.Grant(requests)
		lines := 0
		for n := range results {
			lines += len(results[n].Movements)
		}
		ledger := make([]entry, 0, lines)
		records := make([]rules.Record, len(requests))
		at := map[inventory.Place]int{} // in takes
		var takes []Take
		for n := range results {
			r, movements := &requests[n], results[n].Movements
			records[n] = rules.Record{Kind: r.Kind, Key: r.Key, Hash: r.Hash, State: inventory.Held, ExpiresAt: r.Expires, CreatedAt: r.Now}
			for line := range movements {
				m := &movements[line]
				ledger = append(ledger, entry{Movement: m})
				place := m.Place()
				take, seen := at[place]
				if !seen {
					take, at[place] = len(takes), len(takes)
					takes = append(takes, Take{Place: place})
				}
				t := &takes[take]
				t.Quantity += m.Reserved
				t.Versions++
				t.UpdatedAt = max(t.UpdatedAt, m.At.UnixMicro())
			}
			ledger[len(ledger)-len(movements)].record = &records[n]
		}
		slices.SortStableFunc(ledger, entry.compare)
		slices.SortFunc(takes, func(a, b Take) int { return a.Place.Compare(b.Place) })
		s.append(tx, ledger)
		for part := range slices.Chunk(takes, s.room()) {
			tx.later(s.take(part))
		}
		return results, nil
	})
}

func (s *Store) take(takes []Take) Statement {
	if len(takes) > 1 {
		return s.dialect.Take(takes)
	}
	t := takes[0]
	return Statement{Changes: 1, Query: `UPDATE inventory_levels SET reserved = reserved + ?, version = version + ?, updated_at = ?
		WHERE sku = ? AND location = ? AND reserved <= ? AND on_hand - reserved - safety_stock + backorder_limit >= ?`,
		Args: []any{t.Quantity, t.Versions, t.UpdatedAt, t.SKU, t.Location, inventory.MaxQuantity - t.Quantity, t.Quantity}}
}

// short runs work and says whether it was done. Work returns what it expects to have changed.
func (s *Store) short(ctx context.Context, work func(*transaction) ([]inventory.Result, error)) (results []inventory.Result, done bool, err error) {
	err = s.transact(ctx, s.dialect.Begin, s.unlessDecided, func(tx *transaction) error {
		if results, err = work(tx); err != nil {
			return err
		}
		// The last answer before the commit, so that what the script finds is known here.
		return s.observe(ctx, tx, results)
	})
	switch {
	case err == nil:
		return results, true, nil
	case errors.Is(err, errUndone) || s.decided(err):
		return nil, false, nil
	}
	return nil, false, err
}

// decided reports whether the database has said no, which the exact path then explains.
func (s *Store) decided(err error) bool {
	fault := s.dialect.Fault(err)
	return errors.Is(err, ErrStale) || fault == Duplicate || fault == TooLittle
}

func (s *Store) unlessDecided(err error) bool { return !s.decided(err) && s.again(err) }

// settle moves the reservation to its new state if it may, which locks it, and returns it as it was.
func (s *Store) settle(ctx context.Context, tx *transaction, r inventory.Request) (*rules.Record, error) {
	query := "UPDATE inventory_movements SET settled_at = ? WHERE request_key = ? AND step = 0 AND line = 1 AND kind = 'reserve' AND settled_at IS NULL"
	args := []any{r.Now.UnixMicro(), r.Key}
	if r.Kind == inventory.KindCommit {
		query += " AND (expires_at IS NULL OR expires_at > ?)"
		args = append(args, r.Now.UnixMicro())
	}
	loader := s.newLoader("")
	script := []Statement{{Query: query, Args: args, Changes: 1}}
	if err := tx.run(ctx, append(script, loader.records([]string{r.Key})...)...); err != nil {
		return nil, err
	}
	record := loader.book.Records[r.Key]
	record.SettledAt = time.Time{}
	return record, nil
}

// guarded changes a level by a movement, unless that breaks what package rules would refuse.
func guarded(m inventory.Movement) Statement {
	query := `UPDATE inventory_levels SET on_hand = on_hand + ?, reserved = reserved + ?, version = version + 1, updated_at = ?
		WHERE sku = ? AND location = ? AND on_hand <= ? AND reserved <= ?`
	args := []any{m.OnHand, m.Reserved, m.At.UnixMicro(), m.SKU, m.Location,
		inventory.MaxQuantity - max(0, m.OnHand), inventory.MaxQuantity - max(0, m.Reserved)}
	switch {
	case m.Kind == inventory.KindReserve:
		query += " AND on_hand - reserved - safety_stock + backorder_limit >= ?"
		args = append(args, m.Reserved)
	case m.Kind == inventory.KindAdjust && m.OnHand < 0:
		query += " AND on_hand - reserved + backorder_limit >= ?"
		args = append(args, -m.OnHand)
	}
	return Statement{Query: query, Args: args, Changes: 1}
}

// observe reads the levels after their update, if somebody wants to hear of the changes; they are locked by it. What
// changed is then told from the last movement to the first.
func (s *Store) observe(ctx context.Context, tx *transaction, results []inventory.Result) error {
	for n := range results {
		results[n].Changes = nil // assumed
	}
	if s.options.Events == nil {
		return nil
	}
	var places []inventory.Place
	for _, result := range results {
		for _, m := range result.Movements {
			places = append(places, m.Place())
		}
	}
	loader := s.newLoader("")
	if err := tx.run(ctx, loader.levels(sortedUnique(places, inventory.Place.Compare))...); err != nil {
		return err
	}
	for r := range slices.Backward(results) {
		result := &results[r]
		result.Changes = make([]inventory.Change, len(result.Movements))
		for n, m := range result.Movements {
			after := loader.book.Levels[m.Place()]
			before := after
			before.OnHand -= m.OnHand
			before.Reserved -= m.Reserved
			before.Version--
			loader.book.Levels[m.Place()] = before
			result.Changes[n] = inventory.Change{Before: before, After: after}
		}
	}
	return nil
}

// shyness keeps a group from trying the short way where it keeps failing, as when all is sold out.
type shyness struct{ skip, failures atomic.Int32 }

// try reports whether the short way may be worth it now.
func (y *shyness) try() bool { return y.skip.Add(-1) < 0 }

// learn notes how it went: after each failure in a row twice as many groups go the long way, up to 64.
func (y *shyness) learn(done bool) {
	if done {
		y.failures.Store(0)
		y.skip.Store(0)
		return
	}
	y.skip.Store(1 << min(y.failures.Add(1), 6))
}
