package main

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"sync/atomic"
)

// The forms of an order's key. A ledger that is clustered by key takes those that ascend at one end, and others everywhere.
const (
	orderNumbers = "numbers"
	randomKeys   = "random"
)

// newKeys returns what makes the keys of a process's orders. It is safe for all callers at once.
func newKeys(form, prefix string, process int) func() string {
	if form == randomKeys {
		return rand.Text
	}
	var orders atomic.Int64
	prefix = fmt.Sprintf("%s-%d-", prefix, process)
	return func() string { return prefix + strconv.FormatInt(1e9+orders.Add(1), 10) }
}
