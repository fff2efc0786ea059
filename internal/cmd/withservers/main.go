// Command withservers starts the servers that tests share, names them in the
// environment, runs a command and stops them when it has ended:
//
//	go run ./internal/cmd/withservers go test ./...
//
// It exits with the command's exit code. A server that is not installed is
// said and left out.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/seed82d84382/commerce/internal/testenv"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withservers COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
	}
	os.Exit(code)
}

func run(command string, args []string) (code int, err error) {
	// The command gets Ctrl-C too and ends by itself; the servers stay until then.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	environment, closeAll, err := startAll(ctx)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return 1, err
	}
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil // the command has said why
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// startAll starts all servers at once. closeAll is never nil.
func startAll(ctx context.Context) (environment []string, closeAll func() error, err error) {
	started := make([]*testenv.Server, len(servers))
	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() { started[i], errs[i] = server.start(ctx, &testenv.Options{Brief: true}) })
	}
	all.Wait()
	closeAll = func() error {
		var errs []error
		for _, server := range started {
			if server != nil {
				errs = append(errs, server.Close())
			}
		}
		return errors.Join(errs...)
	}
	for i, server := range servers {
		switch {
		case errors.Is(errs[i], testenv.ErrUnavailable):
			fmt.Fprintf(os.Stderr, "no %s for the tests: %v\n", server.name, errs[i])
		case errs[i] != nil:
			err = errors.Join(err, errs[i])
		default:
			fmt.Fprintf(os.Stderr, "%s for the tests is on %s\n", server.name, started[i].Addr)
			environment = append(environment, server.env+"="+started[i].Addr)
		}
	}
	return environment, closeAll, err
}
