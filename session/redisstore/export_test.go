package redisstore

import "github.com/seed82d84382/commerce/session"

// Waiting is how many commands of a driver wait for a round trip to end.
func Waiting(d session.Driver) int {
	j := d.(*store).reads.(*circuit).next.(*joined)
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting)
}
