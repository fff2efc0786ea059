package blevesearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// current is the file that names the live generation.
type current struct {
	Format     int    `json:"format"`
	Generation string `json:"generation"`
	Previous   string `json:"previous,omitempty"` // kept for a rollback
	Schema     string `json:"schema"`             // fingerprint of the live generation
	Replaced   string `json:"replaced,omitempty"` // fingerprint of the previous one
	Filling    string `json:"filling,omitempty"`  // a generation that a rebuild has not finished
}

const (
	currentFile = "CURRENT"
	format      = 4 // 1 had positions and columns of Bleve's own, 2 its segments, 3 the terms of some fields twice
	maxCurrent  = 64 << 10
)

// olderFormat is in the place of the fingerprint of what was written in an older format.
const olderFormat = "older format"

var generationPattern = regexp.MustCompile(`^generation-[0-9]{6,18}$`)

func generationName(n int) string { return fmt.Sprintf("generation-%06d", n) }

// following returns the name of the generation after the ones in use.
func (c current) following() string {
	last := 0
	for _, name := range []string{c.Generation, c.Previous, c.Filling} {
		if generationPattern.MatchString(name) {
			n, _ := strconv.Atoi(name[len("generation-"):])
			last = max(last, n)
		}
	}
	return generationName(last + 1)
}

func readCurrent(dir string) (current, error) {
	var c current
	file, err := os.Open(filepath.Join(dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("search: open index: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCurrent))
	if err != nil {
		return c, fmt.Errorf("search: open index: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil || !generationPattern.MatchString(c.Generation) {
		return c, fmt.Errorf("search: open index: %s is damaged", currentFile)
	}
	if c.Format < 1 || c.Format > format {
		return c, fmt.Errorf("search: open index: format %d is not known to this version", c.Format)
	}
	if c.Format < format { // its generations cannot be searched: they are as those of another schema
		c.Schema, c.Filling, c.Replaced = olderFormat, "", ""
	}
	return c, nil
}

// write replaces the file atomically and durably.
func (c current) write(dir string) error {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	if err := replaceFile(filepath.Join(dir, currentFile), append(text, '\n')); err != nil {
		return fmt.Errorf("search: write %s: %w", currentFile, err)
	}
	return nil
}

func replaceFile(path string, text []byte) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// sweep removes the generations that are neither live, kept nor being filled: what a crash left behind.
func (d *driver) sweep() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("search: open index: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); generationPattern.MatchString(name) && name != d.current.Generation && name != d.current.Previous && name != d.current.Filling {
			if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
				return fmt.Errorf("search: remove abandoned generation: %w", err)
			}
		}
	}
	return nil
}
