// Package e2e tests the storefront as it is delivered: the built binary, a real
// browser before it, and kill -9 behind it. It holds nothing but tests.
package e2e
