package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// dataDir is the directory everything is kept in, locked for this process.
type dataDir struct {
	path      string
	temporary bool
	lock      *flock.Flock
}

var errDataDirInUse = errors.New("in use by another storefront")

// openDataDir creates the directory when it is missing, proves that it can be
// written, and takes its lock. An empty path is a new temporary directory.
func openDataDir(path string) (*dataDir, error) {
	temporary := path == ""
	var err error
	if temporary {
		path, err = os.MkdirTemp("", "storefront-")
	} else {
		path, err = filepath.Abs(path)
		if err == nil {
			err = os.MkdirAll(path, 0o700)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	lock := flock.New(filepath.Join(path, "storefront.lock"), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data directory %s cannot be written: %w", path, err)
	}
	if !held {
		return nil, fmt.Errorf("data directory %s: %w", path, errDataDirInUse)
	}
	return &dataDir{path: path, temporary: temporary, lock: lock}, nil
}

// join names a file or folder of the directory.
func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// Close gives the lock back, and removes a temporary directory.
func (d *dataDir) Close() error {
	err := d.lock.Unlock()
	if d.temporary {
		err = errors.Join(err, os.RemoveAll(d.path))
	}
	return err
}
