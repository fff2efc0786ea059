package inventory

import (
	"context"
	"log/slog"
	"runtime/debug"
)

// EventKind is what happened to a level.
type EventKind string

// The kinds of events. A level that runs out sends OutOfStock and not LowStock as well.
const (
	// OutOfStock: nothing is left to sell, backorders included.
	OutOfStock EventKind = "out-of-stock"
	// LowStock: what is available fell to the reorder point or below it.
	LowStock EventKind = "low-stock"
	// BackInStock: there is something to sell again.
	BackInStock EventKind = "back-in-stock"
)

// Event tells of a level that crossed a line. Level is as it was right after the change.
type Event struct {
	Kind  EventKind
	Level Level
}

func (c Change) event() (EventKind, bool) {
	had, has := c.Before.Sellable() > 0, c.After.Sellable() > 0
	switch {
	case had && !has:
		return OutOfStock, true
	case !had && has && c.Before.Version > 0:
		return BackInStock, true
	case had && !c.Before.Low() && c.After.Low():
		return LowStock, true
	}
	return "", false
}

func (i *Inventory) publish(ctx context.Context, changes []Change) {
	if i.options.Events == nil {
		return
	}
	for _, change := range changes {
		if kind, ok := change.event(); ok {
			i.send(ctx, Event{Kind: kind, Level: change.After})
		}
	}
}

func (i *Inventory) send(ctx context.Context, event Event) {
	defer func() {
		if cause := recover(); cause != nil {
			i.options.Logger.ErrorContext(ctx, "inventory: events hook panicked", slog.String("event", string(event.Kind)),
				slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
		}
	}()
	// The change is committed: that the caller has left must not lose its event.
	i.options.Events(context.WithoutCancel(ctx), event)
}
