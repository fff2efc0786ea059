// Package memqueue is a notify backend in the memory of one process: for
// tests, for development, and for work that may be lost with the process.
package memqueue

import "github.com/seed82d84382/commerce/notify"

// Open makes an empty queue.
func Open(o *notify.Options) *notify.Queue {
	return notify.New(newDriver(o.WithDefaults().Now), o)
}
