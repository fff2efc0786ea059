//go:build race

package main

// The race detector makes indexing ten times slower.
const slow = true
