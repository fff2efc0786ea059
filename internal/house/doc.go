// Package house holds the rules of this repository as tests: who may import
// whom, what a shop compiles when it imports one package, and what no file may
// contain. Every rule is a function over plain data and is shown a violation
// that it must find.
package house
