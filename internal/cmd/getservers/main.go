// Command getservers installs what the tests run and this machine lacks: Debian
// packages, when there is apt and the user is root or may use sudo without a
// password, and artifacts that Maven fetches, into the user's cache. For what it
// cannot install it says how to get it, and succeeds: the tests say what they
// miss.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := get(ctx, missing(needs)); err != nil {
		fmt.Fprintln(os.Stderr, "getservers:", err)
		stop()
		os.Exit(1)
	}
}

func get(ctx context.Context, missing []need) error {
	if len(missing) == 0 {
		fmt.Println("The tests' servers are installed.")
		return nil
	}
	var names, packages []string
	for _, n := range missing {
		names = append(names, n.what)
		packages = append(packages, n.debian...)
	}
	fmt.Printf("The tests also use %s, which this machine lacks.\n", strings.Join(names, ", "))
	if len(packages) > 0 {
		if err := install(ctx, packages); err != nil {
			return err
		}
	}
	for _, n := range missing {
		if n.artifact == nil {
			continue
		}
		if _, err := exec.LookPath(fetcher(*n.artifact)); err != nil {
			fmt.Printf("%s fetches %s: install it and try again.\n", fetcher(*n.artifact), n.what)
			continue
		}
		fmt.Println("Fetching", n.what)
		if err := fetch(ctx, *n.artifact); err != nil {
			return fmt.Errorf("%s: %w", n.what, err)
		}
	}
	return nil
}

func install(ctx context.Context, packages []string) error {
	prefix, ok := privilege(ctx)
	if !ok {
		fmt.Printf("On Debian or Ubuntu get it with: apt-get install %s\n", strings.Join(packages, " "))
		return nil
	}
	for _, command := range [][]string{
		{"apt-get", "update", "-qq"},
		slices.Concat([]string{"apt-get", "install", "-y", "-qq", "--no-install-recommends"}, packages),
	} {
		command = append(prefix, command...)
		fmt.Println("Running:", strings.Join(command, " "))
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", strings.Join(command, " "), err), ctx.Err())
		}
	}
	return nil
}

// privilege is what to put before apt-get, and whether it can be used at all.
func privilege(ctx context.Context) (prefix []string, ok bool) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, false
	}
	if os.Geteuid() == 0 {
		return nil, true
	}
	if err := exec.CommandContext(ctx, "sudo", "-n", "true").Run(); err != nil {
		return nil, false
	}
	return []string{"sudo", "-n", "-E"}, true
}
