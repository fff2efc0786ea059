package testenv

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cacheDir is where what outlives one server is kept, in the user's cache.
func cacheDir(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "commerce-testenv", name), nil
}

// fromTemplate fills an empty data directory. Installing takes seconds, a copy
// of what an earlier start has installed much less. A template is good for one
// version of the program, asked with versionArgs, and for one way of
// installing, which key tells.
func fromTemplate(ctx context.Context, name, program string, versionArgs []string, key, data string, install func() error) error {
	template, err := templateDir(ctx, name, program, versionArgs, key)
	if err != nil {
		return install() // no place for a template: no reason to fail
	}
	if err := os.CopyFS(data, os.DirFS(template)); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := install(); err != nil {
		return err
	}
	if err := keepTemplate(data, template); err != nil {
		return fmt.Errorf("keep a template: %w", err)
	}
	return nil
}

func templateDir(ctx context.Context, name, program string, versionArgs []string, key string) (string, error) {
	version, err := exec.CommandContext(ctx, program, versionArgs...).Output()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(version, key...))
	return cacheDir(fmt.Sprintf("%s-%x", name, sum[:8]))
}

// keepTemplate makes the template appear whole or not at all; when another
// process was faster, its one stays.
func keepTemplate(data, template string) error {
	if err := os.MkdirAll(filepath.Dir(template), 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(template), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	if err := os.CopyFS(temporary, os.DirFS(data)); err != nil {
		return err
	}
	if err := os.Rename(temporary, template); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// installed runs the program that fills a data directory, and says what it
// said when it fails.
func installed(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, tail(out))
	}
	return nil
}

// key puts arguments into one text.
func key(args []string) string { return strings.Join(args, " ") }
