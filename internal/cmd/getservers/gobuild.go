package main

import (
	"context"
	"os"
	"os/exec"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// build builds a program from its module into the cache. go install makes it appear whole or not at all.
func build(ctx context.Context, p testenv.GoProgram) error {
	dir, err := p.Dir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "install", p.Package+"@"+p.Version)
	// Outside of any module, and for this machine, whatever it is that runs this command.
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
