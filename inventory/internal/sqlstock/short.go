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
	return s.short(ctx, func(tx *transaction) ([]*rules.Effect, []inventory.Result, error) {
		records := map[string]*rules.Record{}
		if r.Kind == inventory.KindCommit || r.Kind == inventory.KindRelease {
			record, err := s.settle(ctx, tx, r)
			if err != nil {
				return nil, nil, err
			}
			records[r.Key] = record
		}
		requests := []inventory.Request{r}
		results, effects := applyAll(rules.Assume(requests, records), requests)
		if len(effects) == 0 {
			return nil, nil, errUndone
		}
		if effects[0].New {
			tx.later(s.inserts(requestTable, [][]any{recordRow(effects[0].Record)})...)
		}
		tx.later(s.inserts(movementTable, movementRows(effects[0].Movements))...)
		for _, m := range effects[0].Movements {
			tx.later(guarded(m))
		}
		return effects, results, nil
	})
}

// together carries out many reservations by the short way, or reports that it did not.
func (s *Store) together(ctx context.Context, requests []inventory.Request) (results []inventory.Result, done bool, err error) {
	return s.short(ctx, func(tx *transaction) ([]*rules.Effect, []inventory.Result, error) {
		results, effects := applyAll(rules.Assume(requests, nil), requests)
		if len(effects) < len(requests) {
			return nil, nil, errUndone
		}
		var records, movements [][]any
		takes := map[inventory.Place]*Take{}
		var places []inventory.Place
		for _, effect := range effects {
			records = append(records, recordRow(effect.Record))
			movements = append(movements, movementRows(effect.Movements)...)
			for _, m := range effect.Movements {
				take := takes[m.Place()]
				if take == nil {
					take = &Take{Place: m.Place()}
					takes[take.Place] = take
					places = append(places, take.Place)
				}
				take.Quantity += m.Reserved
				take.Versions++
				take.UpdatedAt = max(take.UpdatedAt, m.At.UnixMicro())
			}
		}
		byKey := func(a, b []any) int { return compareText(a[0].(string), b[0].(string)) }
		slices.SortFunc(records, byKey)
		slices.SortStableFunc(movements, byKey)
		slices.SortFunc(places, inventory.Place.Compare)
		tx.later(s.inserts(requestTable, records)...)
		tx.later(s.inserts(movementTable, movements)...)
		for part := range slices.Chunk(places, chunk) {
			some := make([]Take, len(part))
			for n, place := range part {
				some[n] = *takes[place]
			}
			tx.later(s.take(some))
		}
		return effects, results, nil
	})
}

func (s *Store) take(takes []Take) Statement {
	if len(takes) > 1 {
		statement := s.dialect.Take(takes)
		statement.Changes = int64(len(takes))
		return statement
	}
	t := takes[0]
	return Statement{Changes: 1, Query: `UPDATE inventory_levels SET reserved = reserved + ?, version = version + ?, updated_at = ?
		WHERE sku = ? AND location = ? AND reserved <= ? AND on_hand - reserved - safety_stock + backorder_limit >= ?`,
		Args: []any{t.Quantity, t.Versions, t.UpdatedAt, t.SKU, t.Location, inventory.MaxQuantity - t.Quantity, t.Quantity}}
}

// short runs work and says whether it was done. Work returns what it expects to have changed.
func (s *Store) short(ctx context.Context, work func(*transaction) ([]*rules.Effect, []inventory.Result, error)) (results []inventory.Result, done bool, err error) {
	err = s.transact(ctx, s.dialect.Begin, s.unlessDecided, func(tx *transaction) error {
		var effects []*rules.Effect
		if effects, results, err = work(tx); err != nil {
			return err
		}
		// The last answer before the commit, so that what the script finds is known here.
		return s.observe(ctx, tx, effects)
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
	return errors.Is(err, ErrStale) || s.dialect.Fault(err) == Duplicate
}

func (s *Store) unlessDecided(err error) bool { return !s.decided(err) && s.again(err) }

// settle moves the reservation to its new state if it may, which locks it, and returns it as it was.
func (s *Store) settle(ctx context.Context, tx *transaction, r inventory.Request) (*rules.Record, error) {
	state, query := inventory.Released, "UPDATE inventory_requests SET state = ?, settled_at = ? WHERE request_key = ? AND state = 'held'"
	args := []any{r.Now.UnixMicro(), r.Key}
	if r.Kind == inventory.KindCommit {
		state = inventory.Committed
		query += " AND (expires_at IS NULL OR expires_at > ?)"
		args = append(args, r.Now.UnixMicro())
	}
	loader := s.newLoader("")
	found := map[string][]inventory.Movement{}
	script := []Statement{{Query: query, Args: append([]any{string(state)}, args...), Changes: 1}}
	script = append(script, loader.records([]string{r.Key})...)
	if err := tx.run(ctx, append(script, loader.ledger([]string{r.Key}, found)...)...); err != nil {
		return nil, err
	}
	loader.file(found)
	record := loader.book.Records[r.Key]
	record.State, record.SettledAt = inventory.Held, time.Time{}
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
// was assumed of them is then replaced by what is true, from the last change to the first.
func (s *Store) observe(ctx context.Context, tx *transaction, effects []*rules.Effect) error {
	if s.options.Events == nil {
		for _, effect := range effects {
			clear(effect.Changes) // assumed, and nobody asked
		}
		return nil
	}
	var places []inventory.Place
	for _, effect := range effects {
		for _, m := range effect.Movements {
			places = append(places, m.Place())
		}
	}
	loader := s.newLoader("")
	if err := tx.run(ctx, loader.levels(sortedUnique(places, inventory.Place.Compare))...); err != nil {
		return err
	}
	for _, effect := range slices.Backward(effects) {
		for n, m := range effect.Movements {
			after := loader.book.Levels[m.Place()]
			before := after
			before.OnHand -= m.OnHand
			before.Reserved -= m.Reserved
			before.Version--
			loader.book.Levels[m.Place()] = before
			effect.Changes[n] = inventory.Change{Before: before, After: after}
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
