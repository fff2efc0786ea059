package inventory

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// Level returns the stock of one SKU at one location (DefaultLocation if empty), or an [UnknownSKUError].
func (i *Inventory) Level(ctx context.Context, sku, location string) (Level, error) {
	location = orMain(location)
	if err := firstError(checkSKU("sku", sku), checkLocation("location", location)); err != nil {
		return Level{}, wrap("level", err)
	}
	return observe(ctx, i, "level", func(ctx context.Context) (Level, error) {
		levels, err := i.driver.Levels(ctx, []string{sku})
		if err != nil {
			return Level{}, err
		}
		for _, level := range levels {
			if level.Location == location {
				return level, nil
			}
		}
		return Level{}, &UnknownSKUError{SKU: sku, Location: location}
	})
}

// Levels returns the stock of up to MaxPage SKUs at all locations with one query, ordered by SKU and location.
// Unknown SKUs are left out.
func (i *Inventory) Levels(ctx context.Context, skus ...string) ([]Level, error) {
	if len(skus) == 0 {
		return nil, nil
	}
	if len(skus) > MaxPage {
		return nil, wrap("levels", invalid("skus", "has more than %d SKUs", MaxPage))
	}
	for n, sku := range skus {
		if err := checkSKU(fmt.Sprintf("skus[%d]", n), sku); err != nil {
			return nil, wrap("levels", err)
		}
	}
	return observe(ctx, i, "levels", func(ctx context.Context) ([]Level, error) { return i.driver.Levels(ctx, skus) })
}

// ListQuery asks for a page of levels.
type ListQuery struct {
	// Location limits the list to one location. Empty means all.
	Location string
	// Cursor is the Next of the page before. Empty means the beginning.
	Cursor string
	// Limit is the page's length, up to MaxPage. Default: 100.
	Limit int
}

// LevelPage is a page of levels, ordered by SKU and location.
type LevelPage struct {
	Levels []Level
	// Next is the cursor of the next page, empty on the last one.
	Next string
}

// List returns a page of all levels.
func (i *Inventory) List(ctx context.Context, query ListQuery) (LevelPage, error) {
	return i.list(ctx, "list", query, false)
}

// LowStock returns a page of the levels whose available quantity is at or below their reorder point.
func (i *Inventory) LowStock(ctx context.Context, query ListQuery) (LevelPage, error) {
	return i.list(ctx, "low stock", query, true)
}

func (i *Inventory) list(ctx context.Context, operation string, query ListQuery, low bool) (LevelPage, error) {
	request := ListRequest{Location: query.Location, Low: low}
	err := checkLimit(&query.Limit)
	if err == nil && query.Location != "" {
		err = checkLocation("Location", query.Location)
	}
	if err == nil {
		err = decodeCursor(query.Cursor, &request.After)
	}
	if err != nil {
		return LevelPage{}, wrap(operation, err)
	}
	request.Limit = query.Limit + 1
	return observe(ctx, i, operation, func(ctx context.Context) (LevelPage, error) {
		levels, err := i.driver.List(ctx, request)
		page := LevelPage{Levels: levels}
		if len(levels) > query.Limit {
			page.Levels = levels[:query.Limit]
			page.Next = encodeCursor(page.Levels[query.Limit-1].Place())
		}
		return page, err
	})
}

// MovementQuery asks for a page of the ledger.
type MovementQuery struct {
	// SKU limits the page to one SKU, and Location then to one location.
	SKU, Location string
	// Key limits the page to the movements of one reservation or other request, returns of that reservation included. Not together with SKU.
	Key string
	// Cursor is the Next of the page before. Empty means the newest.
	Cursor string
	// Limit is the page's length, up to MaxPage. Default: 100.
	Limit int
}

// MovementPage is a page of the ledger, newest first.
type MovementPage struct {
	Movements []Movement
	// Next is the cursor of the next page, empty on the last one.
	Next string
}

// Movements returns a page of the ledger, newest first. Movements that are made while paging never shift a later page.
func (i *Inventory) Movements(ctx context.Context, query MovementQuery) (MovementPage, error) {
	request, err := query.request()
	if err != nil {
		return MovementPage{}, wrap("movements", err)
	}
	limit := request.Limit
	request.Limit++
	return observe(ctx, i, "movements", func(ctx context.Context) (MovementPage, error) {
		movements, err := i.driver.Movements(ctx, request)
		page := MovementPage{Movements: movements}
		if len(movements) > limit {
			page.Movements = movements[:limit]
			page.Next = encodeCursor(newMovementCursor(page.Movements[limit-1]))
		}
		return page, err
	})
}

func (q MovementQuery) request() (MovementRequest, error) {
	r := MovementRequest{SKU: q.SKU, Location: q.Location, Document: q.Key}
	err := checkLimit(&q.Limit)
	r.Limit = q.Limit
	switch {
	case err != nil:
	case q.SKU != "" && q.Key != "":
		err = invalid("Key", "cannot be combined with SKU")
	case q.SKU == "" && q.Location != "":
		err = invalid("Location", "needs a SKU")
	case q.Key != "":
		err = checkKey("Key", q.Key)
	case q.SKU != "":
		err = checkSKU("SKU", q.SKU)
	}
	if err == nil && q.Location != "" {
		err = checkLocation("Location", q.Location)
	}
	if err == nil && q.Cursor != "" {
		var cursor movementCursor
		if err = decodeCursor(q.Cursor, &cursor); err == nil {
			r.After = cursor.movement()
		}
	}
	return r, err
}

// Reconcile compares every level with the sum of its movements and with the holds, at one moment, and returns each
// place where they differ. It reads the whole ledger. An empty result is what it should be.
func (i *Inventory) Reconcile(ctx context.Context) ([]Difference, error) {
	return observe(ctx, i, "reconcile", i.driver.Reconcile)
}

// movementCursor is a movement's position in the ledger.
type movementCursor struct {
	At        int64 // microseconds since 1970
	Key, Kind string
	Line      int
}

func newMovementCursor(m Movement) movementCursor {
	return movementCursor{At: m.At.UnixMicro(), Key: m.Key, Kind: string(m.Kind), Line: m.Line}
}

func (c movementCursor) movement() *Movement {
	return &Movement{At: time.UnixMicro(c.At).UTC(), Key: c.Key, Kind: Kind(c.Kind), Line: c.Line}
}

func encodeCursor(position any) string {
	data, err := json.Marshal(position)
	if err != nil {
		panic("inventory: cursor: " + err.Error()) // plain strings and numbers: cannot happen
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func decodeCursor(cursor string, position any) error {
	if cursor == "" {
		return nil
	}
	if len(cursor) > 4096 {
		return invalid("Cursor", "is too long")
	}
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, position)
	}
	if err != nil {
		return invalid("Cursor", "is not one of ours")
	}
	return nil
}
