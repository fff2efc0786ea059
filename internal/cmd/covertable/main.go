// Command covertable reads a coverage profile and prints how much of each
// package, and of all of them, tests have run:
//
//	go run ./internal/cmd/covertable coverage.out
//
// A block that several test binaries report counts once, as run when one of
// them ran it. Packages without statements do not appear.
package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "covertable:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: covertable PROFILE")
	}
	profile, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer profile.Close()
	return table(profile, out)
}

// A share is how many of a package's statements have run.
type share struct{ covered, statements int }

func (s share) String() string {
	return fmt.Sprintf("%6.1f%%  %6d of %6d", 100*float64(s.covered)/float64(s.statements), s.covered, s.statements)
}

func table(profile io.Reader, out io.Writer) error {
	packages, err := shares(profile)
	if err != nil {
		return err
	}
	if len(packages) == 0 {
		return fmt.Errorf("the profile holds no statements")
	}
	var total share
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		s := packages[name]
		total.covered += s.covered
		total.statements += s.statements
		fmt.Fprintf(out, "%s  %s\n", s, name)
	}
	_, err = fmt.Fprintf(out, "%s  total\n", total)
	return err
}

// shares reads lines as "example.com/a/b.go:10.20,12.3 2 1": a block, its
// number of statements, how often it ran.
func shares(profile io.Reader) (map[string]share, error) {
	type block struct{ statements, count int }
	blocks := make(map[string]block)
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "mode:") {
			continue
		}
		var where string
		var b block
		if _, err := fmt.Sscan(line, &where, &b.statements, &b.count); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		b.count = max(b.count, blocks[where].count)
		blocks[where] = b
	}
	packages := make(map[string]share)
	for where, b := range blocks {
		file, _, _ := strings.Cut(where, ":")
		s := packages[path.Dir(file)]
		s.statements += b.statements
		if b.count > 0 {
			s.covered += b.statements
		}
		packages[path.Dir(file)] = s
	}
	return packages, lines.Err()
}
