package blevesearch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed82d84382/commerce/search"
)

// generation is an index being filled beside the live one.
type generation struct {
	driver *driver
	name   string
	store  *store // nil once it is promoted or discarded
}

// Begin implements [search.Rebuilder].
func (d *driver) Begin(ctx context.Context) (search.Generation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g := &generation{driver: d, name: d.current.following()}
	dir := filepath.Join(d.dir, g.name)
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("search: remove abandoned generation: %w", err)
	}
	var err error
	g.store, err = openStore(dir, d.schema, d.temporary)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (g *generation) Write(ctx context.Context, ops []search.Op, _ bool) error {
	return g.store.write(ctx, ops)
}

func (g *generation) Count(context.Context) (int, error) { return g.store.count() }

// Promote points CURRENT to the generation. Before that the old one is live, after it the new one.
func (g *generation) Promote(ctx context.Context, keep bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := g.driver
	next := current{Format: format, Generation: g.name, Schema: d.schema.Fingerprint()}
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
	// The turn is made: what is left is to tidy up, and the next Open does it otherwise.
	return errors.Join(old.close(), d.sweep())
}

// Discard removes the generation.
func (g *generation) Discard(context.Context) error {
	if g.store == nil {
		return nil
	}
	err := g.store.close()
	g.store = nil
	return errors.Join(err, os.RemoveAll(filepath.Join(g.driver.dir, g.name)))
}

// Rollback implements [search.Rollbacker].
func (d *driver) Rollback(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
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
