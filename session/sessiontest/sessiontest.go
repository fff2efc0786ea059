// Package sessiontest has the conformance kit for drivers of package session,
// and helpers for the tests of hosts.
//
// A driver's test is the harness and the call:
//
//	func TestConformance(t *testing.T) {
//		sessiontest.Run(t, sessiontest.Harness{Open: func(t *testing.T) session.Driver {
//			return mystore.New(emptyDatabase(t))
//		}})
//	}
//
// What a driver must do is in section Driver. Section Manager runs a whole
// session.Manager over it, and section Fault the mistakes session stores are known
// for. Abilities beyond session.Driver are tested where a driver has them; where
// it does not, the Manager must say errors.ErrUnsupported.
package sessiontest

import (
	"testing"

	"github.com/seed82d84382/commerce/session"
)

// Harness tells Run how to make the driver under test.
type Harness struct {
	// Open returns a driver on an empty store, and leaves its end to t.Cleanup.
	Open func(t *testing.T) session.Driver
	// Peer returns a second driver on the store of the first, as another process
	// would have one. Nil if the store cannot be shared, or not safely.
	Peer func(t *testing.T, first session.Driver) session.Driver
}

// Run runs the kit. Its tests run in parallel, each on a store of its own.
func Run(t *testing.T, h Harness) {
	for _, section := range []struct {
		name  string
		tests []test
	}{{"Driver", driverTests}, {"Manager", managerTests}, {"Fault", faultTests}} {
		t.Run(section.name, func(t *testing.T) {
			for _, test := range section.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, h)
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(t *testing.T, h Harness)
}

// drivers returns two views of one empty store; the same one where there is no Peer.
func (h Harness) drivers(t *testing.T) (first, second session.Driver) {
	first = h.Open(t)
	if h.Peer == nil {
		return first, first
	}
	return first, h.Peer(t, first)
}
