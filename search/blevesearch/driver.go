package blevesearch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/seed82d84382/commerce/search"
)

// driver is the live generation of a directory.
type driver struct {
	dir       string
	schema    search.Schema
	temporary bool

	// turning is held for reading while the live generation's files are copied, and for writing
	// while another one takes its place. It is taken before mu.
	turning sync.RWMutex
	// mu is held for reading while a generation is used, and for writing while it is replaced.
	mu       sync.RWMutex
	live     *store
	current  current
	settings map[string][]byte
}

// openDriver opens the live generation, or makes the first one. stale is set when it was
// built with another schema, which is an error unless stale ones are allowed.
func openDriver(dir string, schema search.Schema, temporary, allowStale bool) (d *driver, stale bool, err error) {
	if temporary {
		if dir, err = os.MkdirTemp("", "search-"); err != nil {
			return nil, false, fmt.Errorf("search: make temporary directory: %w", err)
		}
	} else if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("search: make directory: %w", err)
	}
	d = &driver{dir: dir, schema: schema, temporary: temporary}
	d.current, err = readCurrent(dir)
	if err != nil {
		return nil, false, err
	}
	if d.settings, err = readSettings(dir); err != nil {
		return nil, false, err
	}
	fresh := d.current.Generation == ""
	if fresh {
		d.current = current{Format: format, Generation: generationName(1), Schema: schema.Fingerprint()}
	}
	if stale = d.current.Schema != schema.Fingerprint(); stale && !allowStale {
		return nil, false, search.ErrSchema
	}
	if d.live, err = openStore(filepath.Join(dir, d.current.Generation), schema, temporary); err != nil {
		return nil, false, err
	}
	// Holding the live generation's lock, nobody else can be filling another one.
	if fresh {
		err = d.current.write(dir)
	}
	if err == nil {
		err = d.sweep()
	}
	if err != nil {
		d.live.close()
		return nil, false, err
	}
	return d, stale, nil
}

// fillStale replaces what was built with another schema.
func (d *driver) fillStale(ix *search.Index, opts *Options) error {
	return ix.Rebuild(context.Background(), opts.Source, nil)
}

func (d *driver) Write(ctx context.Context, ops []search.Op, _ bool) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.live.write(ctx, ops)
}

// takeTurns lets others search before a caller that has just done so: nothing in a search waits, and Go would
// let the caller go on for 10 ms, in which it could ask dozens of times.
func takeTurns() { runtime.Gosched() }

func (d *driver) Search(ctx context.Context, requests []search.Request) ([]search.Response, error) {
	takeTurns()
	d.mu.RLock()
	defer d.mu.RUnlock()
	sn, err := d.live.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer sn.close()
	responses := make([]search.Response, len(requests))
	for i, r := range requests {
		if responses[i], err = sn.answer(r); err != nil {
			return nil, err
		}
	}
	return responses, nil
}

func (d *driver) Get(ctx context.Context, ids []string) ([]search.Stored, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.live.get(ids)
}

func (d *driver) Terms(ctx context.Context, r search.TermsRequest) ([]search.Term, error) {
	takeTurns()
	d.mu.RLock()
	defer d.mu.RUnlock()
	sn, err := d.live.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer sn.close()
	return sn.terms(r)
}

func (d *driver) Count(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.live.count()
}

func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.live.close()
	if d.temporary {
		if removed := os.RemoveAll(d.dir); err == nil {
			err = removed
		}
	}
	return err
}
