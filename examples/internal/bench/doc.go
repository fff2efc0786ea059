// Package bench is what the measuring programs share: it drives a load from a
// number of callers, interleaves the subjects of a comparison, keeps latencies,
// describes the machine, and writes tables, JSON and a self-contained HTML page.
//
// A comparison is fair only if its subjects see the same machine in the same
// state, so Interleave runs them in turns, several rounds, and Summarize reports the
// median round and the spread.
package bench
