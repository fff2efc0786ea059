package blevesearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

const (
	settingsFile = "SETTINGS" // JSON: values by name, in base64
	maxSettings  = 64 << 20
)

// Keep implements [search.Keeper].
func (d *driver) Keep(ctx context.Context, name string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next := maps.Clone(d.settings)
	if next[name] = value; value == nil {
		delete(next, name)
	}
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("search: encode settings: %w", err)
	}
	if err := replaceFile(filepath.Join(d.dir, settingsFile), text); err != nil {
		return fmt.Errorf("search: write %s: %w", settingsFile, err)
	}
	d.settings = next
	return nil
}

// Kept implements [search.Keeper].
func (d *driver) Kept(ctx context.Context) (map[string][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return maps.Clone(d.settings), nil
}

func readSettings(dir string) (map[string][]byte, error) {
	settings := map[string][]byte{}
	file, err := os.Open(filepath.Join(dir, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return settings, nil
	}
	if err != nil {
		return nil, fmt.Errorf("search: open settings: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSettings))
	if err != nil {
		return nil, fmt.Errorf("search: read settings: %w", err)
	}
	if err := json.Unmarshal(text, &settings); err != nil {
		return nil, fmt.Errorf("search: open settings: %s is damaged", settingsFile)
	}
	return settings, nil
}
