// Command fuzzall runs every fuzz target under the current directory for a
// while each, one after the other, and stops at the first failure:
//
//	go run ./internal/cmd/fuzzall -time 10s
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	each := flag.String("time", "10s", "how long each target runs, or how often as in 100x")
	flag.Parse()
	if err := run(".", *each); err != nil {
		fmt.Fprintln(os.Stderr, "fuzzall:", err)
		os.Exit(1)
	}
}

func run(root string, each string) error {
	targets, err := find(root)
	if err != nil {
		return err
	}
	for i, target := range targets {
		fmt.Printf("[%d/%d] %s %s\n", i+1, len(targets), target.dir, target.name)
		cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+target.name+"$", "-fuzztime="+each, ".")
		cmd.Dir = target.dir
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s %s: %w", target.dir, target.name, err)
		}
	}
	fmt.Printf("%d fuzz targets, none failed\n", len(targets))
	return nil
}

type target struct{ dir, name string }

// find returns the fuzz targets of all test files below root.
func find(root string) ([]target, error) {
	var targets []target
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets = append(targets, target{filepath.Dir(path), f.Name.Name})
			}
		}
		return nil
	})
	return targets, err
}
