package redisstore

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// hints remember when sessions are next due for a touch, so that a read in
// between is a plain GET, which costs the server a third of a script. A wrong or
// lost hint costs a touch too many or a round trip, nothing else.
type hints struct {
	seed  maphash.Seed
	slots [1 << 14]atomic.Uint64 // by a hash of the id: 32 more bits of it, and a time in seconds
}

func newHints() *hints { return &hints{seed: maphash.MakeSeed()} }

func (h *hints) slot(id string) (*atomic.Uint64, uint64) {
	sum := maphash.String(h.seed, id)
	return &h.slots[sum%uint64(len(h.slots))], sum &^ (1<<32 - 1)
}

// note that a session is not due before a time.
func (h *hints) note(id string, due time.Time) {
	slot, mark := h.slot(id)
	slot.Store(mark | uint64(max(0, due.Unix()))&(1<<32-1))
}

// due reports whether a session may be due: yes, unless there is a hint.
func (h *hints) due(id string, now time.Time) bool {
	slot, mark := h.slot(id)
	noted := slot.Load()
	return noted&^(1<<32-1) != mark || now.Unix() >= int64(noted&(1<<32-1))
}
