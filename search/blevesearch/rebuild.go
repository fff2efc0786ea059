package blevesearch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

// generation is an index being filled beside the live one.
type generation struct {
	driver *driver
	name   string
	store  *store // nil once it is promoted or discarded
}

// Begin implements [search.Rebuilder].
func (d *driver) Begin(ctx context.Context, resumable bool) (search.Generation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name := d.current.following()
	if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
		return nil, fmt.Errorf("search: remove abandoned generation: %w", err)
	}
	store, err := openStore(filepath.Join(d.dir, name), d.schema, d.temporary)
	if err != nil {
		return nil, err
	}
	g := &generation{driver: d, name: name, store: store}
	filling := ""
	if resumable {
		filling = name
	}
	if err := d.fill(filling); err != nil {
		store.close()
		return nil, err
	}
	return g, nil
}

// fill notes which unfinished generation is to be kept, and removes the one that was; d.mu is held.
func (d *driver) fill(name string) error {
	next, old := d.current, d.current.Filling
	if next.Filling = name; next == d.current {
		return nil
	}
	if err := next.write(d.dir); err != nil {
		return err
	}
	d.current = next
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(d.dir, old))
}

// Resume implements [search.Resumer].
func (d *driver) Resume(ctx context.Context, name string) (search.Generation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if name == "" || d.current.Filling != name {
		return nil, search.ErrNotFound
	}
	store, err := openStore(filepath.Join(d.dir, name), d.schema, d.temporary)
	if err != nil {
		return nil, err
	}
	return &generation{driver: d, name: name, store: store}, nil
}

func (g *generation) Name() string { return g.name }

// Leave implements [search.Resumable].
func (g *generation) Leave(context.Context) error {
	if g.store == nil {
		return nil
	}
	err := g.store.close()
	g.store = nil
	return err
}

// Entries implements [search.Resumable].
func (g *generation) Entries(ctx context.Context) iter.Seq2[search.GenerationEntry, error] {
	return func(yield func(search.GenerationEntry, error) bool) {
		sn, err := g.store.snapshot(ctx)
		if err == nil {
			defer sn.close()
			err = sn.entries(func(e search.GenerationEntry) bool { return yield(e, nil) })
		}
		if err != nil {
			yield(search.GenerationEntry{}, err)
		}
	}
}

func (sn *snapshot) entries(yield func(search.GenerationEntry) bool) error {
	put, deleted := roaring.New(), roaring.New()
	if err := errors.Join(sn.collect(put, fieldChanged, changedPut), sn.collect(deleted, fieldChanged, changedDelete)); err != nil {
		return err
	}
	for it := roaring.Or(sn.live, deleted).Iterator(); it.HasNext(); {
		doc := it.Next()
		id, err := sn.id(uint64(doc))
		if err != nil {
			return err
		}
		gone := deleted.Contains(doc)
		if !yield(search.GenerationEntry{ID: id, Deleted: gone, Changed: gone || put.Contains(doc)}) {
			return nil
		}
	}
	return nil
}

func (g *generation) Write(ctx context.Context, ops []search.Op, _ bool) error {
	return g.store.write(ctx, ops)
}

func (g *generation) Count(context.Context) (int, error) { return g.store.count() }

func (g *generation) Get(_ context.Context, ids []string) ([]search.Stored, error) {
	return g.store.get(ids)
}

// Promote points CURRENT to the generation. Before that the old one is live, after it the new one.
func (g *generation) Promote(ctx context.Context, keep bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := g.driver
	next := current{Format: format, Generation: g.name, Schema: d.schema.Fingerprint()}
	d.turning.Lock()
	defer d.turning.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if keep {
		next.Previous, next.Replaced = d.current.Generation, d.current.Schema
	}
	return d.turn(next, g)
}

// turn makes next the current one; d.mu is held.
func (d *driver) turn(next current, g *generation) error {
	if err := next.write(d.dir); err != nil {
		return err
	}
	old := d.live
	d.live, d.current = g.store, next
	g.store = nil
	var err error
	if d.temporary && next.Previous != "" {
		err = old.flush() // it is to be opened again
	}
	// The turn is made: what is left is to tidy up, and the next Open does it otherwise.
	return errors.Join(err, old.close(), d.sweep())
}

// Discard removes the generation.
func (g *generation) Discard(context.Context) error {
	if g.store == nil {
		return nil
	}
	err := g.store.close()
	g.store = nil
	d := g.driver
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(err, d.fill(""), os.RemoveAll(filepath.Join(d.dir, g.name)))
}

// Rollback implements [search.Rollbacker].
func (d *driver) Rollback(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.turning.Lock()
	defer d.turning.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.current.Previous == "":
		return search.ErrNotFound
	case d.current.Replaced != d.schema.Fingerprint():
		return search.ErrSchema
	}
	previous, err := openStore(filepath.Join(d.dir, d.current.Previous), d.schema, d.temporary)
	if err != nil {
		return err
	}
	next := current{Format: format, Generation: d.current.Previous, Schema: d.current.Replaced}
	g := &generation{driver: d, name: next.Generation, store: previous}
	if err := d.turn(next, g); err != nil {
		if g.store != nil {
			g.store.close()
		}
		return err
	}
	return nil
}
