package rules

import "github.com/seed82d84382/commerce/inventory"

// Grant answers reservations as Book.Apply does when there is enough of everything and no key was used before, which
// the database must check.
func Grant(requests []inventory.Request) []inventory.Result {
	lines := 0
	for n := range requests {
		lines += len(requests[n].Lines)
	}
	results, movements := make([]inventory.Result, len(requests)), make([]inventory.Movement, 0, lines)
	for n := range requests {
		r := &requests[n]
		first := len(movements)
		for line, l := range r.Lines {
			movements = append(movements, inventory.Movement{Key: r.Key, Reservation: r.Key, Kind: r.Kind, Line: line + 1, SKU: l.SKU, Location: l.Location,
				Reserved: l.Quantity, Reason: r.Reason, Reference: r.Reference, At: r.Now})
		}
		results[n].Movements = movements[first:len(movements):len(movements)]
		results[n].Reservation = inventory.Reservation{Key: r.Key, State: inventory.Held, Lines: r.Lines, ExpiresAt: r.Expires, CreatedAt: r.Now,
			Reason: r.Reason, Reference: r.Reference}
	}
	return results
}
