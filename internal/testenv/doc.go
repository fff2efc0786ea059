// Package testenv starts private, throw-away real servers for tests,
// benchmarks and load generators, and puts faults between them and their
// clients.
//
// Every server has a data directory and a loopback port of its own. It can be
// paused (SIGSTOP), killed (kill -9) and restarted on the same port and data,
// and it is gone, with its directory, when the process that started it is:
// after Close, after a panic, and after a kill -9 of that process, because a
// guard process outside of it does the cleaning.
//
// [Proxy] stands between a client and a server and delays, cuts or swallows
// what passes.
//
// The package does not import testing, so commands use it too. Package
// testenvtest gives tests their skips, logs and clean-up.
//
// It needs a Unix with sh, and the servers installed; a server that is not
// there is an [UnavailableError] which says how to get it.
package testenv
