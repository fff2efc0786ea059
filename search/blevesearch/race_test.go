//go:build race

package blevesearch_test

// The race detector makes indexing ten times slower.
const slow = true
