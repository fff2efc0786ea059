package blevesearch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/seed82d84382/commerce/search"
)

// Backup implements [search.Backuper]. Searches and writes go on; a rebuild waits with its turn.
func (d *driver) Backup(ctx context.Context, dir string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := makeEmpty(dir); err != nil {
		return err
	}
	d.turning.RLock() // the live generation's files stay
	defer d.turning.RUnlock()
	d.mu.RLock()
	live, settings := d.live, d.settings
	copied := current{Format: format, Generation: d.current.Generation, Schema: d.current.Schema}
	d.mu.RUnlock()

	source, ok := live.index.(index.CopyIndex)
	if !ok {
		return fmt.Errorf("search: backup: %w", errors.ErrUnsupported)
	}
	reader := source.CopyReader()
	if reader == nil {
		return search.ErrClosed
	}
	defer func() { err = errors.Join(err, reader.CloseCopyReader()) }()
	target := filepath.Join(dir, copied.Generation)
	if err := os.Mkdir(target, 0o700); err != nil {
		return fmt.Errorf("search: backup: %w", err)
	}
	if err := reader.CopyTo(copyTarget{ctx, target}); err != nil {
		return fmt.Errorf("search: backup: %w", errors.Join(ctx.Err(), err))
	}
	if err := syncFiles(target); err != nil {
		return fmt.Errorf("search: backup: %w", err)
	}
	if err := writeSettings(dir, settings); err != nil {
		return err
	}
	return copied.write(dir) // without it there is no index
}

// Restore copies what [search.Index.Backup] wrote from backup to dir, which is empty or not
// there, durably. Open it then; a backup itself can be opened too.
func Restore(ctx context.Context, backup, dir string) error {
	c, err := readCurrent(backup)
	if err != nil {
		return err
	}
	if c.Generation == "" {
		return &search.InvalidError{Field: "backup", Reason: "is no index: it has no " + currentFile}
	}
	settings, err := readSettings(backup)
	if err != nil {
		return err
	}
	if err := makeEmpty(dir); err != nil {
		return err
	}
	from, to := filepath.Join(backup, c.Generation), filepath.Join(dir, c.Generation)
	err = filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, below), 0o700)
		}
		return copyFile(path, filepath.Join(to, below))
	})
	if err == nil {
		err = syncFiles(to)
	}
	if err != nil {
		return fmt.Errorf("search: restore: %w", err)
	}
	if err := writeSettings(dir, settings); err != nil {
		return err
	}
	return current{Format: format, Generation: c.Generation, Schema: c.Schema}.write(dir)
}

// makeEmpty makes a directory, or finds it empty.
func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("search: make directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("search: read directory: %w", err)
	}
	if len(entries) > 0 {
		return &search.InvalidError{Field: "dir", Reason: "is not empty"}
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// syncFiles makes the files of a directory durable.
func syncFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncDir(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// copyTarget is where scorch copies its files to. It names them as Bleve lays
// out an index, in a directory "store"; ours are in the generation itself.
type copyTarget struct {
	ctx context.Context
	dir string
}

func (t copyTarget) GetWriter(name string) (io.WriteCloser, error) {
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(t.dir, filepath.Base(name)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}
