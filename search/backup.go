package search

import (
	"context"
	"errors"
	"fmt"
)

// Backup copies the index with its settings to dir, a directory that is empty or
// not there, as it is at one moment: every write that has returned is in it. Searches and writes go on meanwhile. The copy is durable
// when Backup returns; one that was broken off is no index. See the backend for how it is restored.
//
// errors.ErrUnsupported on an engine that has backups of its own (Elasticsearch's snapshots).
func (ix *Index) Backup(ctx context.Context, dir string) (err error) {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.backup")
	defer func() { end(err) }()
	b, ok := ix.driver.(Backuper)
	if !ok {
		return fmt.Errorf("search: backup: %w", errors.ErrUnsupported)
	}
	return b.Backup(ctx, dir)
}
