// Package inventory keeps a shop's stock and never sells a unit twice.
//
// Stock is kept per SKU and location. A checkout reserves units for a while, then commits or releases them:
//
//	hold, err := stock.Reserve(ctx, inventory.Order{Key: "order-1001", TTL: 10 * time.Minute,
//		Lines: []inventory.Line{{SKU: "tea-250g", Quantity: 2}, {SKU: "cup", Quantity: 1}}})
//	if short, ok := errors.AsType[*inventory.InsufficientError](err); ok {
//		// short.SKU, short.Want, short.Available
//	}
//	err = stock.Commit(ctx, hold.Key) // or Release, Extend
//
// The backends inventory/memory, inventory/sqlite, inventory/mysql and inventory/postgres open an [Inventory]; [New] makes one of any [Driver].
//
// # What is promised
//
//   - Of every level, on hand − reserved + backorder limit is never below zero, at any isolation level and with any
//     number of processes. [Inventory.Reserve] also leaves the safety stock alone.
//   - An order is reserved whole or not at all.
//   - Every change of a quantity appends an immutable [Movement] in the same transaction; [Inventory.Reconcile] compares the two.
//   - Every mutation carries an idempotency key. A repeat with the same arguments changes nothing and returns the first
//     answer; with other arguments it is a [ConflictError]. A refusal is not recorded: its repeat is decided anew.
//   - What was acknowledged is as durable as the database makes a committed transaction.
//
// # Lost answers
//
// A mutation is given up when its context ends only while nothing is committed. When the connection breaks during a
// commit, the request is asked again under its key, which either finds the first answer or does the work. Only
// when that fails too does the caller see [ErrOutcomeUnknown]: it is not a failure, and repeating the call with the same key
// is always safe.
//
// # Concurrency
//
// An Inventory is safe for use by many goroutines. Close it when done; it waits for the calls in flight.
package inventory
