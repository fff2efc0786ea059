package redisstore

import (
	"time"

	"github.com/seed82d84382/commerce/session"
)

// Waiting is how many commands of a driver wait for a round trip to end.
func Waiting(d session.Driver) int {
	j := d.(*store).reads.(*circuit).next.(*joined)
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting)
}

// EndInOneStep makes a driver end more than n sessions of a user in one step, and
// take over what others have left after a time.
func EndInOneStep(d session.Driver, n int, takeOver time.Duration) {
	s := d.(*store)
	s.batch, s.takeOver = n, takeOver
}

// Stop ends the background work of a driver, as if its process had died; reads and
// writes go on.
func Stop(d session.Driver) { d.(*store).stop() }
