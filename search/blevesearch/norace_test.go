//go:build !race

package blevesearch_test

const slow = false
