// Package search is product search with one query model on every engine.
package search
