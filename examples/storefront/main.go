// Command storefront is the shop that proves the SDK: five packages wired into
// one binary that needs nothing installed.
//
//	go run ./examples/storefront                 # a shop on http://127.0.0.1:8080
//	go run ./examples/storefront -headless-check # walks the whole journey and exits 0 or 1
//
// Where things live: this package holds the process (flags, data directory,
// backends in profile.go, start and stop); package shop the accounts, carts,
// orders and the checkout; package web the pages; package catalogue the
// products; package check the journey.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Exit statuses: a shell can tell a wrong command line from a shop that failed.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the whole program without its process: it returns the exit status
// when ctx ends or something fails.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	cfg, err := parseConfig(args, getenv, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "storefront: %v\n", err)
		return exitUsage
	}
	act := serve
	if cfg.headlessCheck {
		act = headlessCheck
	}
	if err := act(ctx, cfg, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "storefront: %v\n", err)
		return exitFailed
	}
	return exitOK
}
