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

// keys returns what makes the keys of the process's orders. It is safe for all callers at once.
func (l load) keys() func() string {
	if l.Keys == randomKeys {
		return rand.Text
	}
	var orders atomic.Int64
	prefix := fmt.Sprintf("%s-%d-", l.Prefix, l.Process)
	return func() string { return prefix + strconv.FormatInt(1e9+orders.Add(1), 10) }
}
